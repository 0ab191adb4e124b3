/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "engine/client/info.h"

static struct proto_sa
sa(uint32_t direction, uint32_t protocol, uint32_t spi, const char *principal)
{
	struct proto_sa s = { .direction = direction,
			      .protocol = protocol,
			      .spi = spi,
			      .said = 0x123,
			      .mode = PROTO_TRANSPORT,
			      .association = "db" };

	strcpy(s.principal, principal);
	strcpy(s.encryption, protocol == 51 ? "" : "aes128-cbc");
	strcpy(s.integrity, protocol == 51 ? "aes-cmac" : "hmac-sha256");
	return s;
}

static struct nfipsec_info
all(const struct proto_sa *sas, size_t n)
{
	struct nfipsec_info info = { 0 };
	bool mixed = false;

	for (size_t i = 0; i < n; i++)
		info_take(&info, &sas[i], &mixed);
	info_end(&info, mixed);
	return info;
}

Test(info, takes_a_pair_together)
{
	struct proto_sa sas[] = { sa(PROTO_OUT, 50, 1, "a@B"),
				  sa(PROTO_IN, 50, 2, "a@B") };
	struct nfipsec_info info = all(sas, 2);

	cr_assert_str_eq(info.association, "db");
	cr_assert_str_eq(info.principal, "a@B");
	cr_assert_str_eq(info.encryption, "aes128-cbc");
	cr_assert_str_eq(info.integrity, "hmac-sha256");
	cr_assert_str_eq(info.ah_integrity, "");
	cr_assert_eq(info.said, 0x123);
	cr_assert_eq(info.spi_out, 1);
	cr_assert_eq(info.spi_in, 2);
	cr_assert_eq(info.tunnel, 0);
}

Test(info, the_spis_are_those_of_esp_inside_ah)
{
	struct proto_sa sas[] = { sa(PROTO_IN, 51, 3, ""),
				  sa(PROTO_IN, 50, 4, ""),
				  sa(PROTO_OUT, 50, 5, ""),
				  sa(PROTO_OUT, 51, 6, "") };
	struct nfipsec_info info = all(sas, 4);

	cr_assert_str_eq(info.ah_integrity, "aes-cmac");
	cr_assert_str_eq(info.integrity, "hmac-sha256");
	cr_assert_eq(info.spi_in, 4);
	cr_assert_eq(info.spi_out, 5);
	info = all(sas, 1);
	cr_assert_eq(info.spi_in, 3);
	cr_assert_str_eq(info.encryption, "");
}

/* What was read may have come from either. */
Test(info, claims_no_principal_of_two)
{
	struct proto_sa sas[] = { sa(PROTO_IN, 50, 1, "a@B"),
				  sa(PROTO_IN, 50, 2, "mallory@B"),
				  sa(PROTO_IN, 50, 3, "a@B"),
				  sa(PROTO_OUT, 50, 4, "a@B") };

	cr_assert_str_eq(all(sas, 4).principal, "");
	cr_assert_str_eq(all(sas, 1).principal, "a@B");
	sas[1].principal[0] = '\0';
	cr_assert_str_eq(all(sas, 2).principal, "");
	cr_assert_str_eq(all(sas + 1, 2).principal, "");
	/* An outbound one alone says nothing of what was read. */
	cr_assert_str_eq(all(sas + 3, 1).principal, "");
}
