/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "keyneg/core/krbreq.h"

size_t
krbreq_size(const struct krbreq *r)
{
	return offsetof(struct krbreq, der) + r->der_len;
}

size_t
krbans_size(const struct krbans *a)
{
	return offsetof(struct krbans, der) + a->der_len;
}

#define ENDS(field) (memchr((field), '\0', sizeof(field)) != NULL)

bool
krbreq_check(const struct krbreq *r, size_t n)
{
	if (n < offsetof(struct krbreq, der) || r->der_len > KRBREQ_DER_MAX ||
	    n != krbreq_size(r) || !ENDS(r->local) || !ENDS(r->peer))
		return false;
	return r->type == KRBREQ_MAKE ? r->der_len == 0
				      : r->type == KRBREQ_READ;
}

bool
krbans_check(const struct krbans *a, size_t n)
{
	if (n < offsetof(struct krbans, der) || a->der_len > KRBREQ_DER_MAX ||
	    n != krbans_size(a) || !ENDS(a->local) || !ENDS(a->peer) ||
	    !ENDS(a->why))
		return false;
	return (a->type == KRBREQ_MAKE || a->type == KRBREQ_READ) &&
	       a->status < KRBANS_STATUS_COUNT;
}

const char *
krbans_status_text(enum krbans_status s)
{
	switch (s) {
	case KRBANS_OK:
		return "ok";
	case KRBANS_NO_KEYTAB:
		return "no key of ours in the keytab: create the principal "
		       "and put its key there";
	case KRBANS_KDC_UNREACHABLE:
		return "the KDC does not answer: see the realm in krb5.conf, "
		       "and whether its port 88 can be reached";
	case KRBANS_UNKNOWN:
		return "the KDC does not know the principal: create it "
		       "there, or mend its name here";
	case KRBANS_REFUSED:
		return "Kerberos refuses, see the KDC's log";
	case KRBANS_WEAK:
		return "the key is of a weak encryption type, only AES is "
		       "accepted: make new keys for the principal";
	case KRBANS_SKEW:
		return "the clocks differ by more than Kerberos allows: set "
		       "the time";
	case KRBANS_EXPIRED:
		return "the ticket has expired: set the time, here and at the "
		       "KDC";
	case KRBANS_REPLAY:
		return "a replayed authenticator";
	case KRBANS_NO_MUTUAL:
		return "no mutual authentication was asked for: the peer's "
		       "software has to";
	case KRBANS_TICKET_GONE:
		return "the ticket is no longer in the cache";
	case KRBANS_LATE:
		return "no answer within the deadline: is the KDC that "
		       "krb5.conf names slow or silent?";
	case KRBANS_STATUS_COUNT:
		break;
	}
	return "?";
}
