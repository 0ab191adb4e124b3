/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sa/selector.h"

bool
selector_matches(const struct sa *sa, const struct ipaddr *local,
		 const struct ipaddr *peer)
{
	return ipaddr_contains(&sa->local, local) &&
	       ipaddr_contains(&sa->peer, peer);
}
