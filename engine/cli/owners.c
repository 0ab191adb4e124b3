/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cli/owners.h"

static int
add(struct owners *o, const struct owner *one)
{
	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 256 : 2 * o->cap;
		struct owner *more = reallocarray(o->at, cap, sizeof(*more));

		if (more == NULL)
			return -ENOMEM;
		o->at = more;
		o->cap = cap;
	}
	o->at[o->n++] = *one;
	return 0;
}

static void
read_command(int dir, char command[32])
{
	int fd = openat(dir, "comm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, command, 31);

	if (fd >= 0)
		close(fd);
	command[n < 0 ? 0 : n] = '\0';
	for (char *c = command; *c != '\0'; c++) {
		if (*c == '\n')
			*c = '\0';
		else if (!isprint((unsigned char)*c))
			*c = '?';
	}
}

/* The sockets among a process's descriptors. */
static int
look_into(struct owners *o, int proc, const char *name)
{
	struct owner one = { .pid = atoi(name) };
	const struct dirent *e;
	int dir, fds, err = 0;
	DIR *list;

	dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0; /* ended */
	fds = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fds < 0 ? NULL : fdopendir(fds);
	if (list == NULL && fds >= 0)
		close(fds);
	read_command(dir, one.command);
	while (list != NULL && err == 0 && (e = readdir(list)) != NULL) {
		char to[64];
		ssize_t n = readlinkat(fds, e->d_name, to, sizeof(to) - 1);

		if (n < 0)
			continue;
		to[n] = '\0';
		if (sscanf(to, "socket:[%u]", &one.inode) != 1)
			continue;
		one.fd = atoi(e->d_name);
		err = add(o, &one);
	}
	if (list != NULL)
		closedir(list);
	close(dir);
	return err;
}

static int
compare(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

int
owners_find(struct owners *o)
{
	const struct dirent *e;
	DIR *proc = opendir("/proc");
	int err = 0;

	*o = (struct owners){ 0 };
	if (proc == NULL)
		return -errno;
	while (err == 0 && (e = readdir(proc)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			err = look_into(o, dirfd(proc), e->d_name);
	closedir(proc);
	if (o->n != 0)
		qsort(o->at, o->n, sizeof(*o->at), compare);
	return err;
}

void
owners_free(struct owners *o)
{
	free(o->at);
	*o = (struct owners){ 0 };
}

struct owner *
owners_of(const struct owners *o, uint32_t inode, size_t *n)
{
	size_t low = 0, high = o->n;

	*n = 0;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (o->at[mid].inode < inode)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + *n < o->n && o->at[low + *n].inode == inode)
		++*n;
	return inode == 0 || *n == 0 ? NULL : &o->at[low];
}
