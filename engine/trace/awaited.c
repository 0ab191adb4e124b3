/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/awaited.h"

#include <limits.h>
#include <string.h>

static struct awaited_one *
find(struct awaited *a, const struct awaited_sent *sent)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->one[i].sent.said == sent->said &&
		    ipaddr_equal(&a->one[i].sent.peer, &sent->peer))
			return &a->one[i];
	return NULL;
}

void
awaited_left(struct awaited *a, const struct awaited_sent *sent)
{
	struct awaited_one *one = find(a, sent);

	if (one == NULL) {
		if (a->n == AWAITED_MAX) {
			memmove(a->one, a->one + 1,
				(AWAITED_MAX - 1) * sizeof(a->one[0]));
			a->n--;
		}
		one = &a->one[a->n++];
		*one = (struct awaited_one){ .told = false };
	}
	/* The first of several is who waits longest. */
	if (one->waits)
		return;
	one->sent = *sent;
	one->waits = true;
}

bool
awaited_due(struct awaited *a, uint64_t now_ms, struct awaited_sent *out)
{
	for (size_t i = 0; i < a->n; i++) {
		struct awaited_one *one = &a->one[i];

		if (!one->waits || now_ms < one->sent.left_ms + AWAITED_WAIT_MS)
			continue;
		one->waits = false;
		*out = one->sent;
		return true;
	}
	return false;
}

bool
awaited_silent(struct awaited *a, const struct awaited_sent *sent,
	       uint64_t heard_ms)
{
	struct awaited_one *one = find(a, sent);
	bool silent = heard_ms + AWAITED_SLACK_MS < sent->left_ms;
	bool news;

	if (one == NULL)
		return silent;
	news = silent && !one->told;
	one->told = silent;
	return news;
}

int
awaited_wait_ms(const struct awaited *a, uint64_t now_ms)
{
	uint64_t first = 0;

	for (size_t i = 0; i < a->n; i++) {
		const struct awaited_one *one = &a->one[i];
		uint64_t due = one->sent.left_ms + AWAITED_WAIT_MS;

		if (one->waits && (first == 0 || due < first))
			first = due;
	}
	if (first == 0)
		return -1;
	if (first <= now_ms)
		return 0;
	return first - now_ms < INT_MAX ? (int)(first - now_ms) : INT_MAX;
}
