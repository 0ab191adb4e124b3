/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyload: the configuration's part for key negotiation, from a policy.
 *
 * One thread, the parent's.  Reads /etc/hosts where `principals` says so;
 * never the network.
 */
#ifndef KEYNEG_KEYLOAD_H
#define KEYNEG_KEYLOAD_H

#include "keyneg/core/keyconf.h"
#include "policy/policy.h"

/* Associations that cannot be negotiated are left out and logged, with the
 * reason.  0, -ENOMEM, or -ENOTSUP for a source of principals that is not
 * there. */
int keyload_from_policy(const struct policy *p, struct keyconf *out);
/* The lines of a hosts file into the map: address, then kink/NAME@REALM of
 * the first name with a dot in it.  For keyload_from_policy and tests. */
int keyload_hosts(struct keyconf *c, const char *path, const char *realm);

#endif
