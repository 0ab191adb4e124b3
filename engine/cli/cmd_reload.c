/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/jsonout.h"

/* A large policy goes through nft's own parser and one transaction. */
#define RELOAD_MS 60000

/* The answer's texts joined; a piece may end in mid-line.  NULL: no memory or
 * an error in *err. */
static char *
collect(struct client *c, int *err)
{
	struct proto_text piece;
	char *all = calloc(1, 1), *more;
	size_t len = 0, n;

	while (all != NULL &&
	       (*err = client_next(c, &proto_shape_text, &piece)) > 0) {
		n = strlen(piece.text);
		more = realloc(all, len + n + 1);
		if (more == NULL) {
			free(all);
			return NULL;
		}
		all = more;
		memcpy(all + len, piece.text, n + 1);
		len += n;
	}
	return all;
}

static void
print_changes(char *text, const struct cli *cli)
{
	char *save = NULL;

	if (cli->json)
		jsonout_begin();
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (cli->json)
			jsonout_put("change",
				    json_pack("{s:s,s:b}", "text", line,
					      "applied", !cli->dry_run));
		else
			(void)printf("%s\n", line);
	}
	if (cli->json)
		jsonout_end();
}

static int
reload(struct client *c, const struct cli *cli, uint32_t secs)
{
	struct proto_reload request = {
		.flags = cli->dry_run ? PROTO_RELOAD_DRY_RUN : 0,
		.secs = secs,
	};
	char *text;
	int err;

	c->timeout_ms = RELOAD_MS;
	err = client_ask(c, PROTO_RELOAD, PROTO_SHAPE(&request), &request);
	if (err < 0)
		return cli_fail(c, err);
	text = collect(c, &err);
	if (text == NULL) {
		cli_complain("no memory");
		return CLI_FAILED;
	}
	if (err < 0)
		(void)fputs(text, stderr); /* what is wrong, with its place */
	else if (text[0] == '\0' && !cli->json)
		(void)printf("nothing changed\n");
	else
		print_changes(text, cli);
	free(text);
	return cli_fail(c, err);
}

static bool
read_secs(const char *text, uint32_t *secs)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*secs = (uint32_t)n;
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && n >= 1 &&
	       n <= PROTO_RELOAD_SECS_MAX;
}

int
cmd_reload_run(int argc, char **argv, const struct cli *cli)
{
	struct client c;
	uint32_t secs = 0;
	int status;

	if (argc > 1)
		return cli_usage("reload", "%s: one word too many", argv[1]);
	if (cli->confirm != NULL && cli->dry_run)
		return cli_usage("reload", "a dry run needs no --confirm");
	if (cli->confirm != NULL && !read_secs(cli->confirm, &secs))
		return cli_usage("reload", "--confirm %s: seconds, 1 to %u",
				 cli->confirm, PROTO_RELOAD_SECS_MAX);
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status = reload(&c, cli, secs);
	client_close(&c);
	return status;
}

int
cmd_confirm_run(int argc, char **argv, const struct cli *cli)
{
	struct proto_reload request = { .flags = PROTO_RELOAD_CONFIRM };
	struct client c;
	int status;

	if (argc > 1)
		return cli_usage("confirm", "%s: one word too many", argv[1]);
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status =
		    cli_fail(&c, client_do(&c, PROTO_RELOAD,
					   PROTO_SHAPE(&request), &request));
	client_close(&c);
	return status;
}

int
cmd_disable_run(int argc, char **argv, const struct cli *cli)
{
	struct client c;
	int status;

	if (argc > 1)
		return cli_usage("disable", "%s: one word too many", argv[1]);
	if (!cli->allow_plaintext)
		return cli_usage(
		    "disable",
		    "what was protected would leave in clear; if that is "
		    "meant, say --allow-plaintext");
	status = cli_connect(&c, cli);
	if (status == CLI_DONE) {
		c.timeout_ms = RELOAD_MS;
		status = cli_fail(&c, client_do(&c, PROTO_DISABLE, NULL, NULL));
	}
	client_close(&c);
	return status;
}
