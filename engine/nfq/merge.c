/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/nfq/merge.h"
#include "engine/path/locals.h"

bool
merge_begin(struct merge *g, const struct store_head *h,
	    const struct nlq_msg *m, const struct path_result *r,
	    uint8_t *octets)
{
	if (r->action != PATH_REPLACE ||
	    !tcpmerge_begin(&g->tcp, octets, r->len) ||
	    !locals_has(h, &g->tcp.ip, &g->tcp.tcp))
		return false;
	g->is_open = true;
	g->first = g->last = m->id;
	g->in = m->pkt.in;
	g->mark = r->mark;
	g->spi = r->about.spi;
	g->protocol = r->about.protocol;
	return true;
}

bool
merge_add(struct merge *g, const struct nlq_msg *m, const struct path_result *r,
	  const uint8_t *octets)
{
	if (r->action != PATH_REPLACE || m->id != g->last + 1 ||
	    m->pkt.in != g->in || r->mark != g->mark ||
	    r->about.spi != g->spi || r->about.protocol != g->protocol ||
	    !tcpmerge_add(&g->tcp, octets, r->len))
		return false;
	g->last = m->id;
	return true;
}

unsigned
merge_close(struct merge *g, struct nlq_verdict *v)
{
	unsigned added;

	if (!g->is_open)
		return 0;
	g->is_open = false;
	added = g->tcp.parts - 1;
	nlq_verdict_replace(v, g->first, g->mark, tcpmerge_end(&g->tcp));
	if (added != 0) {
		/* All that waits up to there: the kernel judges in order. */
		nlq_verdict_drop_upto(v, g->last);
		v->count += added;
	}
	return added;
}
