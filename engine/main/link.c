/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/main/link.h"

struct link_kept {
	struct link_kept *next;
	size_t len;
	uint8_t octets[];
};

void
link_init(struct link *l, int fd)
{
	*l = (struct link){ .fd = fd };
	l->last = &l->first;
}

void
link_fini(struct link *l)
{
	struct link_kept *k;

	while ((k = l->first) != NULL) {
		l->first = k->next;
		free(k);
	}
	if (l->fd >= 0)
		close(l->fd);
	link_init(l, -1);
}

/* Octets of a message that are sent: no union's unused rest. */
static size_t
message_octets(const struct link_message *m)
{
	switch ((enum link_type)m->type) {
	case LINK_FLOW:
		return offsetof(struct link_message, flow) + sizeof(m->flow);
	case LINK_DROP:
		return offsetof(struct link_message, drop) + sizeof(m->drop);
	case LINK_INSTANCE:
		return offsetof(struct link_message, instance) +
		       sizeof(m->instance);
	case LINK_RELOAD:
		return offsetof(struct link_message, reload) +
		       sizeof(m->reload);
	case LINK_RUN:
		return offsetof(struct link_message, run) + sizeof(m->run);
	case LINK_STARTED:
	case LINK_DISABLE:
	case LINK_EXPORT:
	case LINK_FLOWS:
	case LINK_RULE_DROPS:
	case LINK_TEXT:
	case LINK_END:
		break;
	}
	return offsetof(struct link_message, text) + m->len;
}

static int
keep(struct link *l, const void *octets, size_t len)
{
	struct link_kept *k;

	if (l->kept_octets + len > LINK_QUEUE_MAX)
		return -ENOBUFS;
	k = malloc(sizeof(*k) + len);
	if (k == NULL)
		return -ENOBUFS;
	k->next = NULL;
	k->len = len;
	memcpy(k->octets, octets, len);
	*l->last = k;
	l->last = &k->next;
	l->kept_octets += len;
	return 1;
}

int
link_send(struct link *l, const struct link_message *m)
{
	size_t len = message_octets(m);

	if (l->fd < 0)
		return -EPIPE;
	if (l->first == NULL) {
		if (send(l->fd, m, len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
			return -errno;
	}
	return keep(l, m, len);
}

int
link_flush(struct link *l)
{
	struct link_kept *k;

	while ((k = l->first) != NULL) {
		if (send(l->fd, k->octets, k->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return errno == EAGAIN || errno == ENOBUFS ||
				       errno == EINTR
				   ? 1
				   : -errno;
		l->first = k->next;
		if (l->first == NULL)
			l->last = &l->first;
		l->kept_octets -= k->len;
		free(k);
	}
	return 0;
}

int
link_read(struct link *l, struct link_message *m)
{
	ssize_t n;

	memset(m, 0, offsetof(struct link_message, text));
	n = recv(l->fd, m, sizeof(*m), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	if ((size_t)n < offsetof(struct link_message, text) ||
	    m->type < LINK_STARTED || m->type > LINK_END ||
	    m->len > sizeof(m->text) || message_octets(m) != (size_t)n)
		return -EBADMSG;
	return 1;
}
