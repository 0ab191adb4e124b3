/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli/cli.h"

/* What env(1) and its like say of a command that can't be started. */
#define EXIT_NOT_FOUND 127
#define EXIT_NOT_RUN   126

/* What there is to know of the run, a line each. */
static void
tell(const char *name, char *text)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save))
		cli_complain("%s: %s", name, line);
}

/* nfipsecd moves this very process; what it becomes, and starts, is bound. */
static int
ask(const char *name, const struct cli *cli)
{
	struct proto_run run = { .flags = 0 };
	struct client c;
	int status, err;

	if (cli->others != NULL)
		run.flags = strcmp(cli->others, "clear") == 0
				? PROTO_RUN_OTHERS_CLEAR
				: PROTO_RUN_OTHERS_TOLD;
	(void)snprintf(run.association, sizeof(run.association), "%s", name);
	status = cli_connect_user(&c, cli);
	if (status == CLI_DONE) {
		err = client_do(&c, PROTO_RUN, PROTO_SHAPE(&run), &run);
		status = cli_fail(&c, err);
		if (status == CLI_DONE)
			tell(name, c.text);
	}
	client_close(&c);
	return status;
}

int
cmd_run_run(int argc, char **argv, const struct cli *cli)
{
	int status, err;

	if (argc < 3)
		return cli_usage("run", "run NAME -- COMMAND [ARGUMENT...]");
	if (strlen(argv[1]) >= PROTO_NAME_MAX)
		return cli_usage("run", "%s: too long", argv[1]);
	if (cli->others != NULL && strcmp(cli->others, "clear") != 0 &&
	    strcmp(cli->others, "drop") != 0)
		return cli_usage("run", "--others clear, or drop");
	status = ask(argv[1], cli);
	if (status != CLI_DONE)
		return status;
	(void)signal(SIGPIPE, SIG_DFL);
	(void)execvp(argv[2], argv + 2);
	err = errno;
	cli_complain("%s: %s", argv[2], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUN;
}
