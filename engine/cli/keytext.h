/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keytext: the two lines that `add sa` reads.
 *
 *   out spi 0x1001 key 0x00.. [auth-key 0x00..]
 *   in  spi 0x1002 key 0x00.. [auth-key 0x00..]
 *
 * The words of the configuration's `keying manual`, # comments and empty lines
 * too.  Pure; never keeps a key.
 */
#ifndef ENGINE_CLI_KEYTEXT_H
#define ENGINE_CLI_KEYTEXT_H

#include "engine/client/proto.h"

#define KEYTEXT_MAX 4096 /* octets of such a text */

/* Changes the text.  NULL, or what is wrong (a constant; *line says where). */
const char *keytext_parse(char *text, struct proto_half *out,
			  struct proto_half *in, unsigned *line);

#endif
