/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vet_child: the disposable half of vet.
 *
 * Runs in the forked child and never returns; what it says to its parent is a
 * row of struct vet_answer on a pipe, one a question, in order.
 */
#ifndef ENGINE_VET_VET_CHILD_H
#define ENGINE_VET_VET_CHILD_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"

enum vet_verdict {
	VET_VERDICT_GOOD = 1,
	VET_VERDICT_REFUSED, /* what: nft's or our reason */
	VET_VERDICT_UNABLE,  /* error: an errno; no further answers come */
};

/* Fits into PIPE_BUF: written whole or not at all. */
struct vet_answer {
	uint32_t question;
	uint32_t verdict; /* enum vet_verdict */
	uint32_t error;
	uint32_t column; /* from 1, into the text; 0: all of it */
	char what[240];
};

/* Questions 0 .. n_defines-1 are the defines, then come the flows. */
size_t vet_child_questions(const struct policy *p);
/* Answers the questions from `first` on, to pipe fd. */
void vet_child_run(const struct policy *p, size_t first, int fd)
    __attribute__((noreturn));

#endif
