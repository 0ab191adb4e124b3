/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/nfq/trains.h"

enum { ALIGN = 64 };
_Static_assert(TRAINS_OCTETS >= 65536 + PATH_GROWTH,
	       "one segment must fit, whatever the device's MTU says");

int
trains_init(struct trains *t, struct path *path, struct devmtu *devmtu,
	    uint8_t *buf)
{
	*t = (struct trains){
		.path = path,
		.devmtu = devmtu,
		.buf = buf,
		.log_limit = { .burst = 5, .every_ms = 2000 },
	};
	return inject_init(&t->inject);
}

void
trains_fini(struct trains *t)
{
	inject_fini(&t->inject);
}

void
trains_flush(struct trains *t)
{
	unsigned refused = inject_flush(&t->inject);

	t->len = 0;
	if (refused == 0)
		return;
	path_drop(t->path, SA_OUT, REASON_inject, refused);
	if (t->inject.error == EMSGSIZE)
		devmtu_forget(t->devmtu, t->out);
	if (log_limit_take(&t->log_limit, clock_now_ms()))
		log_warnx("%u sealed packets not sent: %s%s", refused,
			  strerror(t->inject.error),
			  t->inject.error == EPERM
			      ? "; does a rule of OUTPUT drop ESP or AH?"
			      : "");
}

static uint8_t *
place(void *arg, size_t octets)
{
	struct trains *t = arg;

	if (t->inject.n == INJECT_BATCH || TRAINS_OCTETS - t->len < octets)
		trains_flush(t);
	return t->buf + t->len;
}

static void
add(void *arg, size_t len, uint32_t mark)
{
	struct trains *t = arg;

	inject_add(&t->inject, t->buf + t->len, len, mark, t->out);
	t->len += (len + ALIGN - 1) / ALIGN * ALIGN;
	t->count++;
}

unsigned
trains_add(struct trains *t, enum store_queue_kind kind, struct pkt *pkt,
	   uint64_t now_ms, struct path_result *r)
{
	struct path_sink sink = { place, add, t };
	uint64_t before = t->count;

	/* A batch is refused in one piece, and is of one device. */
	if (t->out != pkt->out && trains_wait(t))
		trains_flush(t);
	t->out = pkt->out;
	path_out_train(t->path, kind, pkt, now_ms, &sink, r);
	return (unsigned)(t->count - before);
}
