/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/skeleton.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "skeleton_text.h"

#define NAME_MAX_OCTETS 64

struct fill {
	const struct skeleton_ops *ops;
	void *arg;
	FILE *out;
	int err; /* the first */
};

static const char *
line_end(const char *line)
{
	return line + strcspn(line, "\n");
}

static const char *
line_next(const char *line)
{
	const char *end = line_end(line);

	return *end == '\n' ? end + 1 : end;
}

/* Is the line `%word ARGUMENT`?  Then its argument. */
static bool
is_directive(const char *line, const char *word, char arg[NAME_MAX_OCTETS])
{
	size_t len = strlen(word), n;

	if (line[0] != '%' || strncmp(line + 1, word, len) != 0)
		return false;
	line += 1 + len;
	line += *line == ' ';
	n = (size_t)(line_end(line) - line);
	if (n >= NAME_MAX_OCTETS)
		return false;
	memcpy(arg, line, n);
	arg[n] = '\0';
	return true;
}

static void
fail(struct fill *f, int err)
{
	if (f->err == 0)
		f->err = err;
}

/* Copies a line, values filled in. */
static void
write_line(struct fill *f, const char *line)
{
	const char *end = line_end(line), *value;
	char name[NAME_MAX_OCTETS];
	size_t n;
	int r;

	while (line < end) {
		value = strstr(line, "%{");
		if (value == NULL || value > end)
			value = end;
		fwrite(line, 1, (size_t)(value - line), f->out);
		line = value;
		if (line == end)
			break;
		n = strcspn(line + 2, "}\n");
		if (line[2 + n] != '}' || n >= sizeof(name)) {
			fail(f, -EPROTO);
			return;
		}
		memcpy(name, line + 2, n);
		name[n] = '\0';
		r = f->ops->value(f->arg, name, f->out);
		if (r != 0)
			fail(f, r);
		line += 2 + n + 1;
	}
	fputc('\n', f->out);
}

static const char *block(struct fill *f, const char *line, bool on);

static const char *
each(struct fill *f, const char *body, const char *list, bool on)
{
	const char *after = NULL;
	int r;

	for (size_t i = 0; on; i++) {
		r = f->ops->step(f->arg, list, i);
		if (r < 0)
			fail(f, r);
		if (r <= 0)
			break;
		after = block(f, body, true);
	}
	return after != NULL ? after : block(f, body, false);
}

/* Up to %end, the next part, or the end of the text; returns what follows. */
static const char *
block(struct fill *f, const char *line, bool on)
{
	char arg[NAME_MAX_OCTETS];
	int r;

	while (*line != '\0') {
		if (is_directive(line, "part", arg))
			return line;
		if (is_directive(line, "end", arg))
			return line_next(line);
		if (is_directive(line, "each", arg)) {
			line = each(f, line_next(line), arg, on);
			continue;
		}
		if (is_directive(line, "if", arg)) {
			r = on ? f->ops->test(f->arg, arg) : 0;
			if (r < 0)
				fail(f, r);
			line = block(f, line_next(line), r > 0);
			continue;
		}
		if (line[0] == '%' && line[1] != '#' && line[1] != '{')
			fail(f, -EPROTO);
		else if (on && !(line[0] == '%' && line[1] == '#'))
			write_line(f, line);
		line = line_next(line);
	}
	return line;
}

int
skeleton_fill(const char *part, const struct skeleton_ops *ops, void *arg,
	      FILE *out)
{
	struct fill f = { .ops = ops, .arg = arg, .out = out };
	char name[NAME_MAX_OCTETS];
	const char *line;

	for (line = skeleton_text; *line != '\0'; line = line_next(line))
		if (is_directive(line, "part", name) && strcmp(name, part) == 0)
			break;
	if (*line == '\0')
		return -EPROTO;
	block(&f, line_next(line), true);
	if (f.err == 0 && ferror(out))
		f.err = -EIO;
	return f.err;
}
