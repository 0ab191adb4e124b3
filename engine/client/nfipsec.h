/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nfipsec: sockets under IPsec, for applications.
 *
 * Link with -lnfipsec.  Each function has a manual page in section 3.  All of
 * them may be called by any thread, keep nothing between calls, and return a
 * negative errno value on an error.  They talk to nfipsecd over
 * /run/nfipsec/control.sock, or $NFIPSEC_RUN_DIR/control.sock, and wait for it
 * 10 seconds at most.  No privilege is needed.
 *
 *   -ECONNREFUSED  nfipsecd does not run
 *   -ETIMEDOUT     nfipsecd does not answer
 *   -EBUSY         too many clients; for nfipsec_bind also: see there
 *   -EBADF, -ENOTSOCK, -EPROTONOSUPPORT
 *                  not an open descriptor, not a socket, not one of IPv4 or
 *                  IPv6
 *   -EXDEV         a socket of another network namespace than nfipsecd's
 */
#ifndef NFIPSEC_H
#define NFIPSEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Binds a socket to an association of nfipsec.conf(5): what it sends to the
 * association's peers is protected, and nothing that came otherwise reaches
 * it.  Before connect(2) or listen(2) for TCP.  0 or
 *   -ENOENT   no such association
 *   -EPERM    its `bind` does not admit the caller
 *   -EISCONN  TCP that is connected or listens already
 *   -EBUSY    the socket has another mark */
int nfipsec_bind(int fd, const char *association);

/* The SAID of the association that the socket is bound to, however that came
 * about; 0: none. */
int nfipsec_said(int fd);

struct nfipsec_info {
	char association[64]; /* its name */
	/* Who the peer is, as it proved when the keys were negotiated; "" when
	 * keys were configured by hand. */
	char principal[256];
	char encryption[24], integrity[24]; /* of ESP, "" for none */
	char ah_integrity[24];              /* of AH, "" without AH */
	uint32_t said;
	uint32_t tunnel;          /* 1: tunnel mode, 0: transport mode */
	uint32_t spi_in, spi_out; /* the newest SAs of ESP, or of AH; 0 */
	uint32_t reserved[8];     /* 0 */
};

/* What protects a connected (or accepted) socket.  0 or
 *   -ENOTCONN  the socket has no peer
 *   -ENODATA   the socket has no SAID: nothing protects it
 *   -ENOKEY    it has one, but no SA lives for it and its peer: nothing
 *              passes it now, in either direction */
int nfipsec_peer(int fd, struct nfipsec_info *info);

/* len random octets: the kernel's, mixed with entropyd's where that runs.  0
 * or what getrandom(2) says. */
int nfipsec_random(void *buf, size_t len);

#ifdef __cplusplus
}
#endif

#endif
