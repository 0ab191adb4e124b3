/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "keyneg/kink/isakmp.h"

enum {
	DOI_IPSEC = 1,
	SIT_IDENTITY_ONLY = 1,
	ATTR_BASIC = 0x8000,
	MAX_PAYLOADS = 32,
};

enum attr_type { /* RFC 2407 section 4.5; 11 is RFC 4304's */
		 ATTR_LIFE_TYPE = 1,
		 ATTR_LIFE_DURATION = 2,
		 ATTR_GROUP = 3,
		 ATTR_ENCAP = 4,
		 ATTR_AUTH = 5,
		 ATTR_KEY_BITS = 6,
		 ATTR_ESN = 11,
};

enum { LIFE_SECONDS = 1, LIFE_KILOBYTES = 2 };

enum id_type {
	ID_IPV4_ADDR = 1,
	ID_IPV4_SUBNET = 4,
	ID_IPV6_ADDR = 5,
	ID_IPV6_SUBNET = 6,
	ID_IPV4_RANGE = 7,
	ID_IPV6_RANGE = 8,
};

const char *
isakmp_notify_name(uint16_t type)
{
	switch (type) {
	case ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE:
		return "INVALID-PAYLOAD-TYPE";
	case ISAKMP_NOTIFY_INVALID_SPI:
		return "INVALID-SPI";
	case ISAKMP_NOTIFY_ATTRIBUTES_NOT_SUPPORTED:
		return "ATTRIBUTES-NOT-SUPPORTED";
	case ISAKMP_NOTIFY_NO_PROPOSAL_CHOSEN:
		return "NO-PROPOSAL-CHOSEN";
	case ISAKMP_NOTIFY_PAYLOAD_MALFORMED:
		return "PAYLOAD-MALFORMED";
	case ISAKMP_NOTIFY_INVALID_ID_INFORMATION:
		return "INVALID-ID-INFORMATION";
	case ISAKMP_NOTIFY_AUTHENTICATION_FAILED:
		return "AUTHENTICATION-FAILED";
	default: /* the peer's number, not our enum */
		return isakmp_notify_is_error(type) ? "another error"
						    : "status";
	}
}

bool
isakmp_notify_is_error(uint16_t type)
{
	return type != 0 && type < 16384;
}

static bool
fail(struct isakmp_fault *f, enum isakmp_notify_type type, const char *why)
{
	f->type = type;
	f->why = why;
	return false;
}

static bool
malformed(struct isakmp_fault *f, const char *why)
{
	return fail(f, ISAKMP_NOTIFY_PAYLOAD_MALFORMED, why);
}

/* Splits one payload off: its value, and the type of the one behind it. */
static bool
take_payload(struct cursor *c, uint8_t *next, struct cursor *value)
{
	struct cursor whole = *c, part;
	uint8_t reserved;
	uint16_t length;

	if (!cursor_u8(c, next) || !cursor_u8(c, &reserved) ||
	    !cursor_u16(c, &length) || !cursor_take(&whole, length, &part))
		return false;
	*c = whole;
	*value = part;
	return cursor_skip(value, 4);
}

static bool
set_once(uint16_t *field, uint64_t v)
{
	if (v == 0 || v > UINT16_MAX || (*field != 0 && *field != v))
		return false;
	*field = (uint16_t)v;
	return true;
}

/* Durations are numbers of any width; ours end at 64 bits. */
static bool
read_number(struct cursor c, uint64_t *out)
{
	uint64_t v = 0;
	uint8_t o;

	if (c.left == 0)
		return false;
	while (cursor_u8(&c, &o)) {
		if (v >> 56 != 0)
			return false;
		v = v << 8 | o;
	}
	*out = v;
	return true;
}

/* *life is the unit that the last life type named. */
static bool
parse_attr(uint16_t type, bool basic, uint64_t v, uint16_t *life,
	   struct isakmp_transform *t)
{
	struct isakmp_attrs *a = &t->attrs;
	uint64_t *duration;

	if (type != ATTR_LIFE_DURATION && !basic)
		return false; /* a basic one encoded as variable */
	switch (type) {
	case ATTR_LIFE_TYPE:
		*life = (uint16_t)v;
		if (v != LIFE_SECONDS && v != LIFE_KILOBYTES)
			t->unknown = true;
		return true;
	case ATTR_LIFE_DURATION:
		if (*life == 0 || v == 0)
			return false; /* a duration of what? */
		duration = *life == LIFE_SECONDS ? &a->life_secs : &a->life_kb;
		*life = 0;
		if (*duration != 0 && *duration != v)
			return false;
		*duration = v;
		return true;
	case ATTR_GROUP:
		return set_once(&a->group, v);
	case ATTR_ENCAP:
		return set_once(&a->encap, v);
	case ATTR_AUTH:
		return set_once(&a->auth, v);
	case ATTR_KEY_BITS:
		return set_once(&a->key_bits, v);
	case ATTR_ESN: /* RFC 4304 section 3: any other value aborts */
		return v == 1 && set_once(&a->esn, v);
	default: /* the peer's number, not our enum */
		t->unknown = true;
		return true;
	}
}

static bool
parse_attrs(struct cursor c, struct isakmp_transform *t, struct isakmp_fault *f)
{
	uint16_t life = 0;

	while (c.left != 0) {
		uint16_t type, v16;
		uint64_t v;
		bool basic;

		if (!cursor_u16(&c, &type) || !cursor_u16(&c, &v16))
			return malformed(f, "an attribute is cut off");
		basic = (type & ATTR_BASIC) != 0;
		v = v16;
		type &= 0x7fff;
		if (!basic) {
			struct cursor value;

			if (!cursor_take(&c, v16, &value))
				return malformed(f, "an attribute is cut off");
			if (!read_number(value, &v)) {
				/* Nothing that we know is so long. */
				if (type <= ATTR_ESN)
					return malformed(
					    f, "an attribute has no value");
				t->unknown = true;
				continue;
			}
			if (type > ATTR_ESN) {
				t->unknown = true;
				continue;
			}
		}
		if (!parse_attr(type, basic, v, &life, t))
			return fail(f, ISAKMP_NOTIFY_ATTRIBUTES_NOT_SUPPORTED,
				    "attributes contradict each other");
	}
	return true;
}

static bool
parse_transforms(struct cursor c, unsigned count, struct isakmp_proposal *p,
		 struct isakmp_fault *f)
{
	uint8_t next = ISAKMP_PAYLOAD_TRANSFORM;

	while (next != ISAKMP_PAYLOAD_NONE) {
		struct isakmp_transform *t = &p->transform[p->transforms];
		struct cursor value;

		if (next != ISAKMP_PAYLOAD_TRANSFORM)
			return malformed(f, "no transform inside a proposal");
		if (p->transforms == ISAKMP_MAX_TRANSFORMS)
			return malformed(f, "too many transforms");
		if (!take_payload(&c, &next, &value) ||
		    !cursor_u8(&value, &t->number) ||
		    !cursor_u8(&value, &t->id) || !cursor_skip(&value, 2))
			return malformed(f, "a transform is cut off");
		if (!parse_attrs(value, t, f))
			return false;
		p->transforms++;
	}
	if (c.left != 0 || p->transforms != count)
		return malformed(f, "the number of transforms is wrong");
	return true;
}

static bool
parse_sa(struct cursor c, struct isakmp_op *out, struct isakmp_fault *f)
{
	uint32_t doi, situation;
	uint8_t next = ISAKMP_PAYLOAD_PROPOSAL;

	if (out->has_sa)
		return malformed(f, "two SA payloads in one operation");
	if (!cursor_u32(&c, &doi) || !cursor_u32(&c, &situation) ||
	    doi != DOI_IPSEC || situation != SIT_IDENTITY_ONLY)
		return malformed(f, "another DOI or situation");
	while (next != ISAKMP_PAYLOAD_NONE) {
		struct isakmp_proposal *p = &out->proposal[out->proposals];
		uint8_t spi_size, count;
		struct cursor value, spi;

		if (next != ISAKMP_PAYLOAD_PROPOSAL)
			return malformed(f, "no proposal inside an SA");
		if (out->proposals == ISAKMP_MAX_PROPOSALS)
			return malformed(f, "too many proposals");
		if (!take_payload(&c, &next, &value) ||
		    !cursor_u8(&value, &p->number) ||
		    !cursor_u8(&value, &p->protocol) ||
		    !cursor_u8(&value, &spi_size) ||
		    !cursor_u8(&value, &count) ||
		    !cursor_take(&value, spi_size, &spi))
			return malformed(f, "a proposal is cut off");
		if (spi_size == 4 && !cursor_u32(&spi, &p->spi))
			return malformed(f, "a proposal is cut off");
		if (!parse_transforms(value, count, p, f))
			return false;
		out->proposals++;
	}
	if (c.left != 0)
		return malformed(f, "octets behind the last proposal");
	out->has_sa = true;
	return true;
}

/* A mask of ones, then zeros; -1 when it has holes. */
static int
mask_bits(const uint8_t *mask, size_t n)
{
	int bits = 0;
	bool ended = false;

	for (size_t i = 0; i < n * 8; i++) {
		bool one = (mask[i / 8] >> (7 - i % 8) & 1) != 0;

		if (one && ended)
			return -1;
		if (one)
			bits++;
		else
			ended = true;
	}
	return bits;
}

/* ID data (RFC 2407 section 4.6.2) into an address or prefix. */
static bool
parse_id_data(uint8_t type, struct cursor c, struct ipaddr *out)
{
	size_t n = type == ID_IPV4_ADDR || type == ID_IPV4_SUBNET ||
			   type == ID_IPV4_RANGE
		       ? 4
		       : 16;
	uint8_t second[16];
	int bits = (int)n * 8;

	memset(out, 0, sizeof(*out));
	out->family = n == 4 ? IP_FAMILY_4 : IP_FAMILY_6;
	if (!cursor_copy(&c, out->octets, n))
		return false;
	if (type == ID_IPV4_SUBNET || type == ID_IPV6_SUBNET) {
		if (!cursor_copy(&c, second, n))
			return false;
		bits = mask_bits(second, n);
		if (bits < 0)
			return false;
		for (size_t i = 0; i < n; i++)
			if ((out->octets[i] & ~second[i]) != 0)
				return false;
	} else if (type == ID_IPV4_RANGE || type == ID_IPV6_RANGE) {
		/* Only a range of one is an address to us. */
		if (!cursor_copy(&c, second, n) ||
		    memcmp(out->octets, second, n) != 0)
			return false;
	}
	out->prefix = (uint8_t)bits;
	return c.left == 0;
}

static bool
parse_id(struct cursor c, unsigned which, struct isakmp_op *out,
	 struct isakmp_fault *f)
{
	uint8_t type, protocol;
	uint16_t port;

	if (which > 1)
		return malformed(f, "more than two identities");
	if (!cursor_u8(&c, &type) || !cursor_u8(&c, &protocol) ||
	    !cursor_u16(&c, &port))
		return malformed(f, "an identity is cut off");
	if (type != ID_IPV4_ADDR &&
	    (type < ID_IPV4_SUBNET || type > ID_IPV6_RANGE))
		return fail(f, ISAKMP_NOTIFY_INVALID_ID_INFORMATION,
			    "an identity that is no address");
	if (!parse_id_data(type, c, which == 0 ? &out->idci : &out->idcr))
		return fail(f, ISAKMP_NOTIFY_INVALID_ID_INFORMATION,
			    "an identity's address is wrong");
	out->id_protocol[which] = protocol;
	out->id_port[which] = port;
	out->has_ids = which == 1;
	return true;
}

static bool
parse_notify(struct cursor c, struct isakmp_op *out, struct isakmp_fault *f)
{
	struct isakmp_notify *n = &out->notify[out->notifies];
	uint32_t doi;
	uint8_t spi_size;

	if (out->notifies == ISAKMP_MAX_NOTIFIES)
		return malformed(f, "too many notifications");
	if (!cursor_u32(&c, &doi) || !cursor_u8(&c, &n->protocol) ||
	    !cursor_u8(&c, &spi_size) || !cursor_u16(&c, &n->type) ||
	    !cursor_take(&c, spi_size, &n->spi))
		return malformed(f, "a notification is cut off");
	if (doi != DOI_IPSEC)
		return malformed(f, "a notification of another DOI");
	n->data = c;
	out->notifies++;
	return true;
}

static bool
parse_delete(struct cursor c, struct isakmp_op *out, struct isakmp_fault *f)
{
	uint32_t doi;
	uint8_t spi_size;
	uint16_t count;

	if (out->spis != 0)
		return malformed(f, "two delete payloads in one operation");
	if (!cursor_u32(&c, &doi) || !cursor_u8(&c, &out->delete_protocol) ||
	    !cursor_u8(&c, &spi_size) || !cursor_u16(&c, &count))
		return malformed(f, "a delete is cut off");
	if (doi != DOI_IPSEC || spi_size != 4 || count == 0 ||
	    count > ISAKMP_MAX_SPIS)
		return malformed(f, "a delete has a wrong DOI, size or count");
	while (out->spis < count)
		if (!cursor_u32(&c, &out->spi[out->spis++]))
			return malformed(f, "a delete is cut off");
	if (c.left != 0)
		return malformed(f, "octets behind the last SPI");
	return true;
}

static bool
parse_octets(struct cursor value, struct cursor *out, struct isakmp_fault *f)
{
	if (out->left != 0 || value.left == 0)
		return malformed(f, "a nonce or KE is empty or comes twice");
	*out = value;
	return true;
}

bool
isakmp_parse(struct cursor c, uint8_t next, struct isakmp_op *out,
	     struct isakmp_fault *fault)
{
	unsigned ids = 0;
	bool ok = true;

	memset(out, 0, sizeof(*out));
	memset(fault, 0, sizeof(*fault));
	for (unsigned n = 0; ok && next != ISAKMP_PAYLOAD_NONE; n++) {
		uint8_t type = next;
		struct cursor value;

		if (n == MAX_PAYLOADS)
			return malformed(fault, "too many payloads");
		if (!take_payload(&c, &next, &value))
			return malformed(fault, "a payload is cut off");
		switch (type) {
		case ISAKMP_PAYLOAD_SA:
			/* It leads (RFC 2409 section 5.5). */
			if (n != 0)
				return malformed(fault, "SA is not first");
			ok = parse_sa(value, out, fault);
			break;
		case ISAKMP_PAYLOAD_KE:
			ok = parse_octets(value, &out->ke, fault);
			break;
		case ISAKMP_PAYLOAD_NONCE:
			ok = parse_octets(value, &out->nonce, fault);
			break;
		case ISAKMP_PAYLOAD_ID:
			ok = parse_id(value, ids++, out, fault);
			break;
		case ISAKMP_PAYLOAD_NOTIFY:
			ok = parse_notify(value, out, fault);
			break;
		case ISAKMP_PAYLOAD_DELETE:
			ok = parse_delete(value, out, fault);
			break;
		default: /* the peer's number, not our enum */
			fault->payload = type;
			return fail(fault, ISAKMP_NOTIFY_INVALID_PAYLOAD_TYPE,
				    "an unknown payload type");
		}
	}
	if (!ok)
		return false;
	if (ids == 1)
		return malformed(fault, "one identity without the other");
	if (out->nonce.left != 0 && (out->nonce.left < ISAKMP_NONCE_MIN ||
				     out->nonce.left > ISAKMP_NONCE_MAX))
		return malformed(fault, "a nonce of the wrong length");
	/* KINK pads behind the payload, not inside it. */
	if (c.left != 0)
		return malformed(fault, "octets behind the last payload");
	return true;
}
