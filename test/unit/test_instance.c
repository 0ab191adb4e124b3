/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/instance.h"

static struct policy *p;

static struct policy *
make(const char *first, const char *second)
{
	struct policy *made = policy_new();

	made->assocs = calloc(2, sizeof(*made->assocs));
	made->n_assocs = 2;
	strcpy(made->assocs[0].name, first);
	made->assocs[0].said = 0x100;
	made->assocs[0].keying = POLICY_KEYING_KERBEROS;
	made->assocs[0].local_principal = strdup("kink/a@R");
	strcpy(made->assocs[1].name, second);
	made->assocs[1].said = 0x101;
	made->assocs[1].keying = POLICY_KEYING_MANUAL;
	return made;
}

static void
begin(void)
{
	p = make("work", "manual");
}

static void
end(void)
{
	policy_free(p);
}

TestSuite(instance, .init = begin, .fini = end);

Test(instance, is_its_association_with_a_said_of_its_own)
{
	const struct policy_assoc *a;

	cr_assert_eq(instance_add(p, "work", "alice@R", 0x300), 0);
	cr_assert_eq(instance_add(p, "work", "bob@R", 0x301), 0);
	a = instance_find(p, "work", "alice@R");
	cr_assert_not_null(a);
	cr_expect_str_eq(a->name, "work@0x300");
	cr_expect_eq(a->said, 0x300);
	cr_expect_str_eq(a->local_principal, "kink/a@R");
	cr_expect_neq(a->local_principal, p->assocs[0].local_principal);
	cr_expect(instance_is(a));
	cr_expect_not(instance_is(&p->assocs[0]));
	cr_expect_null(instance_find(p, "work", "carol@R"));
	cr_expect_null(instance_find(p, "", "alice@R"));
	cr_expect_eq(instance_find(p, "work", "bob@R")->said, 0x301);
}

Test(instance, is_refused_where_it_makes_no_sense)
{
	static char longest[POLICY_NAME_MAX + 1];

	memset(longest, 'x', POLICY_NAME_MAX);
	cr_expect_eq(instance_add(p, "none", "a@R", 0x300), -ENOENT);
	cr_expect_eq(instance_add(p, "manual", "a@R", 0x300), -EINVAL);
	cr_expect_eq(instance_add(p, "work", "a@R", 0x101), -EEXIST);
	cr_assert_eq(instance_add(p, "work", "a@R", 0x300), 0);
	cr_expect_eq(instance_add(p, "work@0x300", "a@R", 0x301), -EINVAL);
	memcpy(p->assocs[0].name, longest, sizeof(longest));
	cr_expect_eq(instance_add(p, longest, "a@R", 0x302), -EINVAL);
	cr_expect_eq(p->n_assocs, 3);
}

Test(instance, goes_alone)
{
	cr_assert_eq(instance_add(p, "work", "a@R", 0x300), 0);
	cr_assert_eq(instance_add(p, "work", "b@R", 0x301), 0);
	cr_expect_not(instance_del(p, 0x100), "no instance");
	cr_expect_not(instance_del(p, 0x302));
	cr_expect(instance_del(p, 0x300));
	cr_expect_null(policy_assoc_by_said(p, 0x300));
	cr_expect_eq(instance_find(p, "work", "b@R")->said, 0x301);
	cr_expect_eq(p->n_assocs, 3);
}

Test(instance, is_carried_where_it_may_live)
{
	struct policy *to = make("work", "manual");

	cr_assert_eq(instance_add(p, "work", "a@R", 0x300), 0);
	cr_assert_eq(instance_add(p, "work", "b@R", 0x301), 0);
	cr_assert_eq(instance_add(p, "work", "c@R", 0x3f0), 0);
	cr_assert_eq(instance_add(to, "work", "old@R", 0x310), 0);
	to->options.dynamic_last = 0x3ef;
	to->assocs[1].said = 0x301; /* taken */
	instance_carry(p, to);
	cr_expect_not_null(instance_find(to, "work", "a@R"));
	cr_expect_null(instance_find(to, "work", "b@R"));
	cr_expect_null(instance_find(to, "work", "c@R"));
	cr_expect_null(instance_find(to, "work", "old@R"));
	policy_free(to);
	to = make("play", "manual");
	instance_carry(p, to);
	cr_expect_eq(to->n_assocs, 2, "their association is not there");
	policy_free(to);
}
