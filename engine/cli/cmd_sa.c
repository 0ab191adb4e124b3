/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/cli/cli.h"
#include "engine/cli/keytext.h"

/* All of fd, as text.  0 or an errno value; EFBIG: too long. */
static int
read_all(int fd, char *text, size_t cap)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, text + len, cap - 1 - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		len += (size_t)got;
		if (len == cap - 1)
			return EFBIG;
	}
	text[len] = '\0';
	return memchr(text, '\0', len) == NULL ? 0 : EILSEQ;
}

/* A file of keys that others may read is refused, as nfipsecd does. */
static int
read_keys(const char *path, char *text, size_t cap)
{
	struct stat st;
	int fd, err;

	if (path == NULL || strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, text, cap);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) < 0)
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if (st.st_mode & 077)
		err = EPERM;
	else
		err = read_all(fd, text, cap);
	close(fd);
	return err;
}

static int
read_pair(const char *path, struct proto_pair *pair)
{
	static char text[KEYTEXT_MAX];
	const char *name = path == NULL ? "stdin" : path, *wrong;
	unsigned line;
	int err = read_keys(path, text, sizeof(text));

	if (err == EPERM) {
		cli_complain("%s: others can read it", name);
		return CLI_FAILED;
	}
	if (err != 0) {
		cli_complain("%s: %s", name, strerror(err));
		return CLI_FAILED;
	}
	wrong = keytext_parse(text, &pair->out, &pair->in, &line);
	secret_wipe(text, sizeof(text));
	if (wrong == NULL)
		return CLI_DONE;
	/* Never the line itself: it may hold a key. */
	cli_complain("%s:%u: %s", name, line, wrong);
	return CLI_FAILED;
}

static bool
parse_host(const char *word, struct ipaddr *a)
{
	return ipaddr_parse(word, a) == 0 && ipaddr_is_host(a);
}

static int
request(const struct cli *cli, enum proto_type type,
	const struct proto_shape *shape, const void *record)
{
	struct client c;
	int status = cli_connect(&c, cli);

	if (status == CLI_DONE)
		status = cli_fail(&c, client_do(&c, type, shape, record));
	client_close(&c);
	return status;
}

int
cmd_add_run(int argc, char **argv, const struct cli *cli)
{
	struct proto_pair pair = {
		.flags = cli->replace ? PROTO_PAIR_REPLACE : 0,
		/* 0: whichever the association has */
		.protocol = cli->ah ? 51 : 0,
	};
	const char *principal = cli->principal == NULL ? "" : cli->principal;
	int status;

	if (argc < 5 || argc > 6 || strcmp(argv[1], "sa") != 0)
		return cli_usage("add", "add sa NAME LOCAL PEER [FILE]");
	if (strlen(argv[2]) >= sizeof(pair.association))
		return cli_usage("add", "%s: too long", argv[2]);
	if (strlen(principal) >= sizeof(pair.principal))
		return cli_usage("add", "%s: too long", principal);
	if (!parse_host(argv[3], &pair.local))
		return cli_usage("add", "%s: no address", argv[3]);
	if (!parse_host(argv[4], &pair.peer))
		return cli_usage("add", "%s: no address", argv[4]);
	(void)snprintf(pair.association, sizeof(pair.association), "%s",
		       argv[2]);
	(void)snprintf(pair.principal, sizeof(pair.principal), "%s", principal);
	status = read_pair(argv[5], &pair);
	if (status == CLI_DONE)
		status =
		    request(cli, PROTO_ADD_PAIR, PROTO_SHAPE(&pair), &pair);
	secret_wipe(&pair, sizeof(pair));
	return status;
}

int
cmd_delete_run(int argc, char **argv, const struct cli *cli)
{
	struct proto_delete d = { 0 };
	unsigned long long spi;
	char *end;

	if (argc != 6 || strcmp(argv[1], "sa") != 0)
		return cli_usage("delete", "delete sa in|out esp|ah PEER SPI");
	if (strcmp(argv[2], "out") == 0)
		d.direction = PROTO_OUT;
	else if (strcmp(argv[2], "in") != 0)
		return cli_usage("delete", "%s: in or out", argv[2]);
	d.protocol = strcmp(argv[3], "esp") == 0  ? 50
		     : strcmp(argv[3], "ah") == 0 ? 51
						  : 0;
	if (d.protocol == 0)
		return cli_usage("delete", "%s: esp or ah", argv[3]);
	if (!parse_host(argv[4], &d.peer))
		return cli_usage("delete", "%s: no address", argv[4]);
	spi = strtoull(argv[5], &end, 0);
	if (argv[5][0] < '0' || argv[5][0] > '9' || *end != '\0' || spi == 0 ||
	    spi > UINT32_MAX)
		return cli_usage("delete", "%s: no SPI", argv[5]);
	d.spi = (uint32_t)spi;
	return request(cli, PROTO_DELETE_SA, PROTO_SHAPE(&d), &d);
}

int
cmd_rekey_run(int argc, char **argv, const struct cli *cli)
{
	struct proto_rekey r = { 0 };

	if (argc < 2 || argc > 3)
		return cli_usage("rekey", "rekey NAME [PEER]");
	if (strlen(argv[1]) >= sizeof(r.association))
		return cli_usage("rekey", "%s: too long", argv[1]);
	if (argc == 3 && ipaddr_parse(argv[2], &r.peer) != 0)
		return cli_usage("rekey", "%s: no address", argv[2]);
	(void)snprintf(r.association, sizeof(r.association), "%s", argv[1]);
	return request(cli, PROTO_REKEY, PROTO_SHAPE(&r), &r);
}

int
cmd_fail_run(int argc, char **argv, const struct cli *cli)
{
	struct proto_fail f = { 0 };

	if (argc < 3 || argc > 4)
		return cli_usage("fail", "fail NAME PEER [REASON]");
	if (strlen(argv[1]) >= sizeof(f.association))
		return cli_usage("fail", "%s: too long", argv[1]);
	if (!parse_host(argv[2], &f.peer))
		return cli_usage("fail", "%s: no address", argv[2]);
	if (argc == 4 && strlen(argv[3]) >= sizeof(f.text))
		return cli_usage("fail", "%s: too long", argv[3]);
	(void)snprintf(f.association, sizeof(f.association), "%s", argv[1]);
	(void)snprintf(f.text, sizeof(f.text), "%s",
		       argc == 4 ? argv[3] : "no reason given");
	return request(cli, PROTO_FAIL, PROTO_SHAPE(&f), &f);
}
