/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/cli/tracenames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/client/client.h"
#include "policy/policy.h"

#define ANSWER_MS 2000

/* All records of a reply, `each` octets long.  0 or -errno. */
static int
fetch(struct client *c, enum proto_type type, const struct proto_shape *shape,
      size_t each, void **rows, size_t *n)
{
	int err = client_ask(c, type, NULL, NULL);
	char *all = NULL, *more;

	*n = 0;
	while (err == 0) {
		more = realloc(all, (*n + 1) * each);
		if (more == NULL) {
			err = -ENOMEM;
			break;
		}
		all = more;
		err = client_next(c, shape, all + *n * each);
		if (err != 1)
			break;
		++*n;
		err = 0;
	}
	*rows = all;
	return err;
}

static void
set_defaults(struct tracenames *t)
{
	struct policy *p = policy_new();

	memset(t, 0, sizeof(*t));
	if (p != NULL)
		t->marks = (struct story_marks){ p->options.said_mask,
						 p->options.said_first,
						 p->options.said_last };
	policy_free(p);
}

int
tracenames_load(struct tracenames *t, const char *run_dir)
{
	struct proto_status status = { 0 };
	struct client c;
	int err;

	tracenames_free(t);
	set_defaults(t);
	err = client_open(&c, run_dir, ANSWER_MS);
	if (err == 0)
		err = client_ask(&c, PROTO_STATUS, NULL, NULL);
	if (err == 0)
		err = client_next(&c, PROTO_SHAPE(&status), &status);
	if (err == 1) {
		t->marks =
		    (struct story_marks){ status.said_mask, status.said_first,
					  status.said_last };
		err = client_next(&c, NULL, NULL);
	}
	if (err == 0)
		err = fetch(&c, PROTO_ASSOCS, &proto_shape_assoc,
			    sizeof(*t->assocs), (void **)&t->assocs,
			    &t->n_assocs);
	if (err == 0)
		err = fetch(&c, PROTO_FLOWS, &proto_shape_flow,
			    sizeof(*t->flows), (void **)&t->flows, &t->n_flows);
	client_close(&c);
	return err;
}

void
tracenames_free(struct tracenames *t)
{
	free(t->assocs);
	free(t->flows);
	memset(t, 0, sizeof(*t));
}

const char *
tracenames_assoc(const struct tracenames *t, uint32_t said)
{
	for (size_t i = 0; i < t->n_assocs; i++)
		if (t->assocs[i].said == said)
			return t->assocs[i].name;
	return "";
}

const struct proto_flow *
tracenames_flow(const struct tracenames *t, const struct story_flow *f)
{
	size_t place = 0;

	for (size_t i = 0; f->known && i < t->n_flows; i++) {
		const struct proto_flow *flow = &t->flows[i];

		if ((flow->direction == PROTO_IN) != f->inbound ||
		    place++ != f->place)
			continue;
		/* A reload may have come between. */
		return f->target[0] == '\0' ||
			       strcmp(flow->target, f->target) == 0
			   ? flow
			   : NULL;
	}
	return NULL;
}
