/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * init: a first configuration, and the other end's half of it.
 *
 * Makes files and replaces none: what an administrator wrote stays.  What it
 * has made goes again when the whole does not come out as a good configuration.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/entropy.h"
#include "base/secret.h"
#include "engine/cli/cmd_init.h"
#include "engine/cli/initconf.h"
#include "engine/cli/jsonout.h"
#include "policy/check.h"
#include "policy/parse.h"

#define CONF_DIR  "/etc/nfipsec"
#define RUN_DIR   "/run/nfipsec"
#define FROM_MAX  65536
#define FIRST_SPI 0x1000u
#define ANY_PORT  9 /* discard: nothing is sent */
#define SETTLE_MS 250
#define PATH_ROOM 4096
#define HOST_ROOM 256

struct work {
	const struct cli *cli;
	char main[PATH_ROOM]; /* nfipsec.conf */
	char conf[PATH_ROOM]; /* the association's file */
	char half[PATH_ROOM]; /* the other end's; "" without */
	bool made_main, made_conf, made_half;
	char local_principal[2 * HOST_ROOM];
	struct initconf c;
};

static int
fail(const char *path, int err)
{
	cli_complain("%s: %s", path, strerror(err));
	return err == EACCES || err == EPERM || err == EROFS ? CLI_FORBIDDEN
							     : CLI_FAILED;
}

/* ---- addresses ---- */

static socklen_t
to_sockaddr(const struct ipaddr *a, uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	if (a->family == IP_FAMILY_4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, a->octets, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, a->octets, 16);
	return sizeof(*in6);
}

/* By which address this host would talk to the peer. */
static int
find_local(const struct ipaddr *peer, struct ipaddr *local)
{
	struct sockaddr_storage at;
	socklen_t len = to_sockaddr(peer, ANY_PORT, &at);
	int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		err = -errno;
	close(fd);
	*local =
	    (struct ipaddr){ .family = peer->family, .prefix = peer->prefix };
	if (peer->family == IP_FAMILY_4)
		memcpy(local->octets, &((struct sockaddr_in *)&at)->sin_addr,
		       4);
	else
		memcpy(local->octets, &((struct sockaddr_in6 *)&at)->sin6_addr,
		       16);
	return err;
}

static bool
is_ours(const struct ipaddr *local)
{
	struct sockaddr_storage at;
	socklen_t len = to_sockaddr(local, 0, &at);
	int fd = socket(at.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ours = fd >= 0 && bind(fd, (struct sockaddr *)&at, len) == 0;

	if (fd >= 0)
		close(fd);
	return ours;
}

/* ---- what is to be made ---- */

/* kink/FQDN@ and the peer's realm. */
static int
name_ourselves(struct work *w, const char *peer)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *found = NULL;
	const char *realm = strrchr(peer, '@');
	char host[HOST_ROOM] = "";

	if (realm == NULL || strchr(peer, '/') == NULL)
		return cli_usage("init", "%s: no kink/HOST@REALM", peer);
	if (gethostname(host, sizeof(host) - 1) < 0)
		return fail("gethostname", errno);
	if (strchr(host, '.') == NULL &&
	    getaddrinfo(host, NULL, &hints, &found) == 0 &&
	    found->ai_canonname != NULL)
		(void)snprintf(host, sizeof(host), "%s", found->ai_canonname);
	if (found != NULL)
		freeaddrinfo(found);
	(void)snprintf(w->local_principal, sizeof(w->local_principal),
		       "kink/%s%s", host, realm);
	w->c.local_principal = w->local_principal;
	w->c.peer_principal = peer;
	w->c.cipher = ALGO_AES256_GCM;
	return CLI_DONE;
}

static int
make_keys(struct work *w)
{
	unsigned octets = algo_keymat_octets(w->c.cipher);
	int err;

	(void)entropy_use(w->cli->run_dir);
	entropy_settle(SETTLE_MS);
	err = secret_random(w->c.out_key, octets);
	if (err == 0)
		err = secret_random(w->c.in_key, octets);
	while (err == 0 && w->c.out_spi < FIRST_SPI)
		err = secret_random(&w->c.out_spi, sizeof(w->c.out_spi));
	while (err == 0 && w->c.in_spi < FIRST_SPI)
		err = secret_random(&w->c.in_spi, sizeof(w->c.in_spi));
	return err == 0 ? CLI_DONE : fail("random numbers", -err);
}

static int
plan_peer(struct work *w, const char *peer)
{
	const char *local = w->cli->local;
	int err, status;

	w->c.cipher = INITCONF_CIPHER;
	if (ipaddr_parse(peer, &w->c.peer) < 0 || !ipaddr_is_host(&w->c.peer))
		return cli_usage("init", "%s: no address of a host", peer);
	err = local != NULL ? ipaddr_parse(local, &w->c.local)
			    : find_local(&w->c.peer, &w->c.local);
	if (err < 0 && local == NULL) {
		cli_complain("%s: %s; say --local ADDRESS", peer,
			     strerror(-err));
		return CLI_FAILED;
	}
	if (err < 0 || !ipaddr_is_host(&w->c.local) ||
	    w->c.local.family != w->c.peer.family)
		return cli_usage("init", "--local %s: no address of a host",
				 local);
	if (ipaddr_equal(&w->c.local, &w->c.peer)) {
		cli_complain("%s is this host's own address", peer);
		return CLI_FAILED;
	}
	initconf_name(&w->c);
	status = w->cli->principal != NULL
		     ? name_ourselves(w, w->cli->principal)
		     : make_keys(w);
	return status;
}

/* What the other end has made for us: FILE, or stdin. */
static int
plan_from(struct work *w, const char *path)
{
	struct diag *d = diag_new();
	struct policy *p = NULL;
	char *text = calloc(1, FROM_MAX), local[IPADDR_TEXT];
	const char *wrong = "no memory";
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t len;

	if (in == NULL) {
		free(text);
		diag_free(d);
		return fail(path, errno);
	}
	if (text != NULL && d != NULL) {
		len = fread(text, 1, FROM_MAX, in);
		p = parse_text(path, text, len, d);
		secret_wipe(text, FROM_MAX);
	}
	if (p != NULL)
		wrong = check_policy(p, d) != 0 ? "it has mistakes"
						: initconf_take(&w->c, p);
	if (wrong == NULL && !is_ours(&w->c.local)) {
		cli_complain("%s is for %s, which is no address of this host",
			     path, ipaddr_format(&w->c.local, local));
	} else if (wrong != NULL) {
		if (d != NULL)
			diag_print(d, stderr);
		cli_complain("%s: %s", path, wrong);
	}
	if (in != stdin)
		(void)fclose(in);
	free(text);
	policy_free(p);
	diag_free(d);
	return wrong != NULL || !is_ours(&w->c.local) ? CLI_FAILED : CLI_DONE;
}

/* ---- files ---- */

/* A new file of mode 0600. */
static int
make_file(const char *path, const struct initconf *c, const char *text)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (out == NULL)
		return fail(path, errno);
	if (c != NULL)
		initconf_print(c, out);
	else
		(void)fputs(text, out);
	if (fflush(out) != 0 || fsync(fd) != 0) {
		int err = errno;

		(void)fclose(out);
		(void)unlink(path);
		return fail(path, err);
	}
	(void)fclose(out);
	return CLI_DONE;
}

static int
make_folder(const char *dir, const char *below)
{
	char path[PATH_ROOM];

	(void)snprintf(path, sizeof(path), "%s%s", dir, below);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail(path, errno);
	return CLI_DONE;
}

/* What there is already; *p NULL: nothing. */
static int
read_present(struct work *w, struct policy **p)
{
	char peer[IPADDR_TEXT];
	struct diag *d;
	int status = CLI_DONE;

	*p = NULL;
	if (access(w->main, F_OK) < 0) {
		if (errno != ENOENT)
			return fail(w->main, errno);
		*p = policy_new();
		return CLI_DONE;
	}
	d = diag_new();
	*p = d == NULL ? NULL : parse_file(w->main, d);
	if (*p == NULL || check_policy(*p, d) != 0) {
		if (d != NULL)
			diag_print(d, stderr);
		cli_complain("%s: mend it first", w->main);
		status = CLI_FAILED;
	}
	for (size_t i = 0; status == CLI_DONE && i < (*p)->n_assocs; i++)
		if (ipaddr_equal(&(*p)->assocs[i].peer, &w->c.peer)) {
			cli_complain("association %s is for %s already",
				     (*p)->assocs[i].name,
				     ipaddr_format(&w->c.peer, peer));
			status = CLI_FAILED;
		}
	/* Its places point into the sources, which go with d. */
	diag_free(d);
	return status;
}

/* Is the whole good, and our part in it? */
static int
verify_whole(const struct work *w)
{
	struct diag *d = diag_new();
	struct policy *p = d == NULL ? NULL : parse_file(w->main, d);
	int status = CLI_FAILED;

	if (p == NULL)
		cli_complain("no memory");
	else if (check_policy(p, d) != 0)
		diag_print(d, stderr);
	else if (policy_assoc_by_name(p, w->c.name) == NULL)
		cli_complain("%s does not read %s: it needs the line\n"
			     "include \"conf.d/*.conf\"",
			     w->main, w->conf);
	else
		status = CLI_DONE;
	policy_free(p);
	diag_free(d);
	return status;
}

static void
undo(const struct work *w)
{
	if (w->made_half)
		(void)unlink(w->half);
	if (w->made_conf)
		(void)unlink(w->conf);
	if (w->made_main)
		(void)unlink(w->main);
}

static int
make_files(struct work *w, const char *dir)
{
	struct initconf other = initconf_turn(&w->c);
	int status = make_folder(dir, "");

	if (status == CLI_DONE)
		status = make_folder(dir, "/conf.d");
	if (status == CLI_DONE && access(w->main, F_OK) < 0) {
		status = make_file(w->main, NULL,
				   "# nfipsec's configuration: "
				   "nfipsec.conf(5)\n"
				   "include \"conf.d/*.conf\"\n");
		w->made_main = status == CLI_DONE;
	}
	if (status == CLI_DONE) {
		status = make_file(w->conf, &w->c, NULL);
		w->made_conf = status == CLI_DONE;
	}
	if (status == CLI_DONE && w->half[0] != '\0') {
		status = make_file(w->half, &other, NULL);
		w->made_half = status == CLI_DONE;
	}
	if (status == CLI_DONE)
		status = verify_whole(w);
	if (status != CLI_DONE)
		undo(w);
	secret_wipe(&other, sizeof(other));
	return status;
}

/* ---- what to do next ---- */

static void
say_json(const struct work *w)
{
	char local[IPADDR_TEXT], peer[IPADDR_TEXT];

	jsonout_begin();
	jsonout_put("init",
		    json_pack("{s:s,s:i,s:s,s:s,s:s,s:s}", "association",
			      w->c.name, "said", (int)w->c.said, "local",
			      ipaddr_format(&w->c.local, local), "peer",
			      ipaddr_format(&w->c.peer, peer), "file", w->conf,
			      "peer_file", w->half));
	jsonout_end();
}

static void
say_next(const struct work *w)
{
	char local[IPADDR_TEXT], peer[IPADDR_TEXT], running[PATH_ROOM];
	const char *dir = w->cli->dir;

	ipaddr_format(&w->c.local, local);
	ipaddr_format(&w->c.peer, peer);
	(void)snprintf(running, sizeof(running), "%s/" PROTO_SOCKET,
		       w->cli->run_dir);
	(void)printf("%s: all between %s and %s, esp %s\n", w->conf, local,
		     peer, algo_info(w->c.cipher)->name);
	if (w->half[0] != '\0')
		(void)printf("%s: the other end's half, with its keys\n",
			     w->half);
	(void)printf("\nNext:\n");
	if (w->half[0] != '\0')
		(void)printf("  on %s:   nfipsec init --from FILE, which is "
			     "%s;\n"
			     "             over ssh:  ssh root@%s cat %s | "
			     "nfipsec init --from -\n",
			     peer, w->half, local, w->half);
	else if (w->c.peer_principal != NULL)
		(void)printf("  on %s:   nfipsec init %s --principal %s\n"
			     "  keynegd:   /etc/krb5.keytab with %s\n",
			     peer, local, w->c.local_principal,
			     w->c.local_principal);
	(void)printf("  %-11s%s%s\n",
		     w->half[0] == '\0' && w->c.peer_principal == NULL
			 ? "now:"
			 : "then:",
		     access(running, F_OK) == 0 ? "nfipsec reload --confirm 60"
						: "systemctl start nfipsecd",
		     w->c.peer_principal != NULL ? " keynegd" : "");
	if (dir != NULL)
		(void)printf("             (nfipsecd -c %s)\n", w->main);
	(void)printf("  look:      ping %s; nfipsec show sa\n"
		     "\nUntil both ends are ready nothing passes between "
		     "them, an ssh of yours neither.\n",
		     peer);
	if (w->half[0] != '\0')
		(void)printf("Remove %s when it is there.\n", w->half);
}

/* ---- the command ---- */

static int
run(struct work *w, int argc, char **argv)
{
	const struct cli *cli = w->cli;
	const char *dir = cli->dir != NULL ? cli->dir : CONF_DIR;
	struct policy *present = NULL;
	char peer[IPADDR_TEXT];
	int status;

	status =
	    cli->from != NULL ? plan_from(w, cli->from) : plan_peer(w, argv[1]);
	if (status != CLI_DONE)
		return status;
	ipaddr_format(&w->c.peer, peer);
	(void)snprintf(w->main, sizeof(w->main), "%s/nfipsec.conf", dir);
	(void)snprintf(w->conf, sizeof(w->conf), "%s/conf.d/%s.conf", dir,
		       w->c.name);
	if (cli->from == NULL && cli->principal == NULL)
		(void)snprintf(w->half, sizeof(w->half), "%s/for-%s.conf", dir,
			       peer);
	status = read_present(w, &present);
	if (status == CLI_DONE) {
		w->c.said = present == NULL ? 0 : initconf_said(present);
		if (w->c.said == 0) {
			cli_complain("no SAID is left (options: said-range)");
			status = CLI_FAILED;
		}
	}
	policy_free(present);
	if (status == CLI_DONE)
		status = make_files(w, dir);
	if (status != CLI_DONE)
		return status;
	if (cli->json)
		say_json(w);
	else
		say_next(w);
	return CLI_DONE;
}

int
cmd_init_run(int argc, char **argv, const struct cli *cli)
{
	struct work w = { .cli = cli };
	int status;

	if (argc > 2)
		return cli_usage("init", "%s: one word too many", argv[2]);
	if ((argc == 2) == (cli->from != NULL))
		return cli_usage("init", "the peer's ADDRESS, or --from what "
					 "the peer has made");
	if (cli->from != NULL && (cli->local != NULL || cli->principal != NULL))
		return cli_usage("init", "--from FILE says all of it");
	status = run(&w, argc, argv);
	secret_wipe(&w, sizeof(w));
	return status;
}

void
cmd_init_advise(const struct cli *cli)
{
	if (cli->json || strcmp(cli->run_dir, RUN_DIR) != 0)
		return;
	if (access(CONF_DIR "/nfipsec.conf", F_OK) < 0 && errno == ENOENT)
		(void)fputs(
		    "Nothing is configured yet.  To protect what goes to "
		    "another host and back:\n"
		    "  nfipsec init ADDRESS        a first configuration, "
		    "keys, the other end's half\n"
		    "  systemctl start nfipsecd\n"
		    "See nfipsec(8), nfipsec.conf(5) and "
		    "/usr/share/doc/nfipsec/examples.\n",
		    stderr);
	else
		(void)fputs(
		    "It is configured, and what is to be protected stays "
		    "blocked until it runs:\n"
		    "  systemctl start nfipsecd\n"
		    "  nfipsec check; journalctl -u nfipsecd        if it "
		    "does not start\n",
		    stderr);
}
