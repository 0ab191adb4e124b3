/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a supervisor leaves its successor: taken whole or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/divert/heirloom.h"

static const uint32_t uids[] = { 998, 4303 };
static const struct heirloom good = {
	.magic = HEIRLOOM_MAGIC,
	.layout = HEIRLOOM_LAYOUT,
	.workers = 3,
	.n_uids = 2,
	.main_octets = 4,
	.guard_octets = 5,
};

static int
back(const struct heirloom *h, long cut)
{
	struct heirloom got;
	uint32_t *u;
	char *main, *guard;
	int fd = -1, r;

	cr_assert_eq(heirloom_write(h, uids, "main", "guard", &fd), 0);
	if (cut > 0)
		cr_assert_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - cut), 0);
	r = heirloom_read(fd, &got, &u, &main, &guard);
	close(fd);
	if (r == 0) {
		cr_expect_eq(memcmp(&got, h, sizeof(got)), 0);
		cr_expect_eq(memcmp(u, uids, sizeof(uids)), 0);
		cr_expect_str_eq(main, "main");
		cr_expect_str_eq(guard, "guard");
	} else {
		cr_expect_null(u);
		cr_expect_null(main);
		cr_expect_null(guard);
	}
	free(u);
	free(main);
	free(guard);
	return r;
}

Test(heirloom, comes_back_as_it_was)
{
	cr_expect_eq(back(&good, 0), 0);
}

Test(heirloom, cut_anywhere_is_refused)
{
	for (long cut = 1; cut <= (long)sizeof(good) + 17; cut++)
		cr_expect_eq(back(&good, cut), -EPROTO, "%ld", cut);
}

Test(heirloom, another_layout_is_refused)
{
	struct heirloom h = good;

	h.layout++;
	cr_expect_eq(back(&h, 0), -EPROTO);
	h = good;
	h.magic ^= 1;
	cr_expect_eq(back(&h, 0), -EPROTO);
}

Test(heirloom, lengths_that_lie_are_refused)
{
	struct heirloom h = good;
	struct heirloom got;
	uint32_t *u;
	char *main, *guard;
	int fd = -1;

	cr_assert_eq(heirloom_write(&good, uids, "main", "guard", &fd), 0);
	h.guard_octets = UINT32_MAX;
	cr_assert_eq(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	cr_expect_eq(heirloom_read(fd, &got, &u, &main, &guard), -EPROTO);
	close(fd);
}

Test(heirloom, written_anew_in_its_place)
{
	struct heirloom h = good, got;
	uint32_t *u;
	char *main, *guard;
	int fd = -1, same;

	cr_assert_eq(heirloom_write(&good, uids, "main", "guard", &fd), 0);
	same = fd;
	h.n_uids = 1;
	h.main_octets = 1;
	cr_assert_eq(heirloom_write(&h, uids, "m", "guard", &fd), 0);
	cr_expect_eq(fd, same);
	cr_assert_eq(heirloom_read(fd, &got, &u, &main, &guard), 0);
	cr_expect_str_eq(main, "m");
	cr_expect_str_eq(guard, "guard");
	free(u);
	free(main);
	free(guard);
	close(fd);
}
