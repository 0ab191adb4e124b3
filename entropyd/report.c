/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "entropyd/report.h"

struct text {
	char *at;
	size_t room, n;
};

static void __attribute__((format(printf, 2, 3)))
put(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->at + t->n, t->room - t->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < t->room - t->n)
		t->n += (size_t)n;
}

static uint64_t
secs_since(uint64_t then_ms, uint64_t now_ms)
{
	return now_ms > then_ms ? (now_ms - then_ms) / 1000 : 0;
}

static void
put_source(struct text *t, const struct feeder *f, uint64_t now_ms)
{
	uint64_t retry =
	    f->state == FEEDER_DOWN ? secs_since(now_ms, f->retry_ms) : 0;

	put(t,
	    "source name=%s state=%s assessed_bits=%u.%03u "
	    "credit_bits=%u.%03u samples=%" PRIu64 " credited_bits=%" PRIu64
	    " fault=%s error=%d "
	    "retry_secs=%" PRIu64 " errors=%" PRIu64 " stalls=%" PRIu64
	    " failures_repetition=%" PRIu64 " failures_proportion=%" PRIu64
	    " failures_lag=%" PRIu64 " failures_block=%" PRIu64 "\n",
	    f->source->name, feeder_state_name(f), f->estimate_mbits / 1000,
	    f->estimate_mbits % 1000, f->credit_mbits / 1000,
	    f->credit_mbits % 1000, f->samples, f->credited_mbits / 1000,
	    feeder_fault_name(f), f->error, retry, f->errors, f->stalls,
	    f->test_failures[HEALTH_REPETITION],
	    f->test_failures[HEALTH_PROPORTION], f->test_failures[HEALTH_LAG],
	    f->test_failures[HEALTH_BLOCK]);
}

size_t
report_write(const struct report *r, uint64_t now_ms, char *text, size_t size)
{
	struct text t = { text, size, 0 };
	const struct report_kernel *k = &r->kernel;

	put(&t, "entropyd version=%s pid=%d up_secs=%" PRIu64 "\n",
	    NFIPSEC_VERSION, r->pid, secs_since(r->started_ms, now_ms));
	for (size_t i = 0; i < r->n_feeders; i++)
		put_source(&t, &r->feeders[i], now_ms);
	put(&t,
	    "pool ready=%d kernel_ready=%d credited_bits=%" PRIu64
	    " reseeds=%" PRIu64 " requests=%" PRIu64 " octets=%" PRIu64
	    " locked=%d\n",
	    r->pool_ready, r->pool.kernel_ready, r->pool.credited_bits,
	    r->pool.reseeds, r->pool.requests, r->pool.octets, r->locked);
	put(&t,
	    "kernel credits=%" PRIu64 " credited_bits=%" PRIu64
	    " error=%d last_secs=%" PRIu64 "\n",
	    k->credits, k->credited_bits, k->error,
	    k->last_ms != 0 ? secs_since(k->last_ms, now_ms) : 0);
	put(&t, "clients now=%u refused=%" PRIu64 " evicted=%" PRIu64 "\n",
	    r->clients.now, r->clients.refused, r->clients.evicted);
	put(&t, "seed saved=%d error=%d\n", r->seed.saved, r->seed.error);
	return t.n;
}
