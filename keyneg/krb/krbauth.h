/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbauth: into an AP-REQ, where the library does not let one look: the
 * authenticator's time (RFC 4120 section 5.5.1).
 *
 * Owns nothing.  Any thread, each with its own context.
 */
#ifndef KEYNEG_KRB_KRBAUTH_H
#define KEYNEG_KRB_KRBAUTH_H

#include <krb5.h>
#include <stdbool.h>

#include "base/cursor.h"
#include "keyneg/core/krbreq.h"

/* The DER of its ticket and of its encrypted authenticator. */
bool krbauth_split(struct cursor der, struct cursor *ticket,
		   struct cursor *authenticator);
/* Decrypts the authenticator with the ticket's session key; ctime and cusec
 * into *a.  False: not under this key. */
bool krbauth_read(krb5_context ctx, const krb5_keyblock *key,
		  struct cursor authenticator, struct krbans *a);

#endif
