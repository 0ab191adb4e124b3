/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both files, big endian:
 *   +----------------+----------+-------+---------+- - - - - - -+---------+
 *   | "nfipsec1"     | starts   | clean | count   | records     | SHA-256 |
 *   | 8 octets       | 8        | 1     | 4       | 40 each     | 32      |
 *   +----------------+----------+-------+---------+- - - - - - -+---------+
 * A record is the SHA-256 of key, SPI and direction, and a number: outbound
 * the first that is not reserved, inbound the right edge.  manual.starts has
 * none.  `clean` says that the numbers are exact: nothing was sent since.
 */
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/cursor.h"
#include "base/secret.h"
#include "engine/sa/persist.h"
#include "engine/sa/replay.h"

#define FILE_STARTS     "manual.starts"
#define FILE_STATE      "manual.state"
#define MAGIC           "nfipsec1"
#define HEAD_OCTETS     21u
#define ID_OCTETS       32u
#define RECORD_OCTETS   (ID_OCTETS + 8u)
#define SUM_OCTETS      32u
#define RECORDS_MAX     65536u
#define FILE_OCTETS_MAX (HEAD_OCTETS + RECORDS_MAX * RECORD_OCTETS + SUM_OCTETS)
#define NO_SLOT         UINT32_MAX
#define SEQ_END_32      ((uint64_t)1 << 32) /* RFC 4303 3.3.3: never cycles */

struct record {
	uint8_t id[ID_OCTETS];
	uint64_t number;
	uint64_t before;     /* `number` until the pending attach */
	uint64_t wanted;     /* what is being written; not yet durable */
	uint32_t slot;       /* NO_SLOT: not in use now */
	uint32_t generation; /* of the slot: somebody else may delete the SA */
	bool outbound;       /* known while in use */
	bool attached;       /* since the last sync */
	bool loaded;         /* from the disk, not looked at since */
};

struct persist {
	const struct persist_io *io;
	int dir;
	uint64_t starts;   /* number of this start; IVs of the batch carry it */
	bool damaged;      /* nobody knows what was used */
	uint64_t gap;      /* what may have been used beyond the file */
	uint64_t edges_ms; /* when right edges were last looked at */
	bool pending;      /* attached since the last sync */
	struct record *records;
	size_t n_records, cap_records;
	uint8_t *buf; /* FILE_OCTETS_MAX + 1 */
};

/* One generation of one file as read. */
struct image {
	bool exists, good, old, clean;
	uint64_t starts;
};

static struct record *
record_add(struct persist *p, const uint8_t id[ID_OCTETS])
{
	struct record *r;

	if (p->n_records == RECORDS_MAX)
		return NULL;
	if (p->n_records == p->cap_records) {
		size_t cap = p->cap_records == 0 ? 64 : p->cap_records * 2;

		r = realloc(p->records, cap * sizeof(*r));
		if (r == NULL)
			return NULL;
		p->records = r;
		p->cap_records = cap;
	}
	r = &p->records[p->n_records++];
	*r = (struct record){ .slot = NO_SLOT };
	memcpy(r->id, id, ID_OCTETS);
	return r;
}

static struct record *
record_find(struct persist *p, const uint8_t id[ID_OCTETS])
{
	for (size_t i = 0; i < p->n_records; i++)
		if (memcmp(p->records[i].id, id, ID_OCTETS) == 0)
			return &p->records[i];
	return NULL;
}

/* One file's octets into `image`, and its records when it is the good one. */
static int
parse_file(struct persist *p, const uint8_t *octets, size_t len,
	   struct image *image)
{
	uint8_t sum[SUM_OCTETS], magic[8], clean, id[ID_OCTETS];
	struct cursor c;
	struct record *r;
	uint32_t count;
	uint64_t starts, number;

	if (len < HEAD_OCTETS + SUM_OCTETS)
		return -EBADMSG;
	gcry_md_hash_buffer(GCRY_MD_SHA256, sum, octets, len - SUM_OCTETS);
	if (memcmp(sum, octets + len - SUM_OCTETS, SUM_OCTETS) != 0)
		return -EBADMSG;
	c = cursor_make(octets, len - SUM_OCTETS);
	if (!cursor_copy(&c, magic, sizeof(magic)) ||
	    !cursor_u64(&c, &starts) || !cursor_u8(&c, &clean) ||
	    !cursor_u32(&c, &count) ||
	    memcmp(magic, MAGIC, sizeof(magic)) != 0 ||
	    c.left != (size_t)count * RECORD_OCTETS)
		return -EBADMSG;
	while (cursor_copy(&c, id, sizeof(id)) && cursor_u64(&c, &number)) {
		r = record_add(p, id);
		if (r == NULL)
			return -ENOMEM;
		r->number = number;
		r->loaded = true;
	}
	image->good = true;
	image->starts = starts;
	image->clean = clean == 1;
	return 0;
}

/* The newest generation that can be read.  Only trouble that is not the
 * file's contents is an error. */
static int
load_file(struct persist *p, const char *name, struct image *image)
{
	char old[32];
	ssize_t len;
	int err;

	snprintf(old, sizeof(old), "%s.old", name);
	for (int generation = 0; generation < 2; generation++) {
		len = p->io->read(p->io->ctx, p->dir,
				  generation == 0 ? name : old, p->buf,
				  FILE_OCTETS_MAX + 1);
		if (len == -ENOENT)
			continue;
		image->exists = true;
		image->old = generation == 1;
		if (len < 0 && len != -EFBIG && len != -EIO)
			return (int)len;
		if (len < 0)
			continue;
		err = parse_file(p, p->buf, (size_t)len, image);
		if (err == 0 || err == -ENOMEM)
			return err;
	}
	return 0;
}

/* What the two files say together, see persist.h. */
static int
load(struct persist *p)
{
	struct image starts = { 0 }, state = { 0 };
	uint64_t last = 0;
	int err;

	err = load_file(p, FILE_STARTS, &starts);
	if (err == 0)
		err = load_file(p, FILE_STATE, &state);
	if (err < 0)
		return err;
	if (!starts.exists && !state.exists)
		return 0; /* the very first start */
	if (!state.good) {
		p->damaged = true;
		return 0;
	}
	/* The start after the one in an old generation left no trace. */
	if (starts.good)
		last = starts.starts + starts.old;
	if (state.starts + state.old > last)
		last = state.starts + state.old;
	p->starts = last;
	/* Each write reserves one block at most.  Each of these may hide one:
	 * a write that was lost, a generation that cannot be read, a start
	 * whose first write was lost. */
	if (!state.clean || state.old || state.starts != last)
		p->gap =
		    PERSIST_BLOCK * (1u + state.old + (state.starts != last));
	return 0;
}

int
persist_open(struct persist **out, const char *state_dir,
	     const struct persist_io *io)
{
	struct persist *p = calloc(1, sizeof(*p));
	int err;

	if (p == NULL)
		return -ENOMEM;
	p->dir = -1;
	p->io = io != NULL ? io : &persist_disk_io;
	p->buf = malloc(FILE_OCTETS_MAX + 1);
	if (p->buf == NULL) {
		err = -ENOMEM;
		goto fail;
	}
	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST) {
		err = -errno;
		goto fail;
	}
	p->dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir < 0) {
		err = -errno;
		goto fail;
	}
	/* Two that count starts in one file would count the same one twice.
	 * The lock goes with the descriptor. */
	if (flock(p->dir, LOCK_EX | LOCK_NB) < 0) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto fail;
	}
	err = load(p);
	if (err < 0)
		goto fail;
	*out = p;
	return 0;
fail:
	persist_free(p);
	return err;
}

void
persist_free(struct persist *p)
{
	if (p == NULL)
		return;
	if (p->dir >= 0)
		close(p->dir);
	free(p->records);
	free(p->buf);
	free(p);
}

bool
persist_is_durable(const struct persist *p)
{
	struct statfs fs;

	if (fstatfs(p->dir, &fs) < 0)
		return false;
	return fs.f_type != TMPFS_MAGIC && fs.f_type != RAMFS_MAGIC;
}

/* Writes one file; records only where they belong. */
static int
write_file(struct persist *p, const char *name, bool clean, bool records)
{
	struct builder b = builder_make(p->buf, FILE_OCTETS_MAX);
	uint8_t sum[SUM_OCTETS];

	builder_octets(&b, MAGIC, 8);
	builder_u64(&b, p->starts);
	builder_u8(&b, clean);
	builder_u32(&b, records ? (uint32_t)p->n_records : 0);
	for (size_t i = 0; records && i < p->n_records; i++) {
		builder_octets(&b, p->records[i].id, ID_OCTETS);
		builder_u64(&b, p->records[i].wanted);
	}
	gcry_md_hash_buffer(GCRY_MD_SHA256, sum, p->buf, b.len);
	builder_octets(&b, sum, sizeof(sum));
	return p->io->replace(p->io->ctx, p->dir, name, p->buf, b.len);
}

/* Writes the numbers wanted; they hold once it returned 0. */
static int
write_state(struct persist *p, bool clean)
{
	int err = write_file(p, FILE_STATE, clean, true);

	for (size_t i = 0; err == 0 && i < p->n_records; i++)
		p->records[i].number = p->records[i].wanted;
	return err;
}

static void
want_same(struct persist *p)
{
	for (size_t i = 0; i < p->n_records; i++)
		p->records[i].wanted = p->records[i].number;
}

static void
make_id(const struct sa *sa, uint8_t id[ID_OCTETS])
{
	uint8_t text[16 + ALGO_KEYMAT_MAX * 2];
	struct builder b = builder_make(text, sizeof(text));

	builder_octets(&b, "nfipsec", 7);
	builder_u8(&b, sa->direction);
	builder_u8(&b, sa->protocol);
	builder_u32(&b, sa->spi);
	builder_u8(&b, sa->key_octets);
	builder_octets(&b, sa->key, sa->key_octets);
	builder_octets(&b, sa->auth_key, sa->auth_key_octets);
	gcry_md_hash_buffer(GCRY_MD_SHA256, id, text, b.len);
	secret_wipe(text, sizeof(text));
}

/* The first number that this SA may never send. */
static uint64_t
seq_end(const struct sa *sa)
{
	uint64_t ivs = sa->seq_base + ((uint64_t)1 << SA_IV_LOW_BITS);

	if (!(sa->flags & SA_FLAG_ESN) && ivs > SEQ_END_32)
		return SEQ_END_32;
	return ivs;
}

static uint64_t
next_limit(const struct sa *sa, uint64_t limit)
{
	uint64_t end = seq_end(sa);

	return end - limit < PERSIST_BLOCK ? end : limit + PERSIST_BLOCK;
}

/* The record's SA, or NULL when its slot is somebody else's by now. */
static struct sa *
record_sa(const struct record *r, const struct store *s)
{
	struct sa *sa;
	uint32_t state;

	if (r->slot == NO_SLOT)
		return NULL;
	sa = store_sa(s, r->slot);
	state = atomic_load(&sa->state);
	if (atomic_load(&sa->generation) != r->generation ||
	    (state != SA_LIVE && state != SA_DEAD))
		return NULL;
	return sa;
}

int
persist_attach(struct persist *p, struct store *s, uint32_t slot)
{
	struct sa *sa = store_sa(s, slot);
	uint8_t id[ID_OCTETS];
	struct record *r;
	bool loaded;

	if (p->damaged)
		return -EUCLEAN;
	if (p->starts + 1 > PERSIST_STARTS_MAX)
		return -EOVERFLOW;
	make_id(sa, id);
	r = record_find(p, id);
	loaded = r != NULL ? r->loaded : p->gap > PERSIST_BLOCK;
	if (r == NULL)
		r = record_add(p, id);
	if (r == NULL)
		return -ENOMEM;
	r->loaded = false;
	if (sa->direction == SA_IN) {
		struct replay window = replay_make(sa, store_replay(s, sa));

		replay_restore(&window, r->number);
	} else {
		/* Used before this process, maybe further than known. */
		if (loaded)
			r->number += p->gap;
		if (!r->attached)
			r->before = r->number;
		sa->seq_base = r->number == 0 ? 1 : r->number;
		if (sa->seq_base >= seq_end(sa))
			return -EOVERFLOW;
		sa->iv_start = (p->starts + 1) << SA_IV_LOW_BITS;
		r->number = next_limit(sa, sa->seq_base);
		r->attached = true;
		atomic_store(&sa->seq_next, sa->seq_base);
		atomic_store(&sa->seq_limit, r->number);
	}
	r->outbound = sa->direction == SA_OUT;
	r->slot = slot;
	r->generation = atomic_load(&sa->generation);
	p->pending = true;
	return 0;
}

int
persist_adopt(struct persist *p, struct store *s, uint32_t slot)
{
	struct sa *sa = store_sa(s, slot);
	uint64_t start = sa->iv_start >> SA_IV_LOW_BITS;
	uint8_t id[ID_OCTETS];
	struct record *r;

	if (p->damaged)
		return -EUCLEAN;
	make_id(sa, id);
	r = record_find(p, id);
	if (r == NULL)
		r = record_add(p, id);
	if (r == NULL)
		return -ENOMEM;
	r->loaded = false;
	r->outbound = sa->direction == SA_OUT;
	r->slot = slot;
	r->generation = atomic_load(&sa->generation);
	r->number = atomic_load(r->outbound ? &sa->seq_next : &sa->replay_edge);
	if (r->outbound)
		atomic_store(&sa->seq_limit, r->number);
	if (start > p->starts)
		p->starts = start;
	return 0;
}

int
persist_sync(struct persist *p)
{
	int err;

	if (!p->pending)
		return 0;
	p->starts++;
	p->pending = false;
	want_same(p);
	err = write_state(p, false);
	if (err == 0)
		err = write_file(p, FILE_STARTS, false, false);
	for (size_t i = 0; i < p->n_records; i++) {
		struct record *r = &p->records[i];

		/* Nothing was published and so nothing used: tried again and
		 * again, a full disk must not use keys up.  Whatever the disk
		 * got of this is only further on. */
		if (err < 0 && r->attached)
			r->number = r->before;
		r->attached = false;
	}
	if (err < 0)
		p->starts--;
	return err;
}

void
persist_detach(struct persist *p, const struct store *s, uint32_t slot)
{
	for (size_t i = 0; i < p->n_records; i++) {
		struct record *r = &p->records[i];
		const struct sa *sa;

		if (r->slot != slot)
			continue;
		/* Outbound, all that was reserved counts as used. */
		sa = record_sa(r, s);
		if (sa != NULL && !r->outbound &&
		    atomic_load(&sa->replay_edge) > r->number)
			r->number = atomic_load(&sa->replay_edge);
		r->slot = NO_SLOT;
	}
}

/* Sets `wanted` of every record in use; true if one moves. */
static bool
look_at(struct persist *p, const struct store *s, bool edges)
{
	bool moves = false;

	want_same(p);
	for (size_t i = 0; i < p->n_records; i++) {
		struct record *r = &p->records[i];
		const struct sa *sa = record_sa(r, s);
		uint64_t seen;

		if (sa == NULL)
			continue;
		if (r->outbound) {
			seen = atomic_load(&sa->seq_next);
			if (seen + PERSIST_BLOCK / 2 > r->number)
				r->wanted = next_limit(sa, r->number);
		} else if (edges) {
			seen = atomic_load(&sa->replay_edge);
			if (seen > r->number)
				r->wanted = seen;
		}
		if (record_sa(r, s) == NULL)
			r->wanted = r->number;
		moves |= r->wanted != r->number;
	}
	return moves;
}

int
persist_tick(struct persist *p, const struct store *s, uint64_t now_ms)
{
	bool edges = now_ms - p->edges_ms >= PERSIST_EDGE_MS;
	int err;

	if (edges)
		p->edges_ms = now_ms;
	if (!look_at(p, s, edges))
		return 0;
	err = write_state(p, false);
	if (err < 0)
		return err;
	for (size_t i = 0; i < p->n_records; i++) {
		struct record *r = &p->records[i];
		struct sa *sa = record_sa(r, s);
		uint64_t limit;

		if (sa == NULL || !r->outbound)
			continue;
		/* Only grows; not the next SA's of a slot just freed. */
		limit = atomic_load(&sa->seq_limit);
		if (limit < r->number && r->number - limit <= PERSIST_BLOCK &&
		    record_sa(r, s) != NULL)
			atomic_compare_exchange_strong(&sa->seq_limit, &limit,
						       r->number);
	}
	return 0;
}

int
persist_close(struct persist *p, const struct store *s)
{
	if (p->damaged || p->starts == 0)
		return 0; /* no manual key was ever used */
	want_same(p);
	for (size_t i = 0; i < p->n_records; i++) {
		struct record *r = &p->records[i];
		const struct sa *sa = record_sa(r, s);
		uint64_t next;

		if (sa == NULL)
			continue;
		if (r->outbound) {
			next = atomic_load(&sa->seq_next);
			if (next < r->number)
				r->wanted = next;
		} else if (atomic_load(&sa->replay_edge) > r->number) {
			r->wanted = atomic_load(&sa->replay_edge);
		}
	}
	return write_state(p, true);
}
