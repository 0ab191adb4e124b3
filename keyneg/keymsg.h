/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keymsg: what the parent tells the network process, and the little that
 * comes back: fixed records over a SOCK_SEQPACKET pair, descriptors beside
 * them.
 *
 * Owns nothing.  Each end has one thread.  The network process is the less
 * trusted end: the parent reads but a number from it.
 */
#ifndef KEYNEG_KEYMSG_H
#define KEYNEG_KEYMSG_H

#include <stdint.h>

#include "keyneg/core/keyconf.h"

enum keymsg_type {
	/* parent to net */
	KEYMSG_CONF_BEGIN = 1,
	KEYMSG_CONF_ASSOC,
	KEYMSG_CONF_MAP,
	KEYMSG_CONF_END, /* what came since BEGIN is in force */
	KEYMSG_UDP,      /* + a bound socket, of family `number` */
	KEYMSG_KRB,      /* + the pair to a Kerberos process */
	KEYMSG_ENGINE,   /* + a connection to the control socket */
	KEYMSG_ENTROPY,  /* + what entropyd's pool comes over (entropy.h) */
	KEYMSG_VIEW,     /* + the listening socket of base/keyview.h */
	/* net to parent */
	KEYMSG_ENGINE_LOST,
	KEYMSG_ALIVE, /* it has all that it needs, and goes round */
};

struct keymsg {
	uint32_t type; /* enum keymsg_type */
	uint32_t number;
	union {
		struct keyconf_assoc assoc;
		struct keyconf_map map;
	};
};

/* fd -1: none.  0 or -errno; -EAGAIN: the other end does not read. */
int keymsg_send(int channel, const struct keymsg *m, int fd);
/* *fd is -1 or the receiver's to close.  1; 0 at the end; -EAGAIN; another
 * -errno, -EBADMSG for what is no record of ours. */
int keymsg_receive(int channel, struct keymsg *m, int *fd);

#endif
