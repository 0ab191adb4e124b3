/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is opened as a source, and is none. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "entropyd/nature.h"

static enum nature
of(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum nature nature;

	cr_assert_geq(fd, 0, "%s", path);
	nature = nature_of(fd);
	close(fd);
	return nature;
}

Test(nature, the_kernels_generator_is_no_noise)
{
	cr_assert_eq(of("/dev/random"), NATURE_KERNEL);
	cr_assert_eq(of("/dev/urandom"), NATURE_KERNEL);
	cr_assert_eq(of("/proc/sys/kernel/random/uuid"), NATURE_KERNEL);
	cr_assert_eq(of("/dev/zero"), NATURE_KERNEL);
}

Test(nature, no_other_name_hides_it)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/nature.%d", (int)getpid());
	cr_assert_eq(symlink("/dev/urandom", path), 0);
	cr_assert_eq(of(path), NATURE_KERNEL);
	unlink(path);
	/* a node of one's own, where that may be made and opened */
	if (mknod(path, S_IFCHR | 0600, (dev_t)(1 << 8 | 9)) == 0 &&
	    access(path, R_OK) == 0) {
		int fd = open(path, O_RDONLY);

		if (fd >= 0) {
			cr_assert_eq(nature_of(fd), NATURE_KERNEL);
			close(fd);
		}
	}
	unlink(path);
}

Test(nature, what_is_stored_is_no_noise)
{
	char path[] = "/tmp/nature.XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(nature_of(fd), NATURE_STORED); /* also an empty one */
	cr_assert_eq(write(fd, "entropy!", 8), 8);
	cr_assert_eq(nature_of(fd), NATURE_STORED);
	close(fd);
	unlink(path);
	cr_assert_eq(of("/tmp"), NATURE_STORED);
	cr_assert_eq(nature_of(-1), NATURE_STORED);
}

Test(nature, a_pipe_and_a_device_may_be_noise)
{
	int fds[2];
	int terminal = posix_openpt(O_RDWR | O_NOCTTY);

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(nature_of(fds[0]), NATURE_NOISE);
	close(fds[0]);
	close(fds[1]);
	if (terminal >= 0) { /* any device that is none of the kernel's */
		cr_assert_eq(nature_of(terminal), NATURE_NOISE);
		close(terminal);
	}
}

Test(nature, has_words_for_each)
{
	for (int i = NATURE_NOISE; i <= NATURE_STORED; i++)
		for (int k = NATURE_NOISE; k < i; k++)
			cr_assert_str_neq(nature_text((enum nature)i),
					  nature_text((enum nature)k));
}
