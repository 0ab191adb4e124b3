/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/client/client.h"
#include "engine/client/info.h"
#include "engine/client/nfipsec.h"
#include "engine/client/run_dir.h"

#define ANSWER_MS 10000

/* -ENOENT is for what is asked about, not for who is asked. */
static int
start(struct client *c)
{
	int err = client_open(c, run_dir_get(), ANSWER_MS);

	return err == -ENOENT && c->broken ? -ECONNREFUSED : err;
}

/* One request about a socket, one record of the answer. */
static int
ask(int fd, enum proto_type type, const struct proto_bind *bind,
    struct proto_bound *bound)
{
	struct client c;
	int err;

	if (fd < 0)
		return -EBADF;
	err = start(&c);
	if (err == 0)
		err = client_ask_fd(&c, type,
				    bind == NULL ? NULL : PROTO_SHAPE(bind),
				    bind, fd);
	if (err == 0)
		err = client_next(&c, PROTO_SHAPE(bound), bound);
	if (err == 1)
		err = client_next(&c, NULL, NULL);
	client_close(&c);
	return err;
}

int
nfipsec_bind(int fd, const char *association)
{
	struct proto_bind bind = { { 0 } };
	struct proto_bound bound;
	size_t len = association == NULL ? 0 : strlen(association);

	if (len == 0 || len >= sizeof(bind.association))
		return -ENOENT;
	memcpy(bind.association, association, len);
	return ask(fd, PROTO_BIND, &bind, &bound);
}

int
nfipsec_said(int fd)
{
	struct proto_bound bound = { 0 };
	int err = ask(fd, PROTO_SAID, NULL, &bound);

	return err < 0 ? err : (int)bound.said;
}

int
nfipsec_peer(int fd, struct nfipsec_info *info)
{
	bool mixed = false;
	struct proto_sa sa;
	struct client c;
	int err;

	memset(info, 0, sizeof(*info));
	if (fd < 0)
		return -EBADF;
	err = start(&c);
	if (err == 0)
		err = client_ask_fd(&c, PROTO_PEER, NULL, NULL, fd);
	if (err == 0)
		while ((err = client_next(&c, PROTO_SHAPE(&sa), &sa)) == 1)
			info_take(info, &sa, &mixed);
	client_close(&c);
	/* The last one may have died while the rows were made. */
	if (err == 0 && info->spi_in == 0 && info->spi_out == 0)
		err = -ENOKEY;
	info_end(info, mixed);
	if (err < 0)
		memset(info, 0, sizeof(*info));
	return err;
}
