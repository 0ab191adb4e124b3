/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "entropyd/egd.h"

#define PARSE(...)                                                             \
	egd_parse((const uint8_t[]){ __VA_ARGS__ },                            \
		  sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define PARSE_POOL(...)                                                        \
	egd_parse_pool((const uint8_t[]){ __VA_ARGS__ },                       \
		       sizeof((const uint8_t[]){ __VA_ARGS__ }))

Test(egd, knows_the_five_commands)
{
	struct egd_request rq;

	cr_assert_eq(PARSE(0).op, EGD_BITS);
	rq = PARSE(1, 32, 9);
	cr_assert(rq.op == EGD_TRY && rq.n == 32 && rq.taken == 2);
	rq = PARSE(2, 255);
	cr_assert(rq.op == EGD_READ && rq.n == 255 && rq.taken == 2);
	rq = PARSE(3, 0xff, 0xff, 2, 'a', 'b', 0);
	cr_assert(rq.op == EGD_WRITE && rq.n == 2 && rq.taken == 6);
	cr_assert_eq(rq.octets[0], 'a');
	rq = PARSE(3, 0, 0, 0);
	cr_assert(rq.op == EGD_WRITE && rq.n == 0 && rq.taken == 4);
	rq = PARSE(4);
	cr_assert(rq.op == EGD_PID && rq.taken == 1);
}

Test(egd, waits_for_the_rest_and_refuses_nonsense)
{
	cr_assert_eq(egd_parse(NULL, 0).op, EGD_MORE);
	cr_assert_eq(PARSE(1).op, EGD_MORE);
	cr_assert_eq(PARSE(2).op, EGD_MORE);
	cr_assert_eq(PARSE(3, 0).op, EGD_MORE);
	cr_assert_eq(PARSE(3, 0, 8, 2, 'a').op, EGD_MORE);
	for (unsigned command = 5; command < 256; command++)
		cr_assert_eq(PARSE((uint8_t)command, 1, 1).op, EGD_BAD);
}

Test(egd, longest_request_fits_its_limit)
{
	uint8_t input[EGD_REQUEST_MAX + 1] = { 3, 0, 0, 255 };
	struct egd_request rq = egd_parse(input, EGD_REQUEST_MAX);

	cr_assert(rq.op == EGD_WRITE && rq.taken == EGD_REQUEST_MAX);
	cr_assert_eq(egd_parse(input, EGD_REQUEST_MAX - 1).op, EGD_MORE);
}

Test(egd, pool_socket_takes_1_to_4096)
{
	struct egd_request rq;

	cr_assert_eq(PARSE_POOL(0).op, EGD_MORE);
	cr_assert_eq(PARSE_POOL(0, 0).op, EGD_BAD);
	rq = PARSE_POOL(0, 1);
	cr_assert(rq.op == EGD_READ && rq.n == 1 && rq.taken == 2);
	rq = PARSE_POOL(0x10, 0);
	cr_assert(rq.op == EGD_READ && rq.n == 4096);
	cr_assert_eq(PARSE_POOL(0x10, 1).op, EGD_BAD);
	cr_assert_eq(PARSE_POOL(0xff, 0xff).op, EGD_BAD);
}
