/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * krbcred: tickets of ours, from the keytab and the KDC, and AP-REQs made
 * with them.
 *
 * Owns a cache of at most KRBCRED_MAX tickets, the least used one pushed out,
 * whatever is asked for.  Any thread, each with its own krb5_context; only
 * krbcred_fetch may block (on a KDC).
 */
#ifndef KEYNEG_KRB_KRBCRED_H
#define KEYNEG_KRB_KRBCRED_H

#include <krb5.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "keyneg/core/krbreq.h"

enum {
	KRBCRED_MAX = 1024,
	/* RFC 4430 section 9: a ticket must outlive a transaction. */
	KRBCRED_SPARE_SECS = 120,
};

struct krbcred_entry {
	char client[KRBREQ_PRINCIPAL_MAX], server[2 * KRBREQ_PRINCIPAL_MAX];
	krb5_creds *creds; /* NULL: free */
	uint64_t number, used;
};

struct krbcred {
	pthread_mutex_t lock;
	uint64_t last_number, clock;
	struct krbcred_entry *entry;
};

int krbcred_init(struct krbcred *c);
/* A context that asks for and accepts AES keys alone; NULL: none. */
krb5_context krbcred_context(void);
/* Puts a copy in the place of an older one of the same names, a free one, or
 * the least used one; its number, 0: no memory. */
uint64_t krbcred_keep(struct krbcred *c, krb5_context ctx, const char *client,
		      const char *server, krb5_creds *creds);
/* Answers from the cache, if it can: true, and *a is filled in. */
bool krbcred_make(struct krbcred *c, krb5_context ctx, const struct krbreq *r,
		  struct krbans *a);
/* Fetches the ticket, then the same. */
void krbcred_fetch(struct krbcred *c, krb5_context ctx, krb5_keytab keytab,
		   const struct krbreq *r, struct krbans *a);
bool krbcred_is_aes(krb5_enctype e);
/* Fills status and why from a library error. */
void krbcred_explain(krb5_context ctx, krb5_error_code err, struct krbans *a);

#endif
