/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/nfq/nlq_verdict.h"

/* As it lies in the buffer; all parts are multiples of 4. */
struct head {
	struct nlmsghdr nl;
	struct nfgenmsg nfg;
	struct nlattr hdr_attr;
	struct nfqnl_msg_verdict_hdr hdr;
};
/* A replacing one goes on with these and the payload. */
struct tail {
	struct nlattr mark_attr;
	uint32_t mark_be;
	struct nlattr payload_attr;
};
_Static_assert(sizeof(struct head) == 32 && sizeof(struct tail) == 12,
	       "netlink messages have no holes");
_Static_assert(sizeof(struct head) + sizeof(struct tail) + NLA_ALIGNTO <=
		   NLQ_VERDICT_OCTETS,
	       "raise NLQ_VERDICT_OCTETS");

/* What an attribute's 16-bit length leaves for the payload. */
#define PAYLOAD_MAX (UINT16_MAX - sizeof(struct nlattr))

void
nlq_verdict_init(struct nlq_verdict *v, void *buf, size_t cap, uint16_t queue)
{
	*v = (struct nlq_verdict){ .buf = buf, .cap = cap, .queue = queue };
}

void
nlq_verdict_reset(struct nlq_verdict *v)
{
	v->len = 0;
	v->count = 0;
}

bool
nlq_verdict_fits(const struct nlq_verdict *v, size_t payload)
{
	return v->cap - v->len >= NLQ_VERDICT_OCTETS &&
	       v->cap - v->len - NLQ_VERDICT_OCTETS >= payload;
}

static void
put_head(struct nlq_verdict *v, uint16_t type, uint16_t flags, uint32_t id,
	 uint32_t verdict, size_t len)
{
	/* An answer is asked for by flag, and then, as to a batch verdict,
	 * "no such packet" is one: number 0, which no packet has. */
	bool named = type == NFQNL_MSG_VERDICT && flags == 0;
	struct head h = {
		.nl = { .nlmsg_len = (uint32_t)len,
			.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
			.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
			.nlmsg_seq = named ? id : 0 },
		.nfg = { .nfgen_family = AF_UNSPEC,
			 .version = NFNETLINK_V0,
			 .res_id = htons(v->queue) },
		.hdr_attr = { .nla_len = sizeof(h.hdr_attr) + sizeof(h.hdr),
			      .nla_type = NFQA_VERDICT_HDR },
		.hdr = { .verdict = htonl(verdict), .id = htonl(id) },
	};

	memcpy(v->buf + v->len, &h, sizeof(h));
}

static void
put_plain(struct nlq_verdict *v, uint16_t type, uint16_t flags, uint32_t id,
	  uint32_t verdict)
{
	put_head(v, type, flags, id, verdict, sizeof(struct head));
	v->len += sizeof(struct head);
}

void
nlq_verdict_drop(struct nlq_verdict *v, uint32_t id)
{
	put_plain(v, NFQNL_MSG_VERDICT, 0, id, NF_DROP);
	v->count++;
}

void
nlq_verdict_accept(struct nlq_verdict *v, uint32_t id)
{
	put_plain(v, NFQNL_MSG_VERDICT, 0, id, NF_ACCEPT);
	v->count++;
}

void
nlq_verdict_drop_asked(struct nlq_verdict *v, uint32_t id)
{
	put_plain(v, NFQNL_MSG_VERDICT, NLM_F_ACK, id, NF_DROP);
}

void
nlq_verdict_drop_upto(struct nlq_verdict *v, uint32_t id)
{
	put_plain(v, NFQNL_MSG_VERDICT_BATCH, 0, id, NF_DROP);
}

uint8_t *
nlq_verdict_open(const struct nlq_verdict *v, size_t *cap)
{
	size_t fixed = sizeof(struct head) + sizeof(struct tail);
	size_t left = v->cap - v->len;

	if (left < NLQ_VERDICT_OCTETS) {
		*cap = 0;
		return v->buf;
	}
	*cap = left - NLQ_VERDICT_OCTETS;
	if (*cap > PAYLOAD_MAX)
		*cap = PAYLOAD_MAX;
	return v->buf + v->len + fixed;
}

void
nlq_verdict_replace(struct nlq_verdict *v, uint32_t id, uint32_t mark,
		    size_t len)
{
	struct tail t = {
		.mark_attr = { .nla_len = sizeof(t.mark_attr) + sizeof(mark),
			       .nla_type = NFQA_MARK },
		.mark_be = htonl(mark),
		.payload_attr = { .nla_len =
				      (uint16_t)(sizeof(t.payload_attr) + len),
				  .nla_type = NFQA_PAYLOAD },
	};
	size_t all = sizeof(struct head) + sizeof(t) + len;

	put_head(v, NFQNL_MSG_VERDICT, 0, id, NF_ACCEPT, all);
	memcpy(v->buf + v->len + sizeof(struct head), &t, sizeof(t));
	memset(v->buf + v->len + all, 0, NLMSG_ALIGN(all) - all);
	v->len += NLMSG_ALIGN(all);
	v->count++;
}

size_t
nlq_verdict_next(const struct nlq_verdict *v, size_t *at, const uint8_t **msg,
		 uint32_t *id)
{
	struct nlmsghdr h;

	if (*at + sizeof(h) > v->len)
		return 0;
	*msg = v->buf + *at;
	memcpy(&h, *msg, sizeof(h));
	*id = h.nlmsg_seq;
	*at += NLMSG_ALIGN(h.nlmsg_len);
	return h.nlmsg_len;
}
