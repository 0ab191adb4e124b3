/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbreq: what the network process may ask of the Kerberos process, and the
 * answers: two requests, fixed layouts, over a SOCK_SEQPACKET pair.
 *
 * Plain values.  The receiver checks each with krbreq_check or krbans_check
 * before it looks inside; only then are the texts ended and the lengths
 * within bounds.
 */
#ifndef KEYNEG_CORE_KRBREQ_H
#define KEYNEG_CORE_KRBREQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KRBREQ_PRINCIPAL_MAX = 256, /* with its final 0 */
	KRBREQ_DER_MAX = 12288,     /* AD tickets carry a PAC of kilobytes */
	KRBREQ_WHY_MAX = 200,
	KRBREQ_KEY_MAX = 32,
};

enum krbreq_type {
	KRBREQ_MAKE = 1, /* an AP-REQ from `local` to `peer` */
	KRBREQ_READ = 2, /* an AP-REQ that came to us */
};

struct krbreq {
	uint8_t type;  /* enum krbreq_type */
	uint8_t fresh; /* MAKE: no ticket from the cache */
	uint16_t der_len;
	uint32_t id;
	uint64_t deadline_ms; /* clock_now_ms; nobody waits any longer */
	uint64_t ticket;      /* MAKE: with this ticket alone; 0: any */
	int64_t offset_secs;  /* MAKE: what the peer's clock is ahead of ours */
	char local[KRBREQ_PRINCIPAL_MAX], peer[KRBREQ_PRINCIPAL_MAX];
	uint8_t der[KRBREQ_DER_MAX]; /* READ; only der_len octets are sent */
};

enum krbans_status {
	KRBANS_OK = 0,
	KRBANS_NO_KEYTAB, /* no key of ours for this principal */
	KRBANS_KDC_UNREACHABLE,
	KRBANS_UNKNOWN, /* the KDC does not know the peer (or us) */
	KRBANS_REFUSED, /* the KDC or the keytab says no, see why */
	KRBANS_WEAK,    /* not an AES encryption type */
	KRBANS_SKEW,    /* the clocks are too far apart */
	KRBANS_EXPIRED,
	KRBANS_REPLAY,      /* seen before: drop silently */
	KRBANS_NO_MUTUAL,   /* AP-REQ without mutual authentication */
	KRBANS_TICKET_GONE, /* the ticket asked for is no longer cached */
	KRBANS_LATE,        /* the deadline passed */
	KRBANS_STATUS_COUNT
};

struct krbans {
	uint8_t type;   /* of the request */
	uint8_t status; /* enum krbans_status */
	uint16_t der_len;
	uint32_t id;
	int32_t etype; /* of the session key; 0: no key */
	uint32_t cusec;
	uint64_t ctime;        /* of the authenticator, seconds since 1970 */
	uint64_t ticket;       /* MAKE: its number in the cache */
	uint64_t expires_secs; /* of the ticket, seconds since 1970 */
	uint8_t key[KRBREQ_KEY_MAX];
	/* READ: the service we were called by, and who called */
	char local[KRBREQ_PRINCIPAL_MAX], peer[KRBREQ_PRINCIPAL_MAX];
	char why[KRBREQ_WHY_MAX];
	/* MAKE: AP-REQ.  READ: AP-REP; when it fails, KRB-ERROR or nothing. */
	uint8_t der[KRBREQ_DER_MAX];
};

/* Octets to send. */
size_t krbreq_size(const struct krbreq *r);
size_t krbans_size(const struct krbans *a);
/* Is what n octets of this struct were received sound? */
bool krbreq_check(const struct krbreq *r, size_t n);
bool krbans_check(const struct krbans *a, size_t n);
const char *krbans_status_text(enum krbans_status s);

#endif
