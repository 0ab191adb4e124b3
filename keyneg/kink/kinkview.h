/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kinkview: peers and counters as the lines of base/keyview.h.
 *
 * Owns nothing and changes nothing that anybody else reads.  The thread of
 * struct kink.
 */
#ifndef KEYNEG_KINK_KINKVIEW_H
#define KEYNEG_KINK_KINKVIEW_H

#include <stdio.h>

#include "keyneg/kink/kink.h"

/* At most `peers` of them.  True: that was all. */
bool kinkview_print(struct kink *k, uint64_t now_ms, size_t peers, FILE *out);

#endif
