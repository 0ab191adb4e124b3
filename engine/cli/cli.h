/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli: what the commands of nfipsec(8) share.
 *
 * One thread, one command a process.  Options are read before a command runs
 * and stay as they are.  A command returns its exit status; what is wrong goes
 * to stderr as "nfipsec: ...", never to stdout, so that -j stays JSON.
 */
#ifndef ENGINE_CLI_CLI_H
#define ENGINE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/client/client.h"

enum cli_status {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3,
	CLI_FORBIDDEN = 4,
	CLI_NO_OBJECT = 5,
};

struct cli {
	const char *run_dir;
	bool help, version, json;
	bool show_keys, brief, dump, all;
	bool dry_run, allow_plaintext, replace, ah;
	bool steps, batch;
	const char *others; /* of run: "clear", "drop"; NULL: drop */
	const char *principal, *confirm, *count, *delay;
	const char *from, *local, *dir;
};

/* One command; argv[0] is its name, the rest its operands. */
struct cli_command {
	const char *name, *operands, *summary;
	const char *more;       /* further help, or NULL */
	const char *options[6]; /* its own, by name, NULL ended */
	int (*run)(int argc, char **argv, const struct cli *cli);
};

int cmd_status_run(int argc, char **argv, const struct cli *cli);
int cmd_check_run(int argc, char **argv, const struct cli *cli);
int cmd_show_run(int argc, char **argv, const struct cli *cli);
int cmd_monitor_run(int argc, char **argv, const struct cli *cli);
int cmd_export_run(int argc, char **argv, const struct cli *cli);
int cmd_metrics_run(int argc, char **argv, const struct cli *cli);
int cmd_reload_run(int argc, char **argv, const struct cli *cli);
int cmd_confirm_run(int argc, char **argv, const struct cli *cli);
int cmd_init_run(int argc, char **argv, const struct cli *cli);
int cmd_disable_run(int argc, char **argv, const struct cli *cli);
int cmd_keygen_run(int argc, char **argv, const struct cli *cli);
int cmd_entropy_run(int argc, char **argv, const struct cli *cli);
int cmd_add_run(int argc, char **argv, const struct cli *cli);
int cmd_delete_run(int argc, char **argv, const struct cli *cli);
int cmd_top_run(int argc, char **argv, const struct cli *cli);
int cmd_trace_run(int argc, char **argv, const struct cli *cli);
int cmd_rekey_run(int argc, char **argv, const struct cli *cli);
int cmd_peer_run(int argc, char **argv, const struct cli *cli);
int cmd_run_run(int argc, char **argv, const struct cli *cli);
int cmd_who_run(int argc, char **argv, const struct cli *cli);
int cmd_fail_run(int argc, char **argv, const struct cli *cli);

/* "nfipsec: ..." and a newline on stderr. */
void cli_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, with a pointer to --help.  Returns CLI_USAGE. */
int cli_usage(const char *command, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Connects, or complains.  CLI_DONE or an exit status; client_close is due in
 * any case. */
int cli_connect(struct client *c, const struct cli *cli);
/* The same, for what users without privilege may ask as well. */
int cli_connect_user(struct client *c, const struct cli *cli);
/* Says why a request failed and returns the exit status that err (-errno)
 * has in the contract; CLI_DONE, silently, for 0. */
int cli_fail(const struct client *c, int err);
/* Flushes stdout: output that did not arrive is a failure. */
int cli_finish(int status);

#endif
