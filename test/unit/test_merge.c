/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on segments that arrive as one. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>

#include "engine/nfq/merge.h"
#include "engine/path/locals.h"
#include "test/lib/segment.h"

#define MARK 0xab000100u
enum { BUFFER = 65536 };

static uint8_t buf[BUFFER], payload[4096], part[BUFFER];
static struct store store;

static struct path_result
opened(size_t len)
{
	return (struct path_result){
		.action = PATH_REPLACE,
		.mark = MARK,
		.len = len,
		.about = { .protocol = SA_ESP, .spi = 0x1001 },
	};
}

static struct nlq_msg
msg(uint32_t id)
{
	return (
	    struct nlq_msg){ .kind = NLQ_PACKET, .id = id, .pkt = { .in = 2 } };
}

static void
setup(void)
{
	struct ip4 ip = { .src = pair_addr(PAIR_B), .dst = pair_addr(PAIR_A) };
	struct tcp tcp = { .sport = 80, .dport = 40000 };

	cr_assert_eq(store_create(&store, 4, 1), 0);
	locals_see(store.head, &ip, &tcp, true);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
}

static size_t
make(uint8_t *out, unsigned n)
{
	struct segment s = segment_data(1000 + 100 * n);

	return segment_make(out, BUFFER, &s, payload + 100 * n, 100);
}

/* Number 5 in the verdicts, open. */
static struct merge
begin(struct nlq_verdict *v)
{
	struct merge g = { 0 };
	struct nlq_msg m = msg(5);
	struct path_result r;
	uint8_t *at;
	size_t cap;

	nlq_verdict_init(v, buf, sizeof(buf), 4335);
	nlq_verdict_drop(v, 4);
	at = nlq_verdict_open(v, &cap);
	r = opened(make(at, 0));
	cr_assert(merge_begin(&g, store.head, &m, &r, at));
	cr_assert(g.is_open);
	return g;
}

static bool
add(struct merge *g, unsigned n)
{
	struct nlq_msg m = msg(5 + n);
	struct path_result r = opened(make(part, n));

	return merge_add(g, &m, &r, part);
}

static uint32_t
verdict_of(const uint8_t *at, uint16_t *type, uint32_t *id)
{
	struct nfqnl_msg_verdict_hdr h;
	struct nlmsghdr nl;

	memcpy(&nl, at, sizeof(nl));
	memcpy(&h, at + sizeof(nl) + sizeof(struct nfgenmsg) + NLA_HDRLEN,
	       sizeof(h));
	*type = nl.nlmsg_type & 0xff;
	*id = ntohl(h.id);
	return ntohl(h.verdict);
}

Test(merge, one_in_and_the_rest_dropped, .init = setup)
{
	struct nlq_verdict v;
	struct merge g = begin(&v);
	const uint8_t *at;
	size_t pos = 0, len;
	uint32_t id, seq;
	uint16_t type;

	for (unsigned n = 1; n <= 9; n++)
		cr_assert(add(&g, n));
	cr_assert_eq(merge_close(&g, &v), 9u);
	cr_assert_not(g.is_open);
	cr_assert_eq(v.count, 11u); /* and number 4 */
	cr_assert_gt(nlq_verdict_next(&v, &pos, &at, &seq), 0u);
	len = nlq_verdict_next(&v, &pos, &at, &seq);
	cr_assert_eq(verdict_of(at, &type, &id), NF_ACCEPT);
	cr_assert_eq(type, NFQNL_MSG_VERDICT);
	cr_assert_eq(id, 5u);
	/* 32 and 8 of headers, 4 before the payload; 52 and 1000 */
	cr_assert_eq(len, 44u + 1052);
	cr_assert(segment_is_summed(at + 44, 1052));
	cr_assert_eq(memcmp(at + 44 + 52, payload, 1000), 0);
	cr_assert_gt(nlq_verdict_next(&v, &pos, &at, &seq), 0u);
	cr_assert_eq(verdict_of(at, &type, &id), NF_DROP);
	cr_assert_eq(type, NFQNL_MSG_VERDICT_BATCH);
	cr_assert_eq(id, 14u);
	/* the kernel's "there is none" is nobody's fault */
	cr_assert_eq(seq, 0u);
	cr_assert_eq(nlq_verdict_next(&v, &pos, &at, &seq), 0u);
	cr_assert_eq(merge_close(&g, &v), 0u);
	cr_assert_eq(v.count, 11u);
	store_unmap(&store);
}

/* One that stays alone is an ordinary verdict. */
Test(merge, alone, .init = setup)
{
	struct nlq_verdict v;
	struct merge g = begin(&v);
	const uint8_t *at;
	size_t pos = 0;
	uint32_t seq;

	cr_assert_not(add(&g, 2)); /* and its id is not the next */
	cr_assert_eq(merge_close(&g, &v), 0u);
	cr_assert_gt(nlq_verdict_next(&v, &pos, &at, &seq), 0u);
	cr_assert_eq(nlq_verdict_next(&v, &pos, &at, &seq), 44u + 152);
	cr_assert_eq(seq, 5u);
	cr_assert_eq(nlq_verdict_next(&v, &pos, &at, &seq), 0u);
	store_unmap(&store);
}

/* Another SA, another way in, another mark, a packet between: all the octets
 * would fit. */
Test(merge, differences, .init = setup)
{
	struct nlq_verdict v;
	struct merge g = begin(&v);
	struct nlq_msg m = msg(6), other;
	struct path_result r = opened(make(part, 1)), bad;

	bad = r;
	bad.about.spi++;
	cr_assert_not(merge_add(&g, &m, &bad, part));
	bad = r;
	bad.about.protocol = SA_AH;
	cr_assert_not(merge_add(&g, &m, &bad, part));
	bad = r;
	bad.mark++;
	cr_assert_not(merge_add(&g, &m, &bad, part));
	bad = r;
	bad.action = PATH_DROP;
	cr_assert_not(merge_add(&g, &m, &bad, part));
	other = m;
	other.pkt.in++;
	cr_assert_not(merge_add(&g, &other, &r, part));
	other = m;
	other.id++;
	cr_assert_not(merge_add(&g, &other, &r, part));
	cr_assert(merge_add(&g, &m, &r, part));
	store_unmap(&store);
}

/* What ends somewhere else keeps its size. */
Test(merge, forwarded, .init = setup)
{
	struct merge g = { 0 };
	struct nlq_msg m = msg(5);
	struct segment s = segment_data(1);
	struct path_result r;

	s.dport++;
	r = opened(segment_make(part, sizeof(part), &s, payload, 100));
	cr_assert_not(merge_begin(&g, store.head, &m, &r, part));
	s.dport--;
	r = opened(segment_make(part, sizeof(part), &s, payload, 100));
	r.action = PATH_ACCEPT;
	cr_assert_not(merge_begin(&g, store.head, &m, &r, part));
	r.action = PATH_DROP;
	cr_assert_not(merge_begin(&g, store.head, &m, &r, part));
	cr_assert_not(g.is_open);
	r.action = PATH_REPLACE;
	cr_assert(merge_begin(&g, store.head, &m, &r, part));
	store_unmap(&store);
}
