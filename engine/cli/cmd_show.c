/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "engine/cli/cmd_peers.h"
#include "engine/cli/columns.h"
#include "engine/cli/listing.h"
#include "engine/cli/sockets.h"

union row {
	struct proto_assoc assoc;
	struct proto_sa sa;
	struct proto_drop drop;
	struct proto_queue queue;
	struct proto_flow flow;
};

static const struct object {
	const char *name;
	enum proto_type type;
	const struct proto_shape *shape;
	const struct columns *columns;
} objects[] = {
	{ "associations", PROTO_ASSOCS, &proto_shape_assoc, &columns_assoc },
	{ "sa", PROTO_SAS, &proto_shape_sa, &columns_sa },
	{ "drops", PROTO_DROPS, &proto_shape_drop, &columns_drop },
	{ "queues", PROTO_QUEUES, &proto_shape_queue, &columns_queue },
	{ "flows", PROTO_FLOWS, &proto_shape_flow, &columns_flow },
};

static const struct object *
find_object(const char *name)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (strcmp(objects[i].name, name) == 0)
			return &objects[i];
	return NULL;
}

static int
ask(struct client *c, const struct object *o, const char *name,
    const struct cli *cli)
{
	struct proto_show show = {
		.flags = cli->show_keys ? PROTO_SHOW_KEYS : 0,
	};

	if (o->type != PROTO_SAS)
		return client_ask(c, o->type, NULL, NULL);
	if (name != NULL)
		(void)snprintf(show.association, sizeof(show.association), "%s",
			       name);
	return client_ask(c, o->type, PROTO_SHAPE(&show), &show);
}

/* Rows that say nothing are left out, unless asked for. */
static bool
is_shown(const struct object *o, const union row *row, const struct cli *cli)
{
	return o->type != PROTO_DROPS || row->drop.packets != 0 || cli->all;
}

static int
show(struct client *c, const struct object *o, const char *name,
     const struct cli *cli)
{
	const struct columns *columns = o->columns;
	struct listing *t = NULL;
	union row row;
	int err;

	if (columns == &columns_sa && cli->show_keys)
		columns = &columns_sa_keys;
	err = ask(c, o, name, cli);
	while (err >= 0) {
		err = client_next(c, o->shape, &row);
		/* Not before the first answer: a refusal prints nothing. */
		if (err >= 0 && t == NULL)
			t = listing_new(columns, cli);
		if (err <= 0)
			break;
		if (t == NULL ||
		    (is_shown(o, &row, cli) && !listing_add(t, &row))) {
			cli_complain("no memory");
			err = -ENOMEM;
		}
		secret_wipe(&row, sizeof(row));
	}
	if (t != NULL)
		listing_end(t);
	if (err == 0 && c->text[0] != '\0')
		cli_complain("%s", c->text);
	return cli_fail(c, err);
}

int
cmd_show_run(int argc, char **argv, const struct cli *cli)
{
	const struct object *o;
	struct client c;
	bool peers, sockets;
	int status;

	if (argc < 2)
		return cli_usage("show", "show what?");
	o = find_object(argv[1]);
	peers = strcmp(argv[1], "peers") == 0;
	sockets = strcmp(argv[1], "sockets") == 0;
	if (o == NULL && !peers && !sockets)
		return cli_usage("show", "show %s: no such table", argv[1]);
	if (argc > (o != NULL && o->type == PROTO_SAS ? 3 : 2))
		return cli_usage("show", "%s: one word too many",
				 argv[argc - 1]);
	if (argc == 3 && strlen(argv[2]) >= PROTO_NAME_MAX)
		return cli_usage("show", "%s: too long", argv[2]);
	if (cli->json + cli->brief + cli->dump > 1)
		return cli_usage("show", "one of -j, --brief, --dump");
	if (cli->show_keys && geteuid() != 0) {
		cli_complain("keys are for root");
		return CLI_FORBIDDEN;
	}
	if (peers)
		return cmd_peers_show(cli);
	if (sockets)
		return sockets_show(cli);
	status = cli_connect(&c, cli);
	if (status == CLI_DONE)
		status = show(&c, o, argc == 3 ? argv[2] : NULL, cli);
	client_close(&c);
	return status;
}
