/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/cli/cli.h"

/* How long the engine may be silent: a restart takes less. */
#define ANSWER_MS 10000

static void __attribute__((format(printf, 1, 0)))
complain(const char *fmt, va_list ap)
{
	(void)fputs("nfipsec: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
}

void
cli_complain(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

int
cli_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "Try: nfipsec %s%s--help\n", command,
		      command[0] == '\0' ? "" : " ");
	return CLI_USAGE;
}

int
cli_connect(struct client *c, const struct cli *cli)
{
	int status = cli_connect_user(c, cli);

	if (status == CLI_DONE && c->server.rights != PROTO_RIGHTS_ALL) {
		cli_complain("not permitted: this needs root");
		return CLI_FORBIDDEN;
	}
	return status;
}

int
cli_connect_user(struct client *c, const struct cli *cli)
{
	int err = client_open(c, cli->run_dir, ANSWER_MS);

	if (err == 0)
		return CLI_DONE;
	if (err == -EACCES) {
		cli_complain("not permitted: this needs root");
		return CLI_FORBIDDEN;
	}
	if (err == -ETIMEDOUT)
		cli_complain("%s/" PROTO_SOCKET ": the engine does not answer",
			     cli->run_dir);
	else if (err == -ENOENT || err == -ECONNREFUSED)
		cli_complain("%s/" PROTO_SOCKET ": no nfipsecd there: %s",
			     cli->run_dir, strerror(-err));
	else if (err == -EPROTONOSUPPORT)
		cli_complain("nfipsecd (%s) speaks another version",
			     c->server.software);
	else
		cli_complain("%s/" PROTO_SOCKET ": %s", cli->run_dir,
			     strerror(-err));
	return CLI_UNREACHABLE;
}

int
cli_fail(const struct client *c, int err)
{
	if (err == 0)
		return CLI_DONE;
	if (c->broken) {
		cli_complain("lost the engine: %s", strerror(-err));
		return CLI_UNREACHABLE;
	}
	if (c->text[0] != '\0')
		cli_complain("%s", c->text);
	else
		cli_complain("%s", strerror(-err));
	switch (-err) {
	case EACCES:
	case EPERM:
		return CLI_FORBIDDEN;
	case ENOENT:
		return CLI_NO_OBJECT;
	}
	return CLI_FAILED;
}

int
cli_finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	cli_complain("stdout: %s", strerror(errno));
	return status == CLI_DONE ? CLI_FAILED : status;
}
