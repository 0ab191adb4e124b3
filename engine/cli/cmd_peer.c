/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli/columns.h"
#include "engine/cli/listing.h"
#include "engine/cli/peer_row.h"
#include "engine/cli/sockets.h"

struct peers {
	struct peer_row *at;
	size_t n;
};

/* The row of this SA's association and peer, made if it is new.  NULL: no
 * memory. */
static struct peer_row *
row_of(struct peers *p, const struct proto_sa *sa)
{
	struct peer_row *more;

	for (size_t i = 0; i < p->n; i++)
		if (p->at[i].info.said == sa->said &&
		    ipaddr_equal(&p->at[i].peer, &sa->peer))
			return &p->at[i];
	more = reallocarray(p->at, p->n + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	p->at = more;
	more += p->n++;
	memset(more, 0, sizeof(*more));
	more->local = sa->local;
	more->peer = sa->peer;
	return more;
}

/* SAs as they come; wanted NULL: all of them. */
static int
collect(struct client *c, struct peers *p, const struct ipaddr *wanted)
{
	struct peer_row *row;
	struct proto_sa sa;
	int err;

	while ((err = client_next(c, PROTO_SHAPE(&sa), &sa)) == 1) {
		if (wanted != NULL && !ipaddr_equal(wanted, &sa.peer))
			continue;
		row = row_of(p, &sa);
		if (row == NULL)
			return -ENOMEM;
		info_take(&row->info, &sa, &row->mixed);
		row->mode = row->info.tunnel ? PROTO_TUNNEL : PROTO_TRANSPORT;
	}
	for (size_t i = p->n; i-- > 0;)
		info_end(&p->at[i].info, p->at[i].mixed);
	return err;
}

static int
print(const struct peers *p, const struct cli *cli)
{
	struct listing *t = listing_new(&columns_connection, cli);
	bool good = t != NULL;

	for (size_t i = 0; good && i < p->n; i++)
		good = listing_add(t, &p->at[i]);
	if (t != NULL)
		listing_end(t);
	return good ? CLI_DONE : CLI_FAILED;
}

/* "PID:FD".  False: not of that form. */
static bool
read_socket(const char *text, int *pid, int *fd)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end != ':' || v <= 0 || v > 1 << 30)
		return false;
	*pid = (int)v;
	text = end + 1;
	v = strtol(text, &end, 10);
	*fd = (int)v;
	return end != text && *end == '\0' && v >= 0 && v < 1 << 30;
}

static int
fail_to_take(const char *what, int err)
{
	cli_complain("%s: %s", what,
		     err == -ESRCH   ? "no such process"
		     : err == -EBADF ? "it has no such descriptor"
		     : err == -EPERM ? "not permitted: another user's process"
				     : strerror(-err));
	return err == -EPERM                    ? CLI_FORBIDDEN
	       : err == -ESRCH || err == -EBADF ? CLI_NO_OBJECT
						: CLI_FAILED;
}

static int
ask_socket(const char *what, int pid, int fd, struct peers *p,
	   const struct cli *cli)
{
	int taken = sockets_take(pid, fd), status, err;
	struct client c;

	if (taken < 0)
		return fail_to_take(what, taken);
	status = cli_connect_user(&c, cli);
	if (status == CLI_DONE) {
		err = client_ask_fd(&c, PROTO_PEER, NULL, NULL, taken);
		if (err == 0)
			err = collect(&c, p, NULL);
		status = cli_fail(&c, err);
		/* It is there, but nobody protects it. */
		if (err == -ENODATA || err == -ENOKEY || err == -ENOTCONN)
			status = CLI_NO_OBJECT;
	}
	client_close(&c);
	close(taken);
	return status;
}

static int
ask_address(const char *what, const struct ipaddr *peer, struct peers *p,
	    const struct cli *cli)
{
	struct proto_show all = { 0 };
	struct client c;
	int status = cli_connect(&c, cli), err;

	if (status == CLI_DONE) {
		err = client_ask(&c, PROTO_SAS, PROTO_SHAPE(&all), &all);
		if (err == 0)
			err = collect(&c, p, peer);
		status = cli_fail(&c, err);
	}
	if (status == CLI_DONE && p->n == 0) {
		cli_complain("%s: no SA is there for it", what);
		status = CLI_NO_OBJECT;
	}
	client_close(&c);
	return status;
}

int
cmd_peer_run(int argc, char **argv, const struct cli *cli)
{
	struct peers p = { 0 };
	struct ipaddr peer;
	int pid, fd, status;

	if (argc != 2)
		return cli_usage("peer", "one PID:FD, or one ADDRESS");
	if (cli->json + cli->brief + cli->dump > 1)
		return cli_usage("peer", "one of -j, --brief, --dump");
	if (read_socket(argv[1], &pid, &fd))
		status = ask_socket(argv[1], pid, fd, &p, cli);
	else if (ipaddr_parse(argv[1], &peer) == 0 && ipaddr_is_host(&peer))
		status = ask_address(argv[1], &peer, &p, cli);
	else
		return cli_usage("peer", "%s: neither PID:FD nor an address",
				 argv[1]);
	if (status == CLI_DONE)
		status = print(&p, cli);
	free(p.at);
	return status;
}
