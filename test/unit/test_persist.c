/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>

#include "engine/sa/replay.h"
#include "test/unit/persistbox.h"

TestSuite(persist, .fini = clean);

Test(persist, starts_at_one_and_goes_on_exactly)
{
	struct life l = begin();
	uint64_t iv1, iv2;

	cr_assert_eq(take(&l), 1u);
	cr_assert_eq(take(&l), 2u);
	cr_assert(seq_iv_counter(out(&l), 2, &iv1));
	stop(&l);
	l = begin();
	cr_assert_eq(take(&l), 3u);
	cr_assert(seq_iv_counter(out(&l), 3, &iv2));
	cr_assert_eq(iv1 >> SA_IV_LOW_BITS, 1u);
	cr_assert_eq(iv2 >> SA_IV_LOW_BITS, 2u);
	stop(&l);
}

Test(persist, a_crash_skips_what_was_reserved)
{
	struct life l = begin();
	uint64_t limit = atomic_load(&out(&l)->seq_limit);

	cr_assert_eq(limit, 1 + PERSIST_BLOCK);
	take(&l);
	cut(&l);
	l = begin();
	cr_assert_geq(take(&l), limit);
	cut(&l);
}

Test(persist, limit_moves_after_the_disk_does)
{
	struct life l = begin();
	uint64_t limit = atomic_load(&out(&l)->seq_limit), first;
	unsigned writes = disk.writes;

	cr_assert_eq(persist_tick(l.p, &l.store, 100), 0);
	cr_assert_eq(disk.writes, writes, "nothing moved");
	cr_assert(seq_take(out(&l), (uint32_t)PERSIST_BLOCK / 2 + 2, &first));
	disk.full = true;
	cr_assert_eq(persist_tick(l.p, &l.store, 200), -ENOSPC);
	cr_assert_eq(atomic_load(&out(&l)->seq_limit), limit);
	/* what is reserved is used up, then nothing goes */
	cr_assert(seq_take(out(&l), (uint32_t)PERSIST_BLOCK / 2 - 2, &first));
	cr_assert_eq(take(&l), 0u);
	disk.full = false;
	cr_assert_eq(persist_tick(l.p, &l.store, 300), 0);
	cr_assert_eq(atomic_load(&out(&l)->seq_limit), limit + PERSIST_BLOCK);
	cr_assert_gt(take(&l), limit - 1);
	cut(&l);
}

Test(persist, full_disk_at_start_starts_nothing)
{
	struct life l;

	disk.full = true;
	cr_assert_eq(try_begin(&l), -ENOSPC);
	cut(&l);
	disk.full = false;
	l = begin();
	cr_assert_eq(take(&l), 1u);
	cut(&l);
}

/* nfipsecd tries once a second for as long as the disk is full. */
Test(persist, trying_in_vain_uses_nothing_up)
{
	struct life l;
	uint64_t iv;

	l = begin();
	cut(&l);
	disk.full = true;
	cr_assert_eq(try_begin(&l), -ENOSPC);
	for (int i = 0; i < 5000; i++) {
		persist_detach(l.p, &l.store, l.out);
		cr_assert_eq(persist_attach(l.p, &l.store, l.out), 0);
		cr_assert_eq(persist_sync(l.p), -ENOSPC);
	}
	disk.full = false;
	persist_detach(l.p, &l.store, l.out);
	cr_assert_eq(persist_attach(l.p, &l.store, l.out), 0);
	cr_assert_eq(persist_sync(l.p), 0);
	store_publish(&l.store, l.out);
	cr_assert_lt(take(&l), 4 * PERSIST_BLOCK);
	cr_assert(seq_iv_counter(out(&l), out(&l)->seq_base, &iv));
	cr_assert_eq(iv >> SA_IV_LOW_BITS, 2u);
	cut(&l);
}

/* Two would count the same start twice. */
Test(persist, one_process_a_directory)
{
	struct persist *second;
	struct life l = begin();

	cr_assert_eq(persist_open(&second, state_dir(), &fake), -EBUSY);
	cut(&l);
	cr_assert_eq(persist_open(&second, state_dir(), &fake), 0);
	persist_free(second);
}

Test(persist, right_edge_counts_as_seen)
{
	struct life l = begin();
	struct sa *sa = store_sa(&l.store, l.in);
	struct replay r = replay_make(sa, store_replay(&l.store, sa));

	cr_assert_eq(replay_commit(&r, 500), REPLAY_OK);
	cr_assert_eq(persist_tick(l.p, &l.store, 1000), 0);
	cr_assert_eq(replay_commit(&r, 510), REPLAY_OK);
	cr_assert_eq(persist_tick(l.p, &l.store, 1100), 0);
	cut(&l); /* the 510 is 100 ms young: within the bound */
	l = begin();
	sa = store_sa(&l.store, l.in);
	r = replay_make(sa, store_replay(&l.store, sa));
	cr_assert_neq(replay_check(&r, 499), REPLAY_OK);
	cr_assert_neq(replay_check(&r, 500), REPLAY_OK);
	cr_assert_eq(replay_commit(&r, 510), REPLAY_OK);
	stop(&l);
	l = begin();
	sa = store_sa(&l.store, l.in);
	r = replay_make(sa, store_replay(&l.store, sa));
	cr_assert_neq(replay_check(&r, 510), REPLAY_OK);
	cr_assert_eq(replay_check(&r, 511), REPLAY_OK);
	cut(&l);
}

Test(persist, counter_ends_without_esn)
{
	struct life l = begin();
	uint32_t slot = add(&l, SA_OUT, 0x2001, false);
	struct sa *sa = store_sa(&l.store, slot);

	cr_assert_eq(persist_attach(l.p, &l.store, slot), 0);
	cr_assert_eq(persist_sync(l.p), 0);
	store_publish(&l.store, slot);
	for (uint64_t end = (uint64_t)1 << 32;;) {
		uint64_t limit = atomic_load(&sa->seq_limit);

		cr_assert_leq(limit, end);
		if (limit == end)
			break;
		atomic_store(&sa->seq_next, limit - 1);
		cr_assert_eq(persist_tick(l.p, &l.store, 0), 0);
		cr_assert_gt(atomic_load(&sa->seq_limit), limit);
	}
	atomic_store(&sa->seq_next, ((uint64_t)1 << 32) - 1);
	cr_assert_eq(persist_tick(l.p, &l.store, 0), 0);
	cr_assert_eq(atomic_load(&sa->seq_limit), (uint64_t)1 << 32);
	cut(&l);
	l = begin();
	slot = add(&l, SA_OUT, 0x2001, false);
	cr_assert_eq(persist_attach(l.p, &l.store, slot), -EOVERFLOW);
	cut(&l);
}

/* Another SPI for the same key: its IVs must not start again. */
Test(persist, new_spi_new_ivs)
{
	struct life l = begin();
	uint64_t iv1 = out(&l)->iv_start;
	uint32_t slot = add(&l, SA_OUT, 0x3001, true);

	cr_assert_eq(persist_attach(l.p, &l.store, slot), 0);
	cr_assert_eq(persist_sync(l.p), 0);
	cr_assert_neq(store_sa(&l.store, slot)->iv_start, iv1);
	cut(&l);
}

/* The configuration changed the SA but not its key. */
Test(persist, same_key_again_in_one_life)
{
	struct life l = begin();
	uint64_t iv1 = out(&l)->iv_start;
	uint64_t limit = atomic_load(&out(&l)->seq_limit), first;
	uint32_t slot;

	take(&l);
	persist_detach(l.p, &l.store, l.out);
	slot = add(&l, SA_OUT, 0x1001, true);
	cr_assert_eq(persist_attach(l.p, &l.store, slot), 0);
	cr_assert_eq(persist_sync(l.p), 0);
	cr_assert(seq_take(store_sa(&l.store, slot), 1, &first));
	cr_assert_geq(first, limit);
	cr_assert_neq(store_sa(&l.store, slot)->iv_start, iv1);
	cut(&l);
}

/* Somebody deleted the SA and the slot holds another one now. */
Test(persist, leaves_other_sas_alone)
{
	struct life l = begin();
	struct sa *sa = out(&l);
	uint32_t slot;

	cr_assert(store_kill(&l.store, l.out));
	store_release(&l.store, l.out);
	cr_assert_eq(store_claim(&l.store, 0, &slot), 0);
	cr_assert_eq(slot, l.out);
	sa->direction = SA_OUT;
	atomic_store(&sa->seq_next, 1 + PERSIST_BLOCK);
	atomic_store(&sa->seq_limit, 1 + PERSIST_BLOCK);
	store_publish(&l.store, slot);
	cr_assert_eq(persist_tick(l.p, &l.store, 100), 0);
	cr_assert_eq(atomic_load(&sa->seq_limit), 1 + PERSIST_BLOCK);
	cut(&l);
}

Test(persist, damaged_in_both_generations_is_refused)
{
	struct life l = begin();

	cut(&l);
	l = begin();
	cut(&l);
	disk_damage("manual.state");
	disk_damage("manual.state.old");
	cr_assert_eq(try_begin(&l), -EUCLEAN);
	cut(&l);
	disk_remove("manual.state");
	disk_remove("manual.state.old");
	cr_assert_eq(try_begin(&l), -EUCLEAN);
	cut(&l);
	/* the administrator's way out, with new keys */
	disk_remove("manual.starts");
	disk_remove("manual.starts.old");
	l = begin();
	cut(&l);
}

/* Any octet of either file wrong: seen, and the other generation serves. */
Test(persist, every_octet_is_covered)
{
	struct life l = begin();
	struct file *f;
	uint64_t limit;

	cut(&l);
	l = begin();
	limit = atomic_load(&out(&l)->seq_limit);
	cut(&l);
	f = disk_file("manual.state", false);
	for (size_t i = 0; i < f->len; i++) {
		struct persist *p;
		struct life again = { 0 };

		f->octets[i] ^= 0x80;
		cr_assert_eq(store_create(&again.store, 8, 1), 0);
		cr_assert_eq(persist_open(&p, state_dir(), &fake), 0);
		again.out = add(&again, SA_OUT, 0x1001, true);
		cr_assert_eq(persist_attach(p, &again.store, again.out), 0);
		cr_assert_geq(atomic_load(&out(&again)->seq_next), limit);
		persist_free(p);
		store_unmap(&again.store);
		f->octets[i] ^= 0x80;
	}
}

/* A successor has the predecessor's store: the disk may be behind. */
Test(persist, an_heir_goes_on_exactly)
{
	struct life l = begin();
	uint64_t iv1, iv2, first;
	struct persist *p;

	cr_assert(seq_take(out(&l), 70, &first));
	atomic_store(&store_sa(&l.store, l.in)->replay_edge, 4711);
	cr_assert(seq_iv_counter(out(&l), 70, &iv1));
	persist_free(l.p); /* killed */
	cr_assert_eq(persist_open(&p, state_dir(), &fake), 0);
	cr_assert_eq(persist_adopt(p, &l.store, l.out), 0);
	cr_assert_eq(persist_adopt(p, &l.store, l.in), 0);
	l.p = p;
	cr_assert_eq(take(&l), 0u, "nothing before the disk knows");
	cr_assert_eq(persist_tick(p, &l.store, 5000), 0);
	cr_assert_eq(take(&l), 71u, "no gap, no number twice");
	cr_assert(seq_iv_counter(out(&l), 71, &iv2));
	cr_assert_eq(iv2, iv1 + 1, "the same start");
	cr_assert_geq(atomic_load(&out(&l)->seq_limit), 72 + PERSIST_BLOCK / 2);
	/* What its own successor finds on the disk. */
	cut(&l);
	l = begin();
	cr_assert_geq(take(&l), 72u + PERSIST_BLOCK / 2);
	cr_assert(
	    seq_iv_counter(out(&l), atomic_load(&out(&l)->seq_next), &iv2));
	cr_assert_gt(iv2 >> SA_IV_LOW_BITS, iv1 >> SA_IV_LOW_BITS);
	cr_assert_geq(atomic_load(&store_sa(&l.store, l.in)->replay_edge),
		      4711u);
	cut(&l);
}

/* A state directory that went back in time, under a store that did not. */
Test(persist, an_heir_knows_the_last_start)
{
	struct life l = begin();
	struct persist *p;
	uint32_t slot;

	persist_free(l.p);
	disk_remove("manual.state");
	disk_remove("manual.starts");
	disk_remove("manual.state.old");
	disk_remove("manual.starts.old");
	cr_assert_eq(persist_open(&p, state_dir(), &fake), 0);
	cr_assert_eq(persist_adopt(p, &l.store, l.out), 0);
	l.p = p;
	slot = add(&l, SA_OUT, 0x3001, true);
	cr_assert_eq(persist_attach(p, &l.store, slot), 0);
	cr_assert_gt(store_sa(&l.store, slot)->iv_start, out(&l)->iv_start);
	cut(&l);
}

/* The real disk: generations, and a stop in the middle of a write. */
Test(persist, real_files)
{
	struct persist *p;
	char path[128], octets[8] = { 0 };
	int dir, fd;
	const struct persist_io *io = &persist_disk_io;

	cr_assert_eq(persist_open(&p, state_dir(), NULL), 0);
	persist_free(p);
	dir = open(state_dir(), O_RDONLY | O_DIRECTORY);
	cr_assert_eq(io->read(NULL, dir, "f", octets, 8), -ENOENT);
	cr_assert_eq(io->replace(NULL, dir, "f", "one", 3), 0);
	cr_assert_eq(io->replace(NULL, dir, "f", "two!", 4), 0);
	cr_assert_eq(io->read(NULL, dir, "f", octets, 8), 4);
	cr_assert_eq(memcmp(octets, "two!", 4), 0);
	cr_assert_eq(io->read(NULL, dir, "f.old", octets, 8), 3);
	cr_assert_eq(io->read(NULL, dir, "f", octets, 4), -EFBIG);
	snprintf(path, sizeof(path), "%s/f.new", state_dir());
	fd = open(path, O_WRONLY | O_CREAT, 0600); /* left half written */
	close(fd);
	cr_assert_eq(io->replace(NULL, dir, "f", "three", 5), 0);
	cr_assert_lt(access(path, F_OK), 0);
	unlinkat(dir, "f", 0);
	unlinkat(dir, "f.old", 0);
	close(dir);
}
