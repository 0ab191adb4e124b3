/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "engine/client/info.h"

_Static_assert(
    sizeof(((struct nfipsec_info *)0)->association) == PROTO_NAME_MAX &&
	sizeof(((struct nfipsec_info *)0)->principal) == PROTO_PRINCIPAL_MAX &&
	sizeof(((struct nfipsec_info *)0)->encryption) == PROTO_ALGO_MAX,
    "texts fit");

void
info_take(struct nfipsec_info *info, const struct proto_sa *sa, bool *mixed)
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
	/* What was read may have come under any of the inbound ones. */
	if (info->spi_in == 0)
		memcpy(info->principal, sa->principal, sizeof(info->principal));
	else if (strcmp(info->principal, sa->principal) != 0)
		*mixed = true;
	info->spi_in = sa->spi;
}

void
info_end(struct nfipsec_info *info, bool mixed)
{
	if (mixed)
		memset(info->principal, 0, sizeof(info->principal));
}
