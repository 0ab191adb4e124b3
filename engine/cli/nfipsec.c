/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nfipsec: the command line.  One table of commands, one of options.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cli/cli.h"

#define RUN_DIR "/run/nfipsec"

struct option {
	const char *name, *value; /* value: its name in help, NULL: none */
	const char *what;
	size_t offset; /* in struct cli */
	bool common;   /* every command takes it */
};

#define OPTION(name, value, member, what, common)                              \
	{                                                                      \
		name, value, what, offsetof(struct cli, member), common        \
	}

static const struct option options[] = {
	OPTION("run-dir", "DIR", run_dir, "of the nfipsecd that is meant",
	       true),
	OPTION("json", NULL, json, "print JSON (also: -j)", true),
	OPTION("help", NULL, help, "this text", true),
	OPTION("version", NULL, version, "print the version", true),
	OPTION("brief", NULL, brief, "a line each, no heading", false),
	OPTION("dump", NULL, dump, "tab separated, all columns, for scripts",
	       false),
	OPTION("show-keys", NULL, show_keys, "keys in clear (root only)",
	       false),
	OPTION("all", NULL, all, "also what is zero", false),
	OPTION("dry-run", NULL, dry_run,
	       "say what would change, change nothing", false),
	OPTION("confirm", "SECONDS", confirm,
	       "go back, unless `nfipsec confirm`", false),
	OPTION("allow-plaintext", NULL, allow_plaintext,
	       "yes, what was protected may leave in clear", false),
	OPTION("replace", NULL, replace, "end the older outbound SA", false),
	OPTION("principal", "NAME", principal, "of the peer", false),
	OPTION("from", "FILE", from,
	       "what the other end has made for this one; -: stdin", false),
	OPTION("local", "ADDRESS", local, "of this host", false),
	OPTION("dir", "DIR", dir, "of the configuration (/etc/nfipsec)", false),
	OPTION("batch", NULL, batch,
	       "blocks of text, one after the other (also: -b)", false),
	OPTION("count", "N", count, "end after so many (also: -n)", false),
	OPTION("delay", "SECONDS", delay, "between two looks, 2 (also: -d)",
	       false),
	OPTION("steps", NULL, steps, "also each rule on the way", false),
	OPTION("others", "WHAT", others, "clear, or drop: other addresses",
	       false),
	OPTION("ah", NULL, ah, "the pair is AH's, where ESP is inside", false),
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct cli_command commands[] = {
	{ "status",
	  "",
	  "one screen; exit status 0 only when ready",
	  NULL,
	  { NULL },
	  cmd_status_run },
	{ "show",
	  "associations|sa|sockets|peers|drops|queues|flows [NAME]",
	  "tables, and what they count",
	  "  show sa NAME      only the SAs of that association\n"
	  "  show sockets      which have a SAID; without root: one's own\n"
	  "  show peers        keynegd's: with whom it has keys, or why not\n"
	  "  The columns of --dump are those of -j, in the same order.\n",
	  { "brief", "dump", "show-keys", "all" },
	  cmd_show_run },
	{ "init",
	  "PEER|--from FILE",
	  "make a first configuration and keys",
	  "  Everything between this host and PEER, an address, will be "
	  "protected.\n"
	  "  Makes /etc/nfipsec/conf.d/host-PEER.conf, and for-PEER.conf, the\n"
	  "  other end's half: there, nfipsec init --from FILE takes it.  "
	  "With\n"
	  "  --principal kink/HOST@REALM keynegd negotiates the keys.  "
	  "Replaces\n"
	  "  no file.\n",
	  { "from", "local", "principal", "dir" },
	  cmd_init_run },
	{ "check",
	  "[FILE]",
	  "say what is wrong with a configuration",
	  "  Reads FILE (/etc/nfipsec/nfipsec.conf) and what it includes.  "
	  "nft\n"
	  "  checks the flows in a namespace of its own: no daemon is needed,\n"
	  "  and no root but for reading the files.\n",
	  { NULL },
	  cmd_check_run },
	{ "reload",
	  "",
	  "read the configuration again, apply differences",
	  "  With --confirm what ran before comes back by itself after "
	  "SECONDS,\n"
	  "  unless `nfipsec confirm` says that it may stay: for whoever "
	  "works\n"
	  "  over the link that is being protected.\n",
	  { "dry-run", "confirm" },
	  cmd_reload_run },
	{ "confirm",
	  "",
	  "keep what reload --confirm has applied",
	  NULL,
	  { NULL },
	  cmd_confirm_run },
	{ "monitor",
	  "[EVENT...]",
	  "events as they come",
	  "  EVENT is acquire, sa-added, sa-soft, sa-expired, sa-deleted,\n"
	  "  keys-failed, dead-peer, drop, audit, packet or state; without\n"
	  "  one, all but packet are shown.  audit: a packet that RFC 4302 and 4303 want recorded;\n"
	  "  packet: each one that the engine drops, see also `trace`.\n",
	  { NULL },
	  cmd_monitor_run },
	{ "top",
	  "",
	  "live rates of SAs and drops",
	  "  Shows what moved, the fastest first; q ends it.  Where stdout is\n"
	  "  no terminal it prints blocks, as with --batch.\n",
	  { "batch", "count", "delay", "all" },
	  cmd_top_run },
	{ "trace",
	  "EXPRESSION",
	  "why packets are dropped, or not protected",
	  "  EXPRESSION is nft's, as a flow's: tcp dport 5432 or ip saddr "
	  "10.0.0.2.\n"
	  "  For each packet that it matches: which flow, what became of it, "
	  "and\n"
	  "  what to do.  What is inside ESP is seen when it was opened.  At "
	  "most\n"
	  "  20 a second are traced.  Needs root; ends with Ctrl-C.\n",
	  { "count", "steps" },
	  cmd_trace_run },
	{ "export",
	  "conf [FILE]|nft|wireshark",
	  "text for other programs",
	  "  conf       the configuration in its normal form, keys hidden:\n"
	  "             the daemon's, or FILE's\n"
	  "  nft        the rules as the kernel has them\n"
	  "  wireshark  ESP keys for Wireshark's esp_sa file (root only)\n",
	  { "show-keys" },
	  cmd_export_run },
	{ "metrics", "", "OpenMetrics text", NULL, { NULL }, cmd_metrics_run },
	{ "entropy",
	  "",
	  "entropyd: its sources, the pool, the kernel",
	  "  assessed and credit are bits a sample, bits what was credited\n"
	  "  since entropyd started; see entropyd(8).\n",
	  { NULL },
	  cmd_entropy_run },
	{ "keygen",
	  "ALGORITHM...",
	  "a new key for each, on stdout",
	  "  The octets are the cipher's key and its salt, as `key` in the\n"
	  "  configuration and in `add sa` wants them.\n",
	  { NULL },
	  cmd_keygen_run },
	{ "add",
	  "sa NAME LOCAL PEER [FILE]",
	  "install a pair of SAs",
	  "  FILE (or stdin) holds a line or two in the configuration's words:\n"
	  "    out spi 0x1001 key 0x... [auth-key 0x...]\n"
	  "    in  spi 0x1002 key 0x... [auth-key 0x...]\n",
	  { "replace", "principal", "ah" },
	  cmd_add_run },
	{ "delete",
	  "sa in|out esp|ah PEER SPI",
	  "remove one SA",
	  NULL,
	  { NULL },
	  cmd_delete_run },
	{ "run",
	  "NAME -- COMMAND [ARGUMENT...]",
	  "a program whose sockets are all bound to NAME",
	  "  Its sockets, and those of what it starts, use the association NAME\n"
	  "  and nothing else.  Addresses outside its peer are refused at once,\n"
	  "  or with --others clear reached in clear; this host's own always "
	  "work.\n",
	  { "others" },
	  cmd_run_run },
	{ "peer",
	  "PID:FD|ADDRESS",
	  "what protects a connection, and who is at its other end",
	  "  PID:FD   a socket of a process, as /proc/PID/fd shows it\n"
	  "  ADDRESS  of a peer (root only)\n",
	  { "brief", "dump" },
	  cmd_peer_run },
	{ "who",
	  "",
	  "which process uses which SAID",
	  "  Without root: one's own.\n",
	  { "brief", "dump" },
	  cmd_who_run },
	{ "rekey",
	  "NAME [PEER]",
	  "ask the key daemon for new SAs",
	  NULL,
	  { NULL },
	  cmd_rekey_run },
	{ "fail",
	  "NAME PEER [REASON]",
	  "say that there are no keys for a peer",
	  "  A key daemon's other answer to an `acquire` event: packets that\n"
	  "  wait for keys are dropped, their senders get an error at once.\n",
	  { NULL },
	  cmd_fail_run },
	{ "disable",
	  "",
	  "take the rules away, guard and all",
	  "  What was protected then leaves in clear: say so with\n"
	  "  --allow-plaintext.\n",
	  { "allow-plaintext" },
	  cmd_disable_run },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct cli_command *
find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool
takes(const struct cli_command *command, const struct option *o)
{
	if (o->common)
		return true;
	for (size_t i = 0; command != NULL && command->options[i] != NULL; i++)
		if (strcmp(command->options[i], o->name) == 0)
			return true;
	return false;
}

static void
print_options(const struct cli_command *command, bool common)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		char name[40];

		if (o->common != common || !takes(command, o))
			continue;
		(void)snprintf(name, sizeof(name), "--%s %s", o->name,
			       o->value == NULL ? "" : o->value);
		(void)printf("  %-18s %s\n", name, o->what);
	}
}

static void
print_help(const struct cli_command *command)
{
	if (command == NULL) {
		(void)printf("usage: nfipsec [--run-dir DIR] [-j] COMMAND\n\n");
		for (size_t i = 0; i < N_COMMANDS; i++)
			(void)printf("  %-10s %s\n", commands[i].name,
				     commands[i].summary);
		(void)printf("\nWithout a command: status.  "
			     "nfipsec COMMAND --help says more.\n\n");
	} else {
		(void)printf("usage: nfipsec %s%s%s\n%s\n\n", command->name,
			     command->operands[0] == '\0' ? "" : " ",
			     command->operands, command->summary);
		if (command->more != NULL)
			(void)printf("%s\n", command->more);
		print_options(command, false);
	}
	print_options(command, true);
	(void)printf("\nExit status: 0 done, 1 failed, 2 usage, 3 no daemon, "
		     "4 not permitted,\n5 no such object.  See nfipsec(8).\n");
}

/* The few that have a letter; "" for others. */
static const char *
long_name(const char *arg)
{
	static const struct {
		char letter;
		const char *name;
	} letters[] = {
		{ 'j', "json" },  { 'h', "help" },  { 'b', "batch" },
		{ 'n', "count" }, { 'd', "delay" },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (arg[1] == letters[i].letter && arg[2] == '\0')
			return letters[i].name;
	return "";
}

/* Sets the option that *arg names.  `next` is the word behind it; returns how
 * many words were used, 0 after a complaint. */
static int
set_option(struct cli *cli, const struct cli_command *command, const char *arg,
	   const char *next)
{
	const char *name = arg[1] == '-' ? arg + 2 : arg + 1;
	const char *value = strchr(name, '=');
	size_t len = value == NULL ? strlen(name) : (size_t)(value - name);

	if (arg[1] != '-') {
		name = long_name(arg);
		len = strlen(name);
	}
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];
		char *at = (char *)cli + o->offset;

		if (strlen(o->name) != len ||
		    strncmp(o->name, name, len) != 0 || !takes(command, o))
			continue;
		if (o->value == NULL && value == NULL) {
			*(bool *)at = true;
			return 1;
		}
		if (o->value == NULL || (value == NULL && next == NULL))
			break;
		*(const char **)at = value != NULL ? value + 1 : next;
		return value != NULL ? 1 : 2;
	}
	(void)cli_usage(command == NULL ? "" : command->name,
			"%s: no such option, or not so", arg);
	return 0;
}

/* Takes the options out of argv and finds the command. */
static int
read_arguments(int *argc, char **argv, struct cli *cli,
	       const struct cli_command **command)
{
	int operands = 0;
	bool options_end = false;

	for (int i = 1; i < *argc;) {
		char *arg = argv[i];

		if (!options_end && strcmp(arg, "--") == 0) {
			options_end = true;
			i++;
		} else if (!options_end && arg[0] == '-' && arg[1] != '\0') {
			int used = set_option(cli, *command, arg, argv[i + 1]);

			if (used == 0)
				return CLI_USAGE;
			i += used;
		} else {
			if (*command == NULL) {
				*command = find_command(arg);
				if (*command == NULL)
					return cli_usage(
					    "", "%s: no such command", arg);
			}
			argv[operands++] = arg;
			i++;
		}
	}
	argv[operands] = NULL;
	*argc = operands;
	return CLI_DONE;
}

int
main(int argc, char **argv)
{
	struct cli cli = { .run_dir = RUN_DIR };
	const struct cli_command *command = NULL;
	int status;

	/* A reader that left shows as EPIPE in cli_finish. */
	(void)signal(SIGPIPE, SIG_IGN);
	status = read_arguments(&argc, argv, &cli, &command);
	if (status != CLI_DONE)
		return status;
	if (cli.help) {
		print_help(command);
		return cli_finish(CLI_DONE);
	}
	if (cli.version) {
		(void)printf("nfipsec " NFIPSEC_VERSION "\n");
		return cli_finish(CLI_DONE);
	}
	if (command == NULL)
		command = &commands[0];
	return cli_finish(command->run(argc, argv, &cli));
}
