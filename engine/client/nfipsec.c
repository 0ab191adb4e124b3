/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/client/client.h"
#include "engine/client/nfipsec.h"
#include "engine/client/run_dir.h"

#define ANSWER_MS 10000

_Static_assert(
    sizeof(((struct nfipsec_info *)0)->association) == PROTO_NAME_MAX &&
	sizeof(((struct nfipsec_info *)0)->principal) == PROTO_PRINCIPAL_MAX &&
	sizeof(((struct nfipsec_info *)0)->encryption) == PROTO_ALGO_MAX,
    "texts fit");

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

/* What one more SA says of the connection. */
static void
take(struct nfipsec_info *info, const struct proto_sa *sa, bool *mixed)
{
	if (info->association[0] == '\0')
		memcpy(info->association, sa->association,
		       sizeof(info->association));
	info->said = sa->said;
	info->tunnel = sa->mode == PROTO_TUNNEL;
	if (sa->protocol == 51) {
		memcpy(info->ah_integrity, sa->integrity,
		       sizeof(info->ah_integrity));
		if (info->encryption[0] != '\0' || info->integrity[0] != '\0')
			return; /* the SPIs are ESP's */
	} else {
		memcpy(info->encryption, sa->encryption,
		       sizeof(info->encryption));
		memcpy(info->integrity, sa->integrity, sizeof(info->integrity));
	}
	if (sa->direction == PROTO_OUT) {
		info->spi_out = sa->spi;
		return;
	}
	info->spi_in = sa->spi;
	/* What was read may have come under any of the inbound ones. */
	if (info->principal[0] == '\0' && !*mixed)
		memcpy(info->principal, sa->principal, sizeof(info->principal));
	else if (strcmp(info->principal, sa->principal) != 0)
		*mixed = true;
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
			take(info, &sa, &mixed);
	client_close(&c);
	/* The last one may have died while the rows were made. */
	if (err == 0 && info->spi_in == 0 && info->spi_out == 0)
		err = -ENOKEY;
	if (mixed)
		memset(info->principal, 0, sizeof(info->principal));
	if (err < 0)
		memset(info, 0, sizeof(*info));
	return err;
}
