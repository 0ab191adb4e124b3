/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/sysctls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static const struct {
	const char *path;
	bool optional; /* a kernel without IPv6 has none */
} switches[SYSCTLS] = {
	{ "/proc/sys/net/ipv4/tcp_fwmark_accept", false },
	{ "/proc/sys/net/ipv4/fwmark_reflect", false },
	{ "/proc/sys/net/ipv6/fwmark_reflect", true },
};

static int
read_switch(const char *path, int *value)
{
	char text[16];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	text[n] = '\0';
	*value = atoi(text);
	return 0;
}

static int
write_switch(const char *path, int value)
{
	char text[16];
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = 0;
	int len = snprintf(text, sizeof(text), "%d\n", value);

	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)len) != len)
		r = -errno;
	close(fd);
	return r;
}

void
sysctls_init(struct sysctls *s)
{
	for (int i = 0; i < SYSCTLS; i++)
		s->before[i] = -1;
}

bool
sysctls_accept_is_others(const struct sysctls *s)
{
	int value = 0;

	return s->before[0] < 0 && read_switch(switches[0].path, &value) == 0 &&
	       value == 1;
}

int
sysctls_set(struct sysctls *s, struct table_why *why)
{
	int value = 0, r;

	for (int i = 0; i < SYSCTLS; i++) {
		const char *path = switches[i].path;

		r = read_switch(path, &value);
		if (r == -ENOENT && switches[i].optional)
			continue;
		if (r == 0 && value == 1)
			continue;
		if (r == 0)
			r = write_switch(path, 1);
		if (r != 0) {
			table_why_set(why, "%s has to be 1: %s", path,
				      strerror(-r));
			sysctls_restore(s);
			return r;
		}
		if (s->before[i] < 0)
			s->before[i] = value;
	}
	return 0;
}

void
sysctls_restore(struct sysctls *s)
{
	for (int i = 0; i < SYSCTLS; i++) {
		int r;

		if (s->before[i] < 0)
			continue;
		r = write_switch(switches[i].path, s->before[i]);
		if (r != 0)
			log_warnx("%s: not set back to %d: %s",
				  switches[i].path, s->before[i], strerror(-r));
		s->before[i] = -1;
	}
}
