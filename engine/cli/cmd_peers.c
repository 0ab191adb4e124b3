/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show peers: keynegd's view. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/keyview.h"
#include "engine/cli/cmd_peers.h"
#include "engine/cli/columns.h"
#include "engine/cli/listing.h"
#include "engine/cli/peerstat.h"

static int
print(const struct peerstat *s, const struct cli *cli)
{
	struct listing *t = listing_new(&columns_peer, cli);
	bool good = t != NULL;

	for (size_t i = 0; good && i < s->n; i++)
		good = listing_add(t, &s->peers[i]);
	if (t != NULL)
		listing_end(t);
	if (!good)
		cli_complain("no memory");
	if (!s->complete)
		cli_complain("there are more peers than keynegd shows");
	if (!s->engine)
		cli_complain("keynegd is not connected to nfipsecd");
	return good ? CLI_DONE : CLI_FAILED;
}

int
cmd_peers_show(const struct cli *cli)
{
	struct peerstat s;
	int err = peerstat_read(&s, cli->run_dir), status;

	if (err == 0) {
		status = print(&s, cli);
	} else {
		cli_complain("%s/%s: %s%s", cli->run_dir, KEYVIEW_SOCKET,
			     err == -ENOENT || err == -ECONNREFUSED
				 ? "no keynegd there: "
				 : "",
			     strerror(-err));
		status = err == -EACCES ? CLI_FORBIDDEN : CLI_UNREACHABLE;
	}
	peerstat_free(&s);
	return status;
}
