/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "base/builder.h"
#include "base/cursor.h"
#include "base/secret.h"
#include "engine/client/proto.h"

_Static_assert(sizeof(struct proto_head) == PROTO_HEAD_OCTETS, "head");
_Static_assert(sizeof(struct ipaddr) == 20, "address attribute");

#define KEY_OCTETS_MAX sizeof(((struct proto_octets *)0)->at)

/* How many octets the UTF-8 character at s has, at most left; 0: none. */
static size_t
utf8_octets(const uint8_t *s, size_t left)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80             ? 1
		   : (s[0] & 0xe0) == 0xc0 ? 2
		   : (s[0] & 0xf0) == 0xe0 ? 3
		   : (s[0] & 0xf8) == 0xf0 ? 4
					   : 0;
	uint32_t c;

	if (n <= 1)
		return n;
	if (left < n)
		return 0;
	c = s[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fu);
	}
	/* Overlong, a surrogate, past the end, or a C1 control. */
	if (c < lowest[n] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff ||
	    c < 0xa0)
		return 0;
	return n;
}

size_t
proto_text_step(const void *text, size_t left)
{
	const uint8_t *s = text;

	if (left == 0 || (s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') ||
	    s[0] == 0x7f)
		return 0;
	return utf8_octets(s, left);
}

static bool
text_is_legal(const void *text, size_t len)
{
	const uint8_t *s = text;

	for (size_t n; len != 0; s += n, len -= n) {
		n = proto_text_step(s, len);
		if (n == 0)
			return false;
	}
	return true;
}

static bool
address_is_legal(const struct ipaddr *a)
{
	unsigned bits = a->family == IP_FAMILY_4   ? 32
			: a->family == IP_FAMILY_6 ? 128
						   : 0;

	if (a->family != IP_FAMILY_NONE && bits == 0)
		return false;
	if (a->prefix > bits || a->reserved[0] != 0 || a->reserved[1] != 0)
		return false;
	for (unsigned bit = a->prefix; bit < 128; bit++)
		if (a->octets[bit / 8] & 0x80u >> bit % 8)
			return false;
	return true;
}

/* ---- building -------------------------------------------------------------
 */

static void
put_host16(struct builder *b, uint16_t v)
{
	builder_octets(b, &v, sizeof(v));
}

static void
put_value(struct builder *b, uint16_t attr, const void *value, size_t len)
{
	put_host16(b, attr);
	put_host16(b, (uint16_t)len);
	builder_octets(b, value, len);
	builder_zeros(b, -len & 3);
}

static void put_record(struct builder *b, const struct proto_shape *shape,
		       const uint8_t *record);

static void
put_nested(struct builder *b, const struct proto_field *f, const uint8_t *at)
{
	size_t start = b->len;
	uint16_t len;

	put_host16(b, f->attr);
	put_host16(b, 0);
	put_record(b, f->nested, at);
	if (b->overflow)
		return;
	/* Attributes are padded, so this is a multiple of 4 already. */
	len = (uint16_t)(b->len - start - 4);
	memcpy(b->buf + start + 2, &len, sizeof(len));
}

static void
put_field(struct builder *b, const struct proto_field *f, const uint8_t *at)
{
	static const struct ipaddr any;
	const struct proto_octets *key;
	const struct ipaddr *a;
	uint64_t v64;
	uint32_t v32;
	size_t len;

	switch ((enum proto_kind)f->kind) {
	case PROTO_KIND_U32:
		memcpy(&v32, at, sizeof(v32));
		if (v32 != 0 || f->required)
			put_value(b, f->attr, at, sizeof(v32));
		break;
	case PROTO_KIND_U64:
		memcpy(&v64, at, sizeof(v64));
		if (v64 != 0 || f->required)
			put_value(b, f->attr, at, sizeof(v64));
		break;
	case PROTO_KIND_TEXT:
		len = strnlen((const char *)at, f->size);
		if (len == f->size || !text_is_legal(at, len))
			b->overflow = true;
		else if (len != 0 || f->required)
			put_value(b, f->attr, at, len);
		break;
	case PROTO_KIND_OCTETS:
		key = (const struct proto_octets *)at;
		if (key->len > KEY_OCTETS_MAX)
			b->overflow = true;
		else if (key->len != 0)
			put_value(b, f->attr, key->at, key->len);
		break;
	case PROTO_KIND_ADDRESS:
		a = (const struct ipaddr *)at;
		if (!address_is_legal(a))
			b->overflow = true;
		else if (f->required || memcmp(a, &any, sizeof(any)) != 0)
			put_value(b, f->attr, a, sizeof(*a));
		break;
	case PROTO_KIND_NESTED:
		put_nested(b, f, at);
		break;
	}
}

static void
put_record(struct builder *b, const struct proto_shape *shape,
	   const uint8_t *record)
{
	for (unsigned i = 0; i < shape->n; i++)
		put_field(b, &shape->fields[i],
			  record + shape->fields[i].offset);
}

size_t
proto_build(void *buf, size_t cap, const struct proto_head *head,
	    const struct proto_shape *shape, const void *record)
{
	struct builder b = builder_make(
	    buf, cap < PROTO_MESSAGE_MAX ? cap : PROTO_MESSAGE_MAX);
	struct proto_head h = *head;

	builder_octets(&b, &h, sizeof(h));
	if (shape != NULL)
		put_record(&b, shape, record);
	if (b.overflow) {
		/* It may hold keys already. */
		secret_wipe(buf, b.len);
		return 0;
	}
	h.length = (uint32_t)b.len;
	memcpy(buf, &h, sizeof(h));
	return b.len;
}

/* ---- reading --------------------------------------------------------------
 */

int
proto_read_head(const void *octets, size_t len, struct proto_head *out)
{
	struct cursor c = cursor_make(octets, len);

	if (!cursor_copy(&c, out, sizeof(*out)) || out->length != len ||
	    len > PROTO_MESSAGE_MAX)
		return -EBADMSG;
	return 0;
}

static int read_record(struct cursor c, const struct proto_shape *shape,
		       enum proto_strict strict, uint8_t *record);

/* One value into its member. */
static int
read_value(struct cursor v, const struct proto_field *f,
	   enum proto_strict strict, uint8_t *at)
{
	struct proto_octets *key;
	struct ipaddr a;

	switch ((enum proto_kind)f->kind) {
	case PROTO_KIND_U32:
	case PROTO_KIND_U64:
		if (v.left != f->size)
			return -EBADMSG;
		(void)cursor_copy(&v, at, f->size);
		return 0;
	case PROTO_KIND_TEXT:
		/* The member is zeroed and keeps its final 0. */
		if (v.left >= f->size || !text_is_legal(v.at, v.left))
			return -EINVAL;
		(void)cursor_copy(&v, at, v.left);
		return 0;
	case PROTO_KIND_OCTETS:
		key = (struct proto_octets *)at;
		if (v.left > KEY_OCTETS_MAX)
			return -EINVAL;
		key->len = (uint16_t)v.left;
		(void)cursor_copy(&v, key->at, v.left);
		return 0;
	case PROTO_KIND_ADDRESS:
		if (v.left != sizeof(a))
			return -EBADMSG;
		(void)cursor_copy(&v, &a, sizeof(a));
		if (!address_is_legal(&a))
			return -EINVAL;
		memcpy(at, &a, sizeof(a));
		return 0;
	case PROTO_KIND_NESTED:
		return read_record(v, f->nested, strict, at);
	}
	return -EBADMSG;
}

/* Splits the next attribute off.  Its padding must be there, and zero. */
static bool
read_attr(struct cursor *c, uint16_t *attr, struct cursor *value)
{
	uint8_t pad[3] = { 0 };
	uint16_t len;

	return cursor_copy(c, attr, sizeof(*attr)) &&
	       cursor_copy(c, &len, sizeof(len)) &&
	       cursor_take(c, len, value) &&
	       cursor_copy(c, pad, -(size_t)len & 3) &&
	       (pad[0] | pad[1] | pad[2]) == 0;
}

static int
read_record(struct cursor c, const struct proto_shape *shape,
	    enum proto_strict strict, uint8_t *record)
{
	uint64_t seen = 0; /* by index into fields; no shape has more than 64 */
	struct cursor value;
	uint16_t attr;
	unsigned i;
	int err;

	while (c.left != 0) {
		if (!read_attr(&c, &attr, &value))
			return -EBADMSG;
		for (i = 0; i < shape->n; i++)
			if (shape->fields[i].attr == attr)
				break;
		if (i == shape->n) {
			if (strict == PROTO_STRICT)
				return -EOPNOTSUPP;
			continue;
		}
		if (seen & 1ull << i)
			return -EBADMSG;
		seen |= 1ull << i;
		err = read_value(value, &shape->fields[i], strict,
				 record + shape->fields[i].offset);
		if (err != 0)
			return err;
	}
	for (i = 0; i < shape->n; i++)
		if (shape->fields[i].required && !(seen & 1ull << i))
			return -EBADMSG;
	return 0;
}

int
proto_read(const void *octets, size_t len, const struct proto_shape *shape,
	   enum proto_strict strict, void *record)
{
	static const struct proto_shape nothing;
	struct cursor c = cursor_make(octets, len);
	struct proto_head head;
	int err;

	if (shape == NULL)
		shape = &nothing;
	else
		memset(record, 0, shape->size);
	err = proto_read_head(octets, len, &head);
	if (err == 0) {
		(void)cursor_skip(&c, PROTO_HEAD_OCTETS);
		err = read_record(c, shape, strict, record);
	}
	if (err != 0 && shape->size != 0)
		secret_wipe(record, shape->size);
	return err;
}
