/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctls: the three switches that let a mark follow the kernel's own work.
 *
 *   tcp_fwmark_accept   an accepted TCP socket inherits the mark of its SYN
 *   fwmark_reflect      what the kernel answers by itself (RST, ICMP) carries
 *                       the mark of what it answers; without it such answers
 *                       leave in clear.  IPv4 and IPv6.
 * Of this network namespace.  The supervisor's, one thread.
 */
#ifndef ENGINE_DIVERT_SYSCTLS_H
#define ENGINE_DIVERT_SYSCTLS_H

#include "engine/divert/table.h"

#define SYSCTLS 3

/* What they were; -1: not changed by us. */
struct sysctls {
	int before[SYSCTLS];
};

void sysctls_init(struct sysctls *s);
/* All to 1.  -EROFS or another -errno when one has another value and can't be
 * written; then none is changed.  No IPv6: nothing to do for it. */
int sysctls_set(struct sysctls *s, struct table_why *why);
/* Has somebody else switched tcp_fwmark_accept on, for marks of his own? */
bool sysctls_accept_is_others(const struct sysctls *s);
void sysctls_restore(struct sysctls *s);

#endif
