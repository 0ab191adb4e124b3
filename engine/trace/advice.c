/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/advice.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *reason, *advice;
} table[] = {
	/* ---- the rules ---- */
	{ "broadcast", "transport mode has one peer: narrow the flow" },
	{ "default",
	  "write a flow for it, or `bypass` if it may stay in clear" },
	{ "discard", "take the flow out if it should pass, or put another one "
		     "before it: the first that matches wins" },
	{ "latch",
	  "its connection or socket began under another association: end the "
	  "connection and let it begin anew; if nobody knows it, the packet "
	  "was forged" },
	{ "lost",
	  "its connection is protected, and this packet lost its mark: look "
	  "for rules of others that write packet marks (nfipsec-marks(7))" },
	{ "no-flow",
	  "the peer protects more than the flow-ins here allow: widen a "
	  "flow-in, or narrow the peer's flow-out" },
	{ "no-queue", "nfipsecd is starting or broken: nfipsec status" },
	{ "outside",
	  "the association reaches its `peer` alone: send "
	  "it from a socket that is not bound to it, narrow the flow, or "
	  "start the program with nfipsec run --others clear" },
	{ "unknown-said",
	  "the socket's SO_MARK or a rule of yours says a SAID that no "
	  "association has: nfipsec show associations" },
	{ "unprotected",
	  "the sender has to protect it: is nfipsecd ready there, and does a "
	  "flow-out there match this packet? On this host: nfipsec status" },
	{ "unsealed", "nfipsecd is not running or not ready: nfipsec status; "
		      "the guard holds until it is" },
	/* ---- the engine ---- */
	{ "truncated", "the sender made it wrong, or it was cut on its way" },
	{ "ip-header", "the sender made it wrong" },
	{ "family", "only IPv4 is protected: narrow the flow to it" },
	{ "fragment",
	  "let it arrive whole: a smaller MTU at the sender, or a path that "
	  "lets ICMP \"fragmentation needed\" through" },
	{ "options", "have the sender leave those IP options out" },
	{ "multicast", "transport mode has one peer: narrow the flow" },
	{ "no-sa",
	  "there are no keys for this peer: keynegd(8) makes them (is it "
	  "running? nfipsec monitor acquire), or nfipsec add sa" },
	{ "peer-mismatch",
	  "the flow matches more than the association's peer: narrow its "
	  "expression or widen `peer`" },
	{ "seq-exhausted", "new keys are due: nfipsec rekey, or new ones in "
			   "the configuration; is the state directory full?" },
	{ "lifetime", "new keys are due: nfipsec rekey; does keynegd run?" },
	{ "too-big", "the sender was told by ICMP; if it does not listen, "
		     "lower its MTU" },
	{ "crypto", "see the log of nfipsecd" },
	{ "unknown-spi",
	  "this host has no such SA: compare `nfipsec show sa` on both hosts; "
	  "after new keys, reload both" },
	{ "reserved-spi", "the sender made it wrong" },
	{ "address",
	  "the SA is between other addresses: NAT on the way, or a wrong "
	  "`local` or `peer`" },
	{ "replay",
	  "sent twice, or recorded and sent again: the network duplicates "
	  "packets, or two hosts send with one key" },
	{ "replay-old",
	  "it came too late: a larger replay-window, or the sender lost its "
	  "state directory and counts from 1 again: then new keys" },
	{ "seq-zero", "the sender made it wrong" },
	{ "bad-icv",
	  "the keys or algorithms differ, or it was changed on its way: "
	  "compare the key files and `protect` on both hosts" },
	{ "bad-padding", "the sender made it wrong, or the keys differ" },
	{ "inner", "the sender made it wrong" },
	{ "selector",
	  "the peer sent what this SA is not for: compare `local`, `peer` and "
	  "flows on both hosts" },
	{ "dummy", "nothing: it is padding of the traffic" },
	{ "parked-full",
	  "wait for the keys: nfipsec monitor acquire, keynegd" },
	{ "parked-late", "the negotiation fails: see the log of keynegd" },
	{ "parked-refused", "the key daemon says why: nfipsec monitor "
			    "keys-failed, and its own log" },
	{ "parked-moved", "nothing: it was meant for the association that the "
			  "SAID had before the reload" },
	{ "engine-restart",
	  "nothing: the sender sends it again; if it goes on, "
	  "see the log of nfipsecd" },
	{ "queue-mark", "look for rules of others that write packet marks" },
	{ "probe", "nothing: it is the engine's own" },
	{ "verdict", "see the log of nfipsecd" },
	{ "icmp", "nothing: it was heard" },
	{ "alignment", "the sender made it wrong, or another protocol" },
	{ "ah-length", "the algorithms of AH differ: compare `protect`" },
	{ "train", "the sender or its network card joined packets wrongly: see "
		   "the offloads of its device (ethtool -k)" },
	{ "inject", "the kernel refused what was sealed: see the log of "
		    "nfipsecd, routes and the MTU" },
	{ "bundle", "one end protects with AH and ESP, the other with one of "
		    "them: compare `protect`" },
};

const char *
advice_for(const char *reason)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].reason, reason) == 0)
			return table[i].advice;
	return NULL;
}
