/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/secret.h"
#include "entropyd/intake.h"
#include "entropyd/keeper.h"
#include "entropyd/nurse.h"
#include "entropyd/sampler.h"

struct intake {
	const struct source *sources;
	size_t n;
	int keeper_fd, nurse_fd; /* -1: no place for a seed */
	struct conditioner *conditioner;
	struct pool *pool;
	struct feeder feeders[NOISE_MAX];
	struct sampler samplers[NOISE_MAX];
	struct log_limit limits[NOISE_MAX];
	bool saving;
	bool seed_late; /* its answer is, and that has been said */
	bool seed_lost; /* its process was, and no seed was saved since */
	struct report_seed seed;
};

struct intake *
intake_new(const struct source *sources, size_t n, int keeper_fd,
	   struct conditioner *conditioner, struct pool *pool)
{
	/* Samples pass through the feeders: pages fit for secrets. */
	struct intake *in = secret_alloc(sizeof(*in));

	if (in == NULL)
		return NULL;
	if (madvise(in, sizeof(*in), MADV_DONTFORK) != 0) {
		secret_free(in, sizeof(*in));
		return NULL;
	}
	in->sources = sources;
	in->n = n;
	in->keeper_fd = keeper_fd;
	in->nurse_fd = -1;
	in->conditioner = conditioner;
	in->pool = pool;
	for (size_t i = 0; i < n; i++) {
		feeder_init(&in->feeders[i], &sources[i]);
		in->samplers[i].fd = -1;
		in->limits[i] =
		    (struct log_limit){ .burst = 5, .every_ms = 60 * 1000 };
	}
	return in;
}

static bool
all_gone(struct intake *in)
{
	bool gone = true;

	for (size_t i = 0; i < in->n; i++)
		gone &= sampler_gone(&in->samplers[i]);
	return gone;
}

void
intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	for (size_t i = 0; i < in->n; i++)
		sampler_stop(&in->samplers[i]);
	if (in->nurse_fd >= 0)
		close(in->nurse_fd);
	/* One that hangs in a driver is not waited for. */
	for (int i = 0; i < 50 && !all_gone(in); i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0,
				&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	secret_free(in, sizeof(*in));
}

static bool
is_seed(const struct intake *in, size_t i)
{
	return in->sources[i].kind->save != NULL;
}

static void
fail(struct intake *in, size_t i, enum feeder_fault fault, int err,
     uint64_t now_ms)
{
	struct feeder *f = &in->feeders[i];

	sampler_stop(&in->samplers[i]);
	feeder_failed(f, fault, -err, now_ms);
	if (is_seed(in, i)) {
		in->seed.error = err != 0 ? -err : ETIMEDOUT;
		in->seed.saved = false;
		in->saving = in->seed_late = false;
		in->seed_lost = true;
	}
	if (!log_limit_take(&in->limits[i], now_ms))
		return;
	errno = -err;
	if (err != 0)
		log_warn("source %s: %s", f->source->name,
			 feeder_fault_name(f));
	else
		log_warnx("source %s: %s", f->source->name,
			  feeder_fault_name(f));
}

static void
start(struct intake *in, size_t i, int fd, uint64_t now_ms)
{
	int err = sampler_start(&in->samplers[i], &in->sources[i], fd);

	feeder_excuse(&in->feeders[i], now_ms);
	if (err != 0)
		fail(in, i, FEEDER_ABSENT, err, now_ms);
}

static size_t
seed_index(const struct intake *in)
{
	size_t i = 0;

	while (i < in->n && !is_seed(in, i))
		i++;
	return i;
}

void
intake_start_seed(struct intake *in, int dir_fd, uint64_t now_ms)
{
	size_t i = seed_index(in);

	if (dir_fd < 0)
		return;
	if (i == in->n) {
		close(dir_fd);
		return;
	}
	in->nurse_fd = nurse_start(&in->sources[i], dir_fd);
	if (in->nurse_fd < 0)
		fail(in, i, FEEDER_ABSENT, in->nurse_fd, now_ms);
}

void
intake_opened(struct intake *in, unsigned i, int err, enum nature nature,
	      int fd, uint64_t now_ms)
{
	struct feeder *f = i < in->n ? &in->feeders[i] : NULL;

	/* Too late: it was given up in the meantime. */
	if (f == NULL || f->state != FEEDER_STARTING || f->opened ||
	    in->samplers[i].fd >= 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (err == 0 && fd >= 0) {
		feeder_is(f, nature);
		if (nature != NATURE_NOISE &&
		    log_limit_take(&in->limits[i], now_ms))
			log_warnx("source %s: %s is %s: credited nothing",
				  f->source->name, f->source->path,
				  nature_text(nature));
		start(in, i, fd, now_ms);
	} else {
		fail(in, i,
		     err == -ETIMEDOUT || err == -EALREADY ? FEEDER_STALLED
							   : FEEDER_ABSENT,
		     err, now_ms);
	}
}

static void
open_source(struct intake *in, size_t i, uint64_t now_ms)
{
	int err;

	if (is_seed(in, i) && in->nurse_fd < 0)
		return;
	/* The last process of it hangs where no signal reaches it. */
	if (!sampler_gone(&in->samplers[i])) {
		fail(in, i, FEEDER_STALLED, -EALREADY, now_ms);
		return;
	}
	feeder_opening(&in->feeders[i], now_ms);
	if (is_seed(in, i)) {
		err = nurse_ask(in->nurse_fd, &in->samplers[i]);
		if (err != 0)
			fail(in, i, FEEDER_ABSENT, err, now_ms);
		return;
	}
	if (!in->sources[i].kind->needs_fd) {
		start(in, i, -1, now_ms);
		return;
	}
	err = keeper_open(in->keeper_fd, (unsigned)i);
	if (err != 0)
		fail(in, i, FEEDER_ABSENT, err, now_ms);
}

/* Its disk hangs, or somebody stopped it.  Another process would hang there,
 * too, so this one is kept, and its answer taken when it comes. */
static void
seed_stalls(struct intake *in, struct feeder *f)
{
	f->deadline_ms = UINT64_MAX;
	if (in->seed_late)
		return;
	in->seed_late = true;
	in->seed.saved = false;
	in->seed.error = ETIMEDOUT;
	f->fault = FEEDER_STALLED;
	f->stalls++;
	log_warnx("source %s: %s", f->source->name, feeder_fault_name(f));
}

static void
run_one(struct intake *in, size_t i, uint64_t now_ms, bool owed)
{
	struct feeder *f = &in->feeders[i];
	int err;

	switch (feeder_next(f, now_ms, owed)) {
	case FEEDER_WAIT:
		return;
	case FEEDER_OPEN:
		open_source(in, i, now_ms);
		return;
	case FEEDER_READ:
		err = sampler_ask(&in->samplers[i], feeder_want(f));
		if (err == 0)
			feeder_asked(f, now_ms);
		else
			fail(in, i, FEEDER_ERROR, err, now_ms);
		return;
	case FEEDER_CLOSE:
		if (is_seed(in, i))
			seed_stalls(in, f);
		else
			fail(in, i, FEEDER_STALLED, 0, now_ms);
		return;
	}
}

void
intake_run(struct intake *in, uint64_t now_ms, bool owed)
{
	(void)all_gone(in);
	for (size_t i = 0; i < in->n; i++)
		run_one(in, i, now_ms, owed);
}

void
intake_excuse(struct intake *in, uint64_t now_ms)
{
	for (size_t i = 0; i < in->n; i++)
		feeder_excuse(&in->feeders[i], now_ms);
}

void
intake_round(struct intake *in)
{
	for (size_t i = 0; i < in->n; i++)
		feeder_round(&in->feeders[i]);
}

uint64_t
intake_wake_ms(const struct intake *in)
{
	uint64_t wake = UINT64_MAX;

	for (size_t i = 0; i < in->n; i++) {
		uint64_t at = feeder_wake_ms(&in->feeders[i]);

		/* Without a place for it, a seed that is down stays down. */
		if (is_seed(in, i) && in->nurse_fd < 0)
			continue;
		if (at < wake)
			wake = at;
	}
	return wake;
}

size_t
intake_poll(const struct intake *in, struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < in->n; i++)
		if (in->samplers[i].fd >= 0)
			fds[n++] =
			    (struct pollfd){ in->samplers[i].fd, POLLIN, 0 };
	return n;
}

/* The first reply of a process: how the opening went. */
static void
take_opening(struct intake *in, size_t i, const struct sampler_reply *reply,
	     uint64_t now_ms)
{
	if (reply->err == -EOPNOTSUPP)
		fail(in, i, FEEDER_UNSUITABLE, reply->err, now_ms);
	else if (reply->err != 0)
		fail(in, i, FEEDER_ABSENT, reply->err, now_ms);
	else
		feeder_opened(&in->feeders[i], now_ms);
}

/* The seed: what was stored, or how the saving went. */
static void
take_seed(struct intake *in, size_t i, const struct sampler_reply *reply,
	  uint64_t now_ms)
{
	struct feeder *f = &in->feeders[i];
	uint64_t none;

	if (in->seed_late) {
		in->seed_late = false;
		in->seed.error = 0;
		log_info("source %s: it answers again", f->source->name);
	}
	if (in->saving) {
		in->saving = false;
		f->asked = false;
		if (reply->err != 0 && in->seed.error != -reply->err) {
			errno = -reply->err;
			log_warn("the seed was not saved");
		}
		in->seed.saved = reply->err == 0;
		in->seed_lost = false;
		in->seed.error = -reply->err;
		return;
	}
	if (reply->err == 0 && reply->n != 0)
		(void)pool_mix(in->pool, reply->samples, reply->n);
	else if (reply->err != 0 && reply->err != -ENOENT)
		in->seed.error = -reply->err;
	(void)feeder_take(f, reply->samples, reply->n, now_ms, &none);
	f->due = false; /* once, whatever came */
}

static void
take_samples(struct intake *in, size_t i, const struct sampler_reply *reply,
	     uint64_t now_ms)
{
	struct feeder *f = &in->feeders[i];
	enum feeder_state before = f->state;
	enum feeder_fault fault, last = f->fault;
	uint64_t mbits;

	if (reply->err != 0) {
		fail(in, i, FEEDER_ERROR, reply->err, now_ms);
		return;
	}
	fault = feeder_take(f, reply->samples, reply->n, now_ms, &mbits);
	/* Mixed in any case: that can't hurt.  Credit is another matter. */
	if (reply->n != 0)
		(void)conditioner_add(in->conditioner, (uint8_t)i,
				      reply->samples, reply->n,
				      fault == FEEDER_NONE ? mbits : 0);
	if (f->fault == FEEDER_SLOW && last != FEEDER_SLOW &&
	    log_limit_take(&in->limits[i], now_ms))
		log_warnx("source %s: slow", f->source->name);
	if (fault != FEEDER_NONE)
		fail(in, i, fault, 0, now_ms);
	else if (before == FEEDER_STARTING && f->state == FEEDER_RUNNING)
		log_info("source %s: running, %u.%03u bits a sample seen, "
			 "%u.%03u credited",
			 f->source->name, f->estimate_mbits / 1000,
			 f->estimate_mbits % 1000, f->credit_mbits / 1000,
			 f->credit_mbits % 1000);
}

static void
serve_one(struct intake *in, size_t i, uint64_t now_ms)
{
	struct sampler_reply reply;
	struct feeder *f = &in->feeders[i];
	int err = sampler_reply(&in->samplers[i], &reply);

	if (err == -EAGAIN)
		return;
	if (err != 0)
		fail(in, i, f->opened ? FEEDER_ERROR : FEEDER_ABSENT, err,
		     now_ms);
	else if (!f->opened)
		take_opening(in, i, &reply, now_ms);
	else if (is_seed(in, i))
		take_seed(in, i, &reply, now_ms);
	else
		take_samples(in, i, &reply, now_ms);
	secret_wipe(&reply, sizeof(reply));
}

void
intake_serve(struct intake *in, const struct pollfd *fds, size_t n,
	     uint64_t now_ms)
{
	for (size_t k = 0; k < n; k++) {
		if (fds[k].revents == 0)
			continue;
		for (size_t i = 0; i < in->n; i++)
			if (in->samplers[i].fd == fds[k].fd)
				serve_one(in, i, now_ms);
	}
}

bool
intake_can_save(const struct intake *in)
{
	size_t i = seed_index(in);

	/* Only after the old one was read. */
	return i < in->n && in->feeders[i].state == FEEDER_RUNNING &&
	       !in->feeders[i].asked && !in->feeders[i].due;
}

bool
intake_saving(const struct intake *in)
{
	return in->saving;
}

bool
intake_save(struct intake *in, const uint8_t *octets, size_t n, uint64_t now_ms)
{
	size_t i = seed_index(in);

	if (!intake_can_save(in) ||
	    sampler_save(&in->samplers[i], octets, n) != 0)
		return false;
	feeder_asked(&in->feeders[i], now_ms);
	in->saving = true;
	return true;
}

const struct feeder *
intake_feeders(const struct intake *in)
{
	return in->feeders;
}

bool
intake_seed_lost(const struct intake *in)
{
	return in->seed_lost;
}

struct report_seed
intake_seed(const struct intake *in)
{
	return in->seed;
}
