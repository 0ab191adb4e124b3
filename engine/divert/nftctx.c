/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/nftctx.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors looked at: the supervisor opens far fewer before this. */
#define FDS_MAX 1024
/* A transaction of thousands of flows takes less than a second. */
#define CHILD_SECS 30

/* ---- the socket's number ---- */

static bool
is_nft_socket(int fd)
{
	int domain, protocol;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_NETLINK &&
	       getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
	       protocol == NETLINK_NETFILTER;
}

static void
note_sockets(bool seen[FDS_MAX])
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		seen[fd] = is_nft_socket(fd);
}

static int
find_new_socket(const bool before[FDS_MAX])
{
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (!before[fd] && is_nft_socket(fd))
			return fd;
	return -ENOENT;
}

uint32_t
nftctx_portid(const struct nftctx *c)
{
	struct sockaddr_nl nl = { 0 };
	socklen_t len = sizeof(nl);

	if (getsockname(c->fd, (struct sockaddr *)&nl, &len) != 0)
		return 0;
	return nl.nl_pid;
}

int
nftctx_open(struct nftctx *c, int inherited, struct table_why *why)
{
	bool before[FDS_MAX];
	int r;

	note_sockets(before);
	c->ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (c->ctx == NULL) {
		table_why_set(why, "libnftables gives no context");
		return -ENOMEM;
	}
	c->fd = find_new_socket(before);
	if (c->fd < 0) {
		table_why_set(why, "libnftables opened no netlink socket");
		r = c->fd;
		goto fail;
	}
	if (inherited >= 0) {
		if (!is_nft_socket(inherited) || dup2(inherited, c->fd) < 0) {
			table_why_set(why,
				      "descriptor %d is no netlink "
				      "socket of a predecessor",
				      inherited);
			r = -EPROTO;
			goto fail;
		}
		close(inherited);
	}
	if (fcntl(c->fd, F_SETFD, FD_CLOEXEC) != 0) {
		r = -errno;
		goto fail;
	}
	nft_ctx_buffer_error(c->ctx);
	nft_ctx_buffer_output(c->ctx);
	return 0;
fail:
	nftctx_close(c);
	return r;
}

void
nftctx_close(struct nftctx *c)
{
	if (c->ctx != NULL)
		nft_ctx_free(c->ctx);
	c->ctx = NULL;
	c->fd = -1;
}

/* ---- running ---- */

/* What nft's text says, as an error number. */
static int
error_of(const char *text)
{
	if (strstr(text, strerror(EPERM)) != NULL)
		return -EPERM;
	if (strstr(text, strerror(EOPNOTSUPP)) != NULL)
		return -EOPNOTSUPP;
	if (strstr(text, strerror(ENOENT)) != NULL)
		return -ENOENT;
	return -EINVAL;
}

/* The lines that say what is wrong.  Those between quote our text, at places
 * that the library gets wrong. */
static void
take_errors(const char *text, struct table_why *why)
{
	size_t n = 0, len;

	why->text[0] = '\0';
	for (; *text != '\0'; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (strncmp(text, "Error: ", 7) != 0 ||
		    strncmp(why->text, text, len) == 0 ||
		    n + len + 2 > sizeof(why->text))
			continue;
		if (n > 0)
			why->text[n++] = '\n';
		memcpy(why->text + n, text, len);
		n += len;
		why->text[n] = '\0';
	}
}

int
nftctx_run_trusted(struct nftctx *c, const char *text, struct table_why *why)
{
	const char *error;
	int r;

	if (*text == '\0')
		return 0;
	r = nft_run_cmd_from_buffer(c->ctx, text);
	nft_ctx_get_output_buffer(c->ctx);
	error = nft_ctx_get_error_buffer(c->ctx);
	if (r == 0)
		return 0;
	take_errors(error, why);
	return error_of(why->text);
}

static void
child_main(struct nftctx *c, const char *text, int to_parent)
{
	struct rlimit none = { 0, 0 };
	struct table_why why = { "" };
	sigset_t all;
	ssize_t sent;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &none);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		signal(sig, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	alarm(CHILD_SECS);
	nft_ctx_set_dry_run(c->ctx, true);
	r = nftctx_run_trusted(c, text, &why);
	sent = write(to_parent, why.text, strlen(why.text));
	_exit(r == 0 ? 0 : sent >= 0 ? 1 : 2);
}

/* Reads until the child has closed its end. */
static void
read_why(int fd, struct table_why *why)
{
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(why->text) - 1) {
		got = read(fd, why->text + n, sizeof(why->text) - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	why->text[n] = '\0';
}

/* Takes from the socket what a child that died left unread. */
static void
drain(int fd)
{
	uint8_t octets[8192];

	while (recv(fd, octets, sizeof(octets), MSG_DONTWAIT) >= 0 ||
	       errno == EINTR || errno == ENOBUFS)
		;
}

int
nftctx_try(struct nftctx *c, const char *text, struct table_why *why)
{
	struct table_why said;
	int ends[2], status;
	pid_t pid;

	if (*text == '\0')
		return 0;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		table_why_set(why, "pipe: %s", strerror(errno));
		return -errno;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		child_main(c, text, ends[1]);
	}
	close(ends[1]);
	if (pid < 0) {
		table_why_set(why, "fork: %s", strerror(errno));
		close(ends[0]);
		return -errno;
	}
	read_why(ends[0], &said);
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	drain(c->fd);
	if (WIFSIGNALED(status)) {
		table_why_set(why, "nft's library died of this text (%s)",
			      strsignal(WTERMSIG(status)));
		return -EINVAL;
	}
	if (WEXITSTATUS(status) == 0)
		return 0;
	*why = said;
	return error_of(why->text);
}

int
nftctx_run(struct nftctx *c, const char *text, struct table_why *why)
{
	int r = nftctx_try(c, text, why);

	return r != 0 ? r : nftctx_run_trusted(c, text, why);
}
