/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * broker: sockets of others, passed over the control socket.
 *
 * Control thread only.  Judges and marks the socket in session.passed, which
 * stays the session's.  Who asks is known from the kernel alone: the
 * credentials of the connection when it was made (SO_PEERCRED,
 * SO_PEERGROUPS).  That the caller holds the socket is shown by passing it.
 * Never changes a bit of the mark outside said-mask, never takes a value
 * away that is not ours, never reads from or writes to the socket.
 */
#ifndef ENGINE_CTL_BROKER_H
#define ENGINE_CTL_BROKER_H

#include "engine/ctl/server_priv.h"

/* The cookie of the caller's network namespace; 0: the kernel has none. */
uint64_t broker_netns(void);

/* May this client use the association's SAs: root, and whom `bind` names. */
bool broker_admits(const struct session *c, const struct store_assoc *a);

/* Puts the association's SAID into the socket's mark.  0 or -errno, *why a
 * sentence; refusals are logged:
 *   -EBADF       no descriptor came
 *   -ENOTSOCK    it is no socket
 *   -EPROTONOSUPPORT  neither IPv4 nor IPv6, or a stream but not TCP
 *   -EXDEV       of another network namespace
 *   -EISCONN     TCP that is connected, connects or listens already
 *   -ENOENT      no such association
 *   -EPERM       not admitted by its `bind`
 *   -EBUSY       another SAID or somebody else's mark is there
 *   -EAGAIN      the configuration is being changed */
int broker_bind(struct server *s, const struct session *c, const char *name,
		struct proto_bound *out, const char **why);
/* The SAID in the socket's mark, 0 when there is none.  0, -EBADF, -ENOTSOCK,
 * -EPROTONOSUPPORT, -EXDEV. */
int broker_said(struct server *s, const struct session *c,
		struct proto_bound *out, const char **why);
/* SAID and peer address of a connected socket, for which at least one SA
 * lives.  As broker_said, and
 *   -ENOTCONN  nobody is at the other end
 *   -ENODATA   its mark holds no SAID
 *   -ENOKEY    no SA lives for SAID and peer */
int broker_peer(struct server *s, const struct session *c, uint32_t *said,
		struct ipaddr *peer, const char **why);
/* A run of the client's, if it is admitted.  As broker_bind, and
 *   -EXDEV  the client is in another network namespace
 *   -ESRCH  it has no process id here */
int broker_run(struct server *s, const struct session *c,
	       const struct proto_run *r, struct ctl_run *out,
	       const char **why);

#endif
