/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wholefile.h"
#include "engine/main/saidbook.h"

static char dir[] = "/tmp/test_saidbook.XXXXXX";
static struct saidbook_line *lines;
static size_t n;

static void
begin(void)
{
	cr_assert(mkdtemp(dir) != NULL);
}

static void
end(void)
{
	free(lines);
	cr_expect_eq(wholefile_forget(dir, SAIDBOOK_FILE), 0);
	cr_expect_eq(rmdir(dir), 0);
}

TestSuite(saidbook, .init = begin, .fini = end);

static size_t
load(void)
{
	free(lines);
	cr_assert_eq(saidbook_load(dir, &lines, &n), 0);
	return n;
}

Test(saidbook, gives_back_what_it_was_given)
{
	struct saidbook_line three[] = { { 0x100, "link", "" },
					 { 0x300, "a-b.c_d@0x300",
					   "alice/at work@EXAMPLE.COM" },
					 { 0xffffffff, "", "" } };

	memset(three[2].name, 'x', POLICY_NAME_MAX);
	memset(three[2].principal, 'y', sizeof(three[2].principal) - 1);
	cr_assert_eq(load(), 0u, "no file is no error");
	cr_assert_eq(saidbook_save(dir, three, 3), 0);
	cr_assert_eq(load(), 3u);
	for (unsigned i = 0; i < 3; i++) {
		cr_expect_eq(lines[i].said, three[i].said);
		cr_expect_str_eq(lines[i].name, three[i].name);
		cr_expect_str_eq(lines[i].principal, three[i].principal);
	}
	cr_assert_eq(saidbook_save(dir, three, 1), 0);
	cr_assert_eq(load(), 1u);
	cr_assert_eq(saidbook_save(dir, NULL, 0), 0);
	cr_assert_eq(load(), 0u);
}

/* Sockets do not outlive a boot, and so do their SAIDs' names. */
Test(saidbook, of_another_boot_is_nothing)
{
	static const char *const others[] = {
		"boot 00000000-0000-0000-0000-000000000000\n0x100 link\n",
		"boot\n0x100 link\n",
		"0x100 link\n",
		"\n",
		"",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		cr_assert_eq(wholefile_save(dir, SAIDBOOK_FILE, others[i]), 0);
		cr_expect_eq(load(), 0u, "%s", others[i]);
	}
}

Test(saidbook, leaves_out_lines_that_are_none)
{
	struct saidbook_line one = { 0x100, "link", "" };
	char *text, all[1024];

	cr_assert_eq(saidbook_save(dir, &one, 1), 0);
	cr_assert_eq(wholefile_read(dir, SAIDBOOK_FILE, 999, &text), 0);
	(void)snprintf(all, sizeof(all),
		       "%sno line\n0xzz name\n0x101\n\n0x102 other\n", text);
	free(text);
	cr_assert_eq(wholefile_save(dir, SAIDBOOK_FILE, all), 0);
	cr_assert_eq(load(), 2u);
	cr_assert_eq(lines[1].said, 0x102u);
	cr_assert_str_eq(lines[1].name, "other");
}

Test(saidbook, a_folder_that_is_none)
{
	char *text;

	cr_assert_eq(saidbook_save("/nonexistent", NULL, 0), -ENOENT);
	cr_assert_eq(wholefile_read(dir, SAIDBOOK_FILE, 9, &text), -ENOENT);
	cr_assert_eq(wholefile_save(dir, SAIDBOOK_FILE, "0123456789"), 0);
	cr_assert_eq(wholefile_read(dir, SAIDBOOK_FILE, 9, &text), -EBADMSG);
}
