/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/ctl/nfqueue.h"

/*
 * Columns as in the kernel's seq_show of nfnetlink_queue.c: queue number,
 * port id, queue total, copy mode, copy range, dropped by the queue, dropped
 * by the socket, id sequence, 1.
 */
static int
parse_line(const char *line, struct nfqueue_row *row)
{
	unsigned long dropped, user;

	if (sscanf(line, "%u %*u %u %*u %*u %lu %lu %u", &row->number,
		   &row->length, &dropped, &user, &row->last_id) != 5)
		return 0;
	row->kernel_drops = dropped;
	row->user_drops = user;
	return 1;
}

unsigned
nfqueue_parse(const char *text, size_t len, struct nfqueue_row *rows,
	      unsigned max)
{
	unsigned n = 0;
	char line[128];

	while (len != 0 && n < max) {
		const char *nl = memchr(text, '\n', len);
		size_t octets = nl == NULL ? len : (size_t)(nl - text);

		if (octets < sizeof(line)) {
			memcpy(line, text, octets);
			line[octets] = '\0';
			n += (unsigned)parse_line(line, &rows[n]);
		}
		if (nl != NULL)
			octets++;
		text += octets;
		len -= octets;
	}
	return n;
}

unsigned
nfqueue_read(int fd, struct nfqueue_row *rows, unsigned max)
{
	char text[8192];
	size_t len = 0;
	ssize_t got;

	if (fd < 0)
		return 0;
	while (len < sizeof(text)) {
		got = pread(fd, text + len, sizeof(text) - len, (off_t)len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	return nfqueue_parse(text, len, rows, max);
}
