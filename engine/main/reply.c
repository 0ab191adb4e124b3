/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <string.h>

#include "engine/main/reply.h"

void
reply_send(struct supervisor *s, const struct link_message *m)
{
	int r = link_send(&s->link, m);

	if (r < 0)
		child_broken(s, r);
	if (r != 1 || s->link_writing)
		return;
	s->link_writing = true;
	(void)evloop_want_write(s->loop, s->link.fd, true);
}

void
reply_text(struct supervisor *s, struct server_ticket t, const char *text,
	   size_t len)
{
	struct link_message m = { .type = LINK_TEXT, .ticket = t };

	while (len != 0) {
		/* whole lines where they fit, for clients print chunks */
		m.len =
		    (uint32_t)(len < sizeof(m.text) - 1 ? len
							: sizeof(m.text) - 1);
		memcpy(m.text, text, m.len);
		reply_send(s, &m);
		text += m.len;
		len -= m.len;
	}
}

void
reply_end(struct supervisor *s, struct server_ticket t, int err,
	  const char *sentence)
{
	struct link_message m = { .type = LINK_END, .ticket = t, .err = err };

	m.len = (uint32_t)strnlen(sentence, PROTO_SENTENCE_MAX - 1);
	memcpy(m.text, sentence, m.len);
	reply_send(s, &m);
}
