/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/cli/columns.h"
#include "engine/cli/listing.h"
#include "engine/cli/owners.h"
#include "engine/cli/sockdiag.h"
#include "engine/cli/sockets.h"

struct search {
	struct socket_list *list;
	struct client *client;
	struct owners owners;
	struct proto_status status; /* root: which marks are SAIDs */
	struct proto_assoc *assocs;
	size_t n_assocs;
	uid_t uid; /* whose sockets; 0: all */
	int err;
};

int
sockets_take(int pid, int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), got;

	if (pidfd < 0)
		return -errno;
	got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (got < 0)
		got = -errno;
	close(pidfd);
	return got;
}

static int
add(struct socket_list *l, const struct socket_row *row)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 64 : 2 * l->cap;
		struct socket_row *more =
		    reallocarray(l->at, cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		l->at = more;
		l->cap = cap;
	}
	l->at[l->n++] = *row;
	return 0;
}

void
sockets_free(struct socket_list *l)
{
	free(l->at);
	*l = (struct socket_list){ 0 };
}

/* ---- which SAID -----------------------------------------------------------
 */

/* What the engine thinks of marks.  0 or -errno. */
static int
learn(struct search *s)
{
	struct proto_assoc row, *more;
	int err;

	err = client_ask(s->client, PROTO_STATUS, NULL, NULL);
	if (err == 0)
		err =
		    client_next(s->client, PROTO_SHAPE(&s->status), &s->status);
	if (err == 1)
		err = client_next(s->client, NULL, NULL);
	if (err == 0)
		err = client_ask(s->client, PROTO_ASSOCS, NULL, NULL);
	while (err == 0 &&
	       (err = client_next(s->client, PROTO_SHAPE(&row), &row)) == 1) {
		more = reallocarray(s->assocs, s->n_assocs + 1, sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		s->assocs = more;
		s->assocs[s->n_assocs++] = row;
		err = 0;
	}
	return err;
}

static bool
said_of_mark(const struct search *s, uint32_t mark, struct socket_row *row)
{
	uint32_t mask = s->status.said_mask;
	uint32_t said = mask == 0 ? 0 : (mark & mask) >> __builtin_ctz(mask);

	if (said < s->status.said_first || said > s->status.said_last)
		return false;
	row->said = said;
	for (size_t i = 0; i < s->n_assocs; i++)
		if (s->assocs[i].said == said)
			memcpy(row->association, s->assocs[i].name,
			       sizeof(row->association));
	return true;
}

/* Without privilege: by passing the socket. */
static bool
said_of_socket(struct search *s, const struct owner *o, struct socket_row *row)
{
	struct proto_bound bound = { 0 };
	int fd = o == NULL ? -1 : sockets_take(o->pid, o->fd), err;

	if (fd < 0)
		return false;
	err = client_ask_fd(s->client, PROTO_SAID, NULL, NULL, fd);
	if (err == 0)
		err = client_next(s->client, PROTO_SHAPE(&bound), &bound);
	if (err == 1)
		err = client_next(s->client, NULL, NULL);
	close(fd);
	if (err < 0 && s->client->broken)
		s->err = err;
	row->said = bound.said;
	memcpy(row->association, bound.association, sizeof(row->association));
	return err == 0 && bound.said != 0;
}

/* ---- whose ----------------------------------------------------------------
 */

static void
name_user(struct socket_row *row)
{
	const struct passwd *pw = getpwuid(row->uid);

	if (pw != NULL)
		(void)snprintf(row->user, sizeof(row->user), "%s", pw->pw_name);
	else
		(void)snprintf(row->user, sizeof(row->user), "%u", row->uid);
}

static void
take(void *arg, const struct sockdiag *d)
{
	struct search *s = arg;
	struct socket_row row = {
		.uid = d->uid,
		.protocol = d->protocol,
		.local = d->local,
		.peer = d->peer,
		.lport = d->lport,
		.pport = d->pport,
		.listens = d->listens,
		.count = 1,
	};
	struct owner *o;
	size_t n;

	o = owners_of(&s->owners, d->inode, &n);
	if (o != NULL)
		o->told = true;
	if (s->err < 0 || (s->uid != 0 && d->uid != s->uid))
		return;
	if (s->uid == 0 ? !d->marked || !said_of_mark(s, d->mark, &row)
			: !said_of_socket(s, o, &row))
		return;
	name_user(&row);
	if (o == NULL)
		s->err = add(s->list, &row);
	for (size_t i = 0; i < n && s->err == 0; i++) {
		row.pid = (uint32_t)o[i].pid;
		row.fd = (uint32_t)o[i].fd;
		memcpy(row.command, o[i].command, sizeof(row.command));
		s->err = add(s->list, &row);
	}
}

/* What somebody holds and the kernel's list lacks. */
static void
take_unlisted(struct search *s)
{
	struct sockdiag d;
	size_t n;

	for (size_t i = 0; i < s->owners.n && s->err == 0; i += n) {
		const struct owner *o =
		    owners_of(&s->owners, s->owners.at[i].inode, &n);
		int fd = -1;

		n += n == 0;
		if (o != NULL && !o->told && sockdiag_may_lack(o->pid, o->fd))
			fd = sockets_take(o->pid, o->fd);
		if (fd < 0)
			continue;
		if (sockdiag_look(fd, &d) == 0 && d.inode == o->inode)
			take(s, &d);
		close(fd);
	}
}

static int
compare(const void *a, const void *b)
{
	const struct socket_row *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (x->said != y->said)
		return x->said < y->said ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

int
sockets_find(struct socket_list *l, struct client *c)
{
	struct search s = { .list = l, .client = c };

	*l = (struct socket_list){ 0 };
	if (c->server.rights == PROTO_RIGHTS_ALL)
		s.err = learn(&s);
	else
		s.uid = getuid();
	if (s.err == 0)
		s.err = owners_find(&s.owners);
	if (s.err == 0) {
		int err = sockdiag_walk(take, &s);

		if (s.err == 0)
			s.err = err;
		take_unlisted(&s);
	}
	if (l->n != 0)
		qsort(l->at, l->n, sizeof(*l->at), compare);
	owners_free(&s.owners);
	free(s.assocs);
	return s.err;
}

/* ---- commands -------------------------------------------------------------
 */

static int
list(const struct cli *cli, const struct columns *columns,
     void (*shape)(struct socket_list *l))
{
	struct socket_list l = { 0 };
	struct listing *t = NULL;
	struct client c;
	int status, err;

	if (cli->json + cli->brief + cli->dump > 1)
		return cli_usage("show", "one of -j, --brief, --dump");
	status = cli_connect_user(&c, cli);
	err = status == CLI_DONE ? sockets_find(&l, &c) : 0;
	if (status == CLI_DONE && err < 0)
		status = cli_fail(&c, err);
	if (status == CLI_DONE) {
		if (shape != NULL)
			shape(&l);
		t = listing_new(columns, cli);
	}
	for (size_t i = 0; t != NULL && i < l.n; i++)
		if (!listing_add(t, &l.at[i]))
			status = CLI_FAILED;
	if (t != NULL)
		listing_end(t);
	else if (status == CLI_DONE)
		status = CLI_FAILED;
	client_close(&c);
	sockets_free(&l);
	return status;
}

int
sockets_show(const struct cli *cli)
{
	return list(cli, &columns_socket, NULL);
}

/* One row for a process and a SAID. */
static void
by_process(struct socket_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].pid == 0)
			continue; /* closed, and not yet over */
		else if (n != 0 && l->at[n - 1].pid == l->at[i].pid &&
		    l->at[n - 1].said == l->at[i].said)
			l->at[n - 1].count++;
		else
			l->at[n++] = l->at[i];
	l->n = n;
}

int
cmd_who_run(int argc, char **argv, const struct cli *cli)
{
	if (argc > 1)
		return cli_usage("who", "%s: one word too many", argv[1]);
	return list(cli, &columns_who, by_process);
}
