/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "keyneg/kink/kinkmsg.h"

enum { VERSION = 0x10, DOI_IPSEC = 1, FLAG_ACKREQ = 0x80, QM_VERSION = 0x10 };

const char *
kinkmsg_type_name(uint8_t type)
{
	static const char *const names[] = { "?",     "CREATE", "DELETE",
					     "REPLY", "GETTGT", "ACK",
					     "STATUS" };

	return type < 7 ? names[type] : "?";
}

const char *
kinkmsg_error_name(uint32_t error)
{
	static const char *const names[] = {
		"KINK_OK", "KINK_PROTOERR", "KINK_INVDOI",    "KINK_INVMAJ",
		"error 4", "KINK_INTERR",   "KINK_BADQMVERS", "KINK_U2UDENIED"
	};

	return error < 8 ? names[error] : "an unknown KINK error";
}

enum kink_error
kinkmsg_parse(struct cursor datagram, struct kinkmsg *out)
{
	struct cursor c = datagram, rest;
	uint8_t version, flags;
	uint16_t length, cksum_len;
	uint32_t doi;

	memset(out, 0, sizeof(*out));
	if (!cursor_u8(&c, &out->type) || !cursor_u8(&c, &version) ||
	    !cursor_u16(&c, &length) || !cursor_u32(&c, &doi) ||
	    !cursor_u32(&c, &out->xid) || !cursor_u8(&c, &out->next) ||
	    !cursor_u8(&c, &flags) || !cursor_u16(&c, &cksum_len))
		return KINK_ERROR_PROTOERR;
	if (version >> 4 != VERSION >> 4)
		return KINK_ERROR_INVMAJ;
	if (doi != DOI_IPSEC)
		return KINK_ERROR_INVDOI;
	if (out->type < KINK_TYPE_CREATE || out->type > KINK_TYPE_STATUS)
		return KINK_ERROR_PROTOERR;
	/* The whole message first, then the header again off it: a length
	 * below 16 fails here without any subtraction. */
	c = datagram;
	if (!cursor_take(&c, length, &out->whole))
		return KINK_ERROR_PROTOERR;
	rest = out->whole;
	if (!cursor_skip(&rest, KINKMSG_HEADER_LEN) || rest.left < cksum_len)
		return KINK_ERROR_PROTOERR;
	if (!cursor_take(&rest, rest.left - cksum_len, &out->payloads))
		return KINK_ERROR_PROTOERR;
	out->cksum = rest;
	if (cksum_len != 0 && out->payloads.left % 4 != 0)
		return KINK_ERROR_PROTOERR;
	out->ackreq = (flags & FLAG_ACKREQ) != 0;
	return KINK_ERROR_OK;
}

static bool
parse_isakmp(struct cursor value, struct kinkbody *out, enum kink_error *err)
{
	uint8_t next, version;
	unsigned n = out->isakmp_count;

	if (n == KINKMSG_MAX_ISAKMP || !cursor_u8(&value, &next) ||
	    !cursor_u8(&value, &version) || !cursor_skip(&value, 2))
		return false;
	if (version != QM_VERSION) {
		*err = KINK_ERROR_BADQMVERS;
		return false;
	}
	out->isakmp[n] = value;
	out->isakmp_next[n] = next;
	out->isakmp_count = n + 1;
	return true;
}

/* One payload's value into its place. */
static enum kink_error
parse_payload(uint8_t type, struct cursor value, struct kinkbody *out)
{
	enum kink_error err = KINK_ERROR_PROTOERR;
	uint32_t bit = type < 32 ? 1u << type : 0;
	bool ok = true;

	if (type != KINK_PAYLOAD_ISAKMP && (out->seen & bit) != 0)
		return err;
	switch (type) {
	case KINK_PAYLOAD_AP_REQ:
	case KINK_PAYLOAD_AP_REP:
		/* One or the other: they share a place. */
		ok = (out->seen & (1u << KINK_PAYLOAD_AP_REQ |
				   1u << KINK_PAYLOAD_AP_REP)) == 0 &&
		     cursor_u32(&value, &out->epoch) && value.left != 0;
		out->ap = value;
		break;
	case KINK_PAYLOAD_KRB_ERROR:
		ok = value.left != 0;
		out->krb_error = value;
		break;
	case KINK_PAYLOAD_TGT_REQ:
	case KINK_PAYLOAD_TGT_REP:
		ok = (out->seen & (1u << KINK_PAYLOAD_TGT_REQ |
				   1u << KINK_PAYLOAD_TGT_REP)) == 0 &&
		     value.left != 0;
		out->tgt = value;
		break;
	case KINK_PAYLOAD_ISAKMP:
		ok = parse_isakmp(value, out, &err);
		break;
	case KINK_PAYLOAD_ENCRYPT:
		ok = value.left != 0;
		out->encrypted = value;
		break;
	case KINK_PAYLOAD_ERROR:
		ok = cursor_u32(&value, &out->error) && value.left == 0;
		break;
	default: /* the peer's number, not our enum */
		return err;
	}
	if (!ok)
		return err;
	out->seen |= bit;
	return KINK_ERROR_OK;
}

/* `loose`: octets behind the last payload are the cipher's padding. */
static enum kink_error
parse_chain(struct cursor c, uint8_t next, bool loose, struct kinkbody *out)
{
	enum kink_error err;

	memset(out, 0, sizeof(*out));
	for (unsigned n = 0; next != KINK_PAYLOAD_DONE; n++) {
		uint8_t type = next, reserved;
		struct cursor whole = c, value, part;
		uint16_t length;
		size_t pad;

		if (n == KINKMSG_MAX_PAYLOADS ||
		    (out->seen & 1u << KINK_PAYLOAD_ENCRYPT) != 0)
			return KINK_ERROR_PROTOERR;
		if (!cursor_u8(&c, &next) || !cursor_u8(&c, &reserved) ||
		    !cursor_u16(&c, &length) ||
		    !cursor_take(&whole, length, &part))
			return KINK_ERROR_PROTOERR;
		value = part;
		if (!cursor_skip(&value, 4))
			return KINK_ERROR_PROTOERR;
		err = parse_payload(type, value, out);
		if (err != KINK_ERROR_OK)
			return err;
		/* The last one's padding may be missing where no checksum
		 * follows. */
		pad = (size_t)(-length & 3);
		c = whole;
		if (!cursor_skip(&c, pad)) {
			if (next != KINK_PAYLOAD_DONE)
				return KINK_ERROR_PROTOERR;
			c.left = 0;
		}
	}
	if (!loose && c.left != 0)
		return KINK_ERROR_PROTOERR;
	return KINK_ERROR_OK;
}

enum kink_error
kinkmsg_parse_body(struct cursor chain, uint8_t next, struct kinkbody *out)
{
	return parse_chain(chain, next, false, out);
}

enum kink_error
kinkmsg_parse_inner(struct cursor plain, struct kinkbody *out)
{
	enum kink_error err;
	uint8_t next;

	memset(out, 0, sizeof(*out));
	if (!cursor_u8(&plain, &next) || !cursor_skip(&plain, 3))
		return KINK_ERROR_PROTOERR;
	err = parse_chain(plain, next, true, out);
	if (err != KINK_ERROR_OK)
		return err;
	/* What authenticates the message cannot hide inside it. */
	if ((out->seen &
	     (1u << KINK_PAYLOAD_AP_REQ | 1u << KINK_PAYLOAD_AP_REP |
	      1u << KINK_PAYLOAD_ENCRYPT)) != 0)
		return KINK_ERROR_PROTOERR;
	return KINK_ERROR_OK;
}

/* ---- building ----------------------------------------------------------- */

enum { AT_LENGTH = 2, AT_NEXT = 12, AT_CKSUM_LEN = 14 };

struct kinkmsg_build
kinkmsg_build_make(void *buf, size_t cap, uint8_t type, uint32_t xid,
		   bool ackreq)
{
	struct kinkmsg_build m = { .b = builder_make(buf, cap),
				   .last_next = AT_NEXT };

	builder_u8(&m.b, type);
	builder_u8(&m.b, VERSION);
	builder_u16(&m.b, 0);
	builder_u32(&m.b, DOI_IPSEC);
	builder_u32(&m.b, xid);
	builder_u8(&m.b, KINK_PAYLOAD_DONE);
	builder_u8(&m.b, ackreq ? FLAG_ACKREQ : 0);
	builder_u16(&m.b, 0);
	return m;
}

struct kinkmsg_build
kinkmsg_build_inner(void *buf, size_t cap)
{
	struct kinkmsg_build m = { .b = builder_make(buf, cap) };

	builder_zeros(&m.b, 4);
	return m;
}

static void
align(struct builder *b)
{
	builder_zeros(b, -b->len & 3);
}

void
kinkmsg_begin(struct kinkmsg_build *m, uint8_t payload)
{
	align(&m->b);
	builder_patch_u8(&m->b, m->last_next, payload);
	m->last_next = m->open = m->b.len;
	builder_zeros(&m->b, 4);
}

void
kinkmsg_end(struct kinkmsg_build *m)
{
	size_t len = m->b.len - m->open;

	if (len > UINT16_MAX)
		m->b.overflow = true;
	else
		builder_patch_u16(&m->b, m->open + 2, (uint16_t)len);
}

void
kinkmsg_put(struct kinkmsg_build *m, uint8_t payload, const void *octets,
	    size_t len)
{
	kinkmsg_begin(m, payload);
	builder_octets(&m->b, octets, len);
	kinkmsg_end(m);
}

void
kinkmsg_put_ap(struct kinkmsg_build *m, uint8_t payload, uint32_t epoch,
	       const void *der, size_t len)
{
	kinkmsg_begin(m, payload);
	builder_u32(&m->b, epoch);
	builder_octets(&m->b, der, len);
	kinkmsg_end(m);
}

void
kinkmsg_put_error(struct kinkmsg_build *m, uint32_t error)
{
	kinkmsg_begin(m, KINK_PAYLOAD_ERROR);
	builder_u32(&m->b, error);
	kinkmsg_end(m);
}

static void
patch_length(struct kinkmsg_build *m)
{
	if (m->b.len > UINT16_MAX)
		m->b.overflow = true;
	else
		builder_patch_u16(&m->b, AT_LENGTH, (uint16_t)m->b.len);
}

bool
kinkmsg_finish(struct kinkmsg_build *m)
{
	align(&m->b);
	patch_length(m);
	return !m->b.overflow;
}

bool
kinkmsg_sign(struct kinkmsg_build *m, const void *cksum, size_t len)
{
	builder_octets(&m->b, cksum, len);
	builder_patch_u16(&m->b, AT_CKSUM_LEN, (uint16_t)len);
	patch_length(m);
	return !m->b.overflow;
}

size_t
kinkmsg_signed_octets(const struct kinkmsg *m, void *out, size_t cap)
{
	struct builder b = builder_make(out, cap);

	builder_octets(&b, m->whole.at, KINKMSG_HEADER_LEN);
	builder_octets(&b, m->payloads.at, m->payloads.left);
	builder_patch_u16(&b, AT_LENGTH, (uint16_t)b.len);
	builder_patch_u16(&b, AT_CKSUM_LEN, 0);
	return b.overflow ? 0 : b.len;
}
