/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tallies: what the rules have counted, flow by flow and drop by drop, for a
 * client that waits.  The supervisor's thread; waits for the kernel's answer.
 */
#ifndef ENGINE_MAIN_TALLIES_H
#define ENGINE_MAIN_TALLIES_H

#include "engine/main/supervisor.h"

void tallies_flows(struct supervisor *s, struct server_ticket t);
void tallies_drops(struct supervisor *s, struct server_ticket t);

#endif
