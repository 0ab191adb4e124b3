/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>

#include "base/cursor.h"
#include "engine/nfq/nlq_msg.h"

/* Netlink speaks the host's byte order in its own headers. */
static bool
copy_u32_be(struct cursor c, uint32_t *out)
{
	return cursor_u32(&c, out);
}

/* One attribute: its type without flags, its value; skips the padding. */
static bool
take_attr(struct cursor *c, uint16_t *type, struct cursor *value)
{
	struct nlattr a;

	if (!cursor_copy(c, &a, sizeof(a)) || a.nla_len < sizeof(a) ||
	    !cursor_take(c, a.nla_len - sizeof(a), value))
		return false;
	*type = a.nla_type & NLA_TYPE_MASK;
	/* The last one's padding may be missing. */
	if (!cursor_skip(c, NLA_ALIGN(a.nla_len) - a.nla_len))
		cursor_skip(c, c->left);
	return true;
}

static void
read_payload(struct nlq_msg *m, uint8_t *octets, size_t len, size_t room,
	     struct cursor value, bool last)
{
	size_t at = (size_t)(value.at - octets);

	m->pkt.octets = octets + at;
	m->pkt.len = value.left;
	m->pkt.room = last ? len + room - at - value.left : 0;
}

static void
parse_packet(uint8_t *octets, size_t len, size_t room, struct cursor c,
	     struct nlq_msg *m)
{
	struct cursor value;
	uint32_t cap_len = 0, info;
	bool has_id = false;
	uint16_t type;

	if (!cursor_skip(&c, sizeof(struct nfgenmsg)))
		return;
	while (take_attr(&c, &type, &value)) {
		switch (type) {
		case NFQA_PACKET_HDR:
			has_id = copy_u32_be(value, &m->id);
			break;
		case NFQA_MARK:
			copy_u32_be(value, &m->pkt.mark);
			break;
		case NFQA_IFINDEX_INDEV:
			copy_u32_be(value, &m->pkt.in);
			break;
		case NFQA_IFINDEX_OUTDEV:
			copy_u32_be(value, &m->pkt.out);
			break;
		case NFQA_SKB_INFO:
			if (copy_u32_be(value, &info)) {
				m->pkt.is_train = info & NFQA_SKB_GSO;
				m->pkt.unsummed = info & NFQA_SKB_CSUMNOTREADY;
			}
			break;
		case NFQA_CAP_LEN:
			copy_u32_be(value, &cap_len);
			break;
		case NFQA_PAYLOAD:
			read_payload(m, octets, len, room, value, c.left == 0);
			break;
		default: /* the kernel's, and it may learn new ones */
			break;
		}
	}
	/* An attribute that does not end in the message: what came before it
	 * still has an id to be judged by, but no packet to go by. */
	if (c.left != 0)
		m->pkt.len = m->pkt.room = 0;
	m->pkt.whole = cap_len > m->pkt.len ? cap_len : m->pkt.len;
	if (m->pkt.len == 0)
		m->pkt.whole = 1;
	m->kind = has_id ? NLQ_PACKET : NLQ_BROKEN;
}

static void
parse_error(struct cursor c, struct nlq_msg *m)
{
	struct nlmsghdr about;
	int32_t code;

	if (!cursor_copy(&c, &code, sizeof(code)) ||
	    !cursor_copy(&c, &about, sizeof(about)))
		return;
	m->kind = code == 0 ? NLQ_DONE : NLQ_ERROR;
	m->error = code < 0 && code > INT32_MIN ? -code : 0;
	m->id = about.nlmsg_seq;
}

void
nlq_msg_parse(uint8_t *octets, size_t len, size_t room, struct nlq_msg *out)
{
	struct cursor c = cursor_make(octets, len), body;
	struct nlmsghdr h;

	memset(out, 0, sizeof(*out));
	out->kind = NLQ_BROKEN;
	if (!cursor_copy(&c, &h, sizeof(h)) || h.nlmsg_len < sizeof(h))
		return;
	/* Cut off: what is there may still name the packet. */
	if (!cursor_take(&c, h.nlmsg_len - sizeof(h), &body)) {
		body = c;
		len += room;
		room = 0;
	}
	if (h.nlmsg_type == NLMSG_ERROR)
		parse_error(body, out);
	else if (h.nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		parse_packet(octets, len, room, body, out);
	else
		out->kind = NLQ_IGNORED;
}
