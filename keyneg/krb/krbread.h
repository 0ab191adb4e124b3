/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbread: an AP-REQ that came to us, read with the keytab, and what goes
 * back: AP-REP or KRB-ERROR (RFC 4120 sections 3.2.3 to 3.2.5).
 *
 * Owns nothing but what the context does; the replay cache is the library's,
 * a file that outlives a restart (KRB5RCACHENAME).  One thread.  Never asks a
 * KDC, so it never waits.
 */
#ifndef KEYNEG_KRB_KRBREAD_H
#define KEYNEG_KRB_KRBREAD_H

#include <krb5.h>

#include "keyneg/core/krbreq.h"

void krbread_answer(krb5_context ctx, krb5_keytab keytab,
		    const struct krbreq *r, struct krbans *a);

#endif
