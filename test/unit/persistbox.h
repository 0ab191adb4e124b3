/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * persistbox: a disk that fails as told, and the lives of a supervisor that
 * keeps its manual keys' counters on it.
 *
 * Included by one test program each; owns the one disk of that program.
 */
#ifndef TEST_UNIT_PERSISTBOX_H
#define TEST_UNIT_PERSISTBOX_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/sa/persist.h"
#include "engine/sa/seq.h"

/* ---- a disk that fails as told --------------------------------------------
 */
struct file {
	char name[32];
	uint8_t *octets;
	size_t len;
};

enum fault { FAULT_NONE, FAULT_LOST, FAULT_TORN, FAULT_FULL };

static struct disk {
	struct file files[8];
	unsigned writes;
	unsigned fault_at; /* the how-manieth write fails, from 1 */
	enum fault fault;
	bool full;
} disk;

static inline struct file *
disk_file(const char *name, bool make)
{
	for (size_t i = 0; i < 8; i++) {
		if (strcmp(disk.files[i].name, name) == 0)
			return &disk.files[i];
		if (disk.files[i].name[0] == '\0' && make) {
			strcpy(disk.files[i].name, name);
			return &disk.files[i];
		}
	}
	return NULL;
}

static inline void
disk_remove(const char *name)
{
	struct file *f = disk_file(name, false);

	if (f != NULL) {
		free(f->octets);
		f->octets = NULL;
	}
}

static inline void
disk_damage(const char *name)
{
	struct file *f = disk_file(name, false);

	cr_assert(f != NULL && f->octets != NULL && f->len > 20);
	f->octets[f->len / 2] ^= 1;
}

static inline int
fake_replace(void *ctx, int dir, const char *name, const void *octets,
	     size_t len)
{
	enum fault fault = FAULT_NONE;
	struct file *f, *old;
	char old_name[40];

	if (++disk.writes == disk.fault_at)
		fault = disk.fault;
	if (disk.full || fault == FAULT_FULL)
		return -ENOSPC;
	if (fault == FAULT_LOST)
		return 0;
	snprintf(old_name, sizeof(old_name), "%s.old", name);
	f = disk_file(name, true);
	if (f->octets != NULL) {
		old = disk_file(old_name, true);
		free(old->octets);
		old->octets = f->octets;
		old->len = f->len;
	}
	f->len = fault == FAULT_TORN ? len / 2 : len;
	f->octets = malloc(f->len);
	memcpy(f->octets, octets, f->len);
	return 0;
}

static inline ssize_t
fake_read(void *ctx, int dir, const char *name, void *octets, size_t cap)
{
	struct file *f = disk_file(name, false);

	if (f == NULL || f->octets == NULL)
		return -ENOENT;
	if (f->len >= cap)
		return -EFBIG;
	memcpy(octets, f->octets, f->len);
	return (ssize_t)f->len;
}

static const struct persist_io fake = { .replace = fake_replace,
					.read = fake_read };

/* ---- one life of a supervisor ---------------------------------------------
 */
struct life {
	struct store store;
	struct persist *p;
	uint32_t out, in;
};

static inline char *
state_dir(void)
{
	static char dir[] = "/tmp/test_persist.XXXXXX";
	static bool made;

	if (!made)
		cr_assert_not_null(mkdtemp(dir));
	made = true;
	return dir;
}

static inline uint32_t
add(struct life *l, enum sa_direction direction, uint32_t spi, bool esn)
{
	uint32_t slot;
	struct sa *sa;

	cr_assert_eq(store_claim(&l->store, direction == SA_IN ? 64 : 0, &slot),
		     0);
	sa = store_sa(&l->store, slot);
	sa->direction = (uint8_t)direction;
	sa->protocol = SA_ESP;
	sa->spi = spi;
	sa->flags = SA_FLAG_MANUAL | (esn ? SA_FLAG_ESN : 0u);
	sa->key_octets = 20;
	memset(sa->key, 0x42, 20);
	return slot;
}

static inline void
clean(void)
{
	(void)rmdir(state_dir());
}

/* 0, or what attach or sync said; nothing is live then. */
static inline int
try_begin(struct life *l)
{
	int err;

	memset(l, 0, sizeof(*l));
	cr_assert_eq(store_create(&l->store, 8, 1), 0);
	err = persist_open(&l->p, state_dir(), &fake);
	cr_assert_eq(err, 0);
	l->out = add(l, SA_OUT, 0x1001, true);
	l->in = add(l, SA_IN, 0x1002, true);
	err = persist_attach(l->p, &l->store, l->out);
	if (err == 0)
		err = persist_attach(l->p, &l->store, l->in);
	if (err == 0)
		err = persist_sync(l->p);
	if (err == 0) {
		store_publish(&l->store, l->in);
		store_publish(&l->store, l->out);
	}
	return err;
}

static inline struct life
begin(void)
{
	struct life l;

	cr_assert_eq(try_begin(&l), 0);
	return l;
}

static inline struct sa *
out(const struct life *l)
{
	return store_sa(&l->store, l->out);
}

/* kill -9, or the power */
static inline void
cut(struct life *l)
{
	persist_free(l->p);
	store_unmap(&l->store);
}

static inline void
stop(struct life *l)
{
	cr_assert_eq(persist_close(l->p, &l->store), 0);
	cut(l);
}

static inline uint64_t
take(const struct life *l)
{
	uint64_t n;

	return seq_take(out(l), 1, &n) ? n : 0;
}

#endif
