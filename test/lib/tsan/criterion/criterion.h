/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * criterion: what the unit tests use of the library of this name, for builds
 * with ThreadSanitizer, under which that library itself dies at its start.
 *
 * Each test runs in a process of its own and prints one line of TAP.  Included
 * by one file a program, which it gives its main.
 */
#ifndef TEST_LIB_TSAN_CRITERION_H
#define TEST_LIB_TSAN_CRITERION_H

/* As the library's own: its macros compare what a test gave them. */
#pragma GCC system_header

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct criterion_options {
	void (*init)(void);
	void (*fini)(void);
	double timeout;
	int signal, exit_code;
	bool disabled;
};

struct criterion_test {
	const char *suite, *name;
	void (*run)(void);
	struct criterion_options options;
	struct criterion_test *next;
};

enum { CRITERION_FAILED = 1, CRITERION_SKIPPED = 77 };

static struct criterion_test *criterion_tests;
static struct criterion_options criterion_suite;
static bool criterion_failed;

#define Test(s, n, ...)                                                        \
	static void s##_##n##_run(void);                                       \
	static struct criterion_test s##_##n##_test = {                        \
		#s, #n, s##_##n##_run, { __VA_ARGS__ }, NULL                   \
	};                                                                     \
	__attribute__((constructor)) static void s##_##n##_add(void)           \
	{                                                                      \
		s##_##n##_test.next = criterion_tests;                         \
		criterion_tests = &s##_##n##_test;                             \
	}                                                                      \
	static void s##_##n##_run(void)

#define TestSuite(s, ...)                                                      \
	__attribute__((constructor)) static void s##_suite(void)               \
	{                                                                      \
		criterion_suite = (struct criterion_options){ __VA_ARGS__ };   \
	}                                                                      \
	struct criterion_options

__attribute__((format(printf, 4, 5))) static inline bool
criterion_note(bool good, const char *at, const char *what, const char *fmt,
	       ...)
{
	(void)fmt;
	if (!good)
		fprintf(stderr, "%s: %s\n", at, what);
	return good;
}

#define CRITERION_TEXT_(n) #n
#define CRITERION_TEXT(n)  CRITERION_TEXT_(n)
#define CRITERION_AT       __FILE__ ":" CRITERION_TEXT(__LINE__)
#define CRITERION_SEE(good, ...)                                               \
	criterion_note(good, CRITERION_AT, #good, "" __VA_ARGS__)
#define CRITERION_MUST(good, ...)                                              \
	do {                                                                   \
		if (!CRITERION_SEE(good, __VA_ARGS__))                         \
			_exit(CRITERION_FAILED);                               \
	} while (0)
#define CRITERION_SHOULD(good, ...)                                            \
	do {                                                                   \
		if (!CRITERION_SEE(good, __VA_ARGS__))                         \
			criterion_failed = true;                               \
	} while (0)

#define cr_assert(x, ...)          CRITERION_MUST((x), __VA_ARGS__)
#define cr_assert_not(x, ...)      CRITERION_MUST(!(x), __VA_ARGS__)
#define cr_assert_eq(a, b, ...)    CRITERION_MUST((a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...)   CRITERION_MUST((a) != (b), __VA_ARGS__)
#define cr_assert_float_eq(a, b, e, ...)                                       \
	CRITERION_MUST((a) - (b) <= (e) && (b) - (a) <= (e), __VA_ARGS__)
#define cr_assert_lt(a, b, ...)    CRITERION_MUST((a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...)   CRITERION_MUST((a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...)    CRITERION_MUST((a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...)   CRITERION_MUST((a) >= (b), __VA_ARGS__)
#define cr_assert_null(p, ...)     CRITERION_MUST((p) == NULL, __VA_ARGS__)
#define cr_assert_not_null(p, ...) CRITERION_MUST((p) != NULL, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)                                            \
	CRITERION_MUST(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                           \
	CRITERION_MUST(strcmp(a, b) != 0, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) CRITERION_MUST(*(a) == '\0', __VA_ARGS__)
#define cr_assert_str_not_empty(a, ...)                                        \
	CRITERION_MUST(*(a) != '\0', __VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...)                                         \
	CRITERION_MUST(memcmp(a, b, n) == 0, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, n, ...)                                        \
	CRITERION_MUST(memcmp(a, b, n) != 0, __VA_ARGS__)
#define cr_expect(x, ...)          CRITERION_SHOULD((x), __VA_ARGS__)
#define cr_expect_not(x, ...)      CRITERION_SHOULD(!(x), __VA_ARGS__)
#define cr_expect_eq(a, b, ...)    CRITERION_SHOULD((a) == (b), __VA_ARGS__)
#define cr_expect_neq(a, b, ...)   CRITERION_SHOULD((a) != (b), __VA_ARGS__)
#define cr_expect_lt(a, b, ...)    CRITERION_SHOULD((a) < (b), __VA_ARGS__)
#define cr_expect_leq(a, b, ...)   CRITERION_SHOULD((a) <= (b), __VA_ARGS__)
#define cr_expect_gt(a, b, ...)    CRITERION_SHOULD((a) > (b), __VA_ARGS__)
#define cr_expect_geq(a, b, ...)   CRITERION_SHOULD((a) >= (b), __VA_ARGS__)
#define cr_expect_null(p, ...)     CRITERION_SHOULD((p) == NULL, __VA_ARGS__)
#define cr_expect_not_null(p, ...) CRITERION_SHOULD((p) != NULL, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                            \
	CRITERION_SHOULD(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...)                                           \
	CRITERION_SHOULD(strcmp(a, b) != 0, __VA_ARGS__)
#define cr_expect_str_empty(a, ...) CRITERION_SHOULD(*(a) == '\0', __VA_ARGS__)
#define cr_expect_str_not_empty(a, ...)                                        \
	CRITERION_SHOULD(*(a) != '\0', __VA_ARGS__)
#define cr_expect_arr_eq(a, b, n, ...)                                         \
	CRITERION_SHOULD(memcmp(a, b, n) == 0, __VA_ARGS__)
#define cr_expect_arr_neq(a, b, n, ...)                                        \
	CRITERION_SHOULD(memcmp(a, b, n) != 0, __VA_ARGS__)
#define cr_fatal(...)     CRITERION_MUST(false, __VA_ARGS__)
#define cr_skip_test(...) exit(CRITERION_SKIPPED)

static void
criterion_child(const struct criterion_test *t)
{
	void (*init)(void) =
	    t->options.init ? t->options.init : criterion_suite.init;
	void (*fini)(void) =
	    t->options.fini ? t->options.fini : criterion_suite.fini;

	if (init != NULL)
		init();
	t->run();
	if (fini != NULL)
		fini();
	/* exit, so that a data race found gives its own status */
	exit(criterion_failed ? CRITERION_FAILED : 0);
}

int
main(void)
{
	unsigned n = 0;
	bool all_good = true;

	for (struct criterion_test *t = criterion_tests; t != NULL;
	     t = t->next) {
		bool good, skipped;
		int status;
		pid_t pid;

		if (t->options.disabled)
			continue;
		fflush(stdout);
		pid = fork();
		if (pid == 0)
			criterion_child(t);
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 1;
		skipped = WIFEXITED(status) &&
			  WEXITSTATUS(status) == CRITERION_SKIPPED;
		good = skipped ||
		       (t->options.signal != 0
			    ? WIFSIGNALED(status) &&
				  WTERMSIG(status) == t->options.signal
			    : WIFEXITED(status) &&
				  WEXITSTATUS(status) == t->options.exit_code);
		printf("%sok %u - %s::%s%s\n", good ? "" : "not ", ++n,
		       t->suite, t->name, skipped ? " # SKIP" : "");
		all_good = all_good && good;
	}
	printf("1..%u\n", n);
	return all_good ? 0 : 1;
}

#endif
