/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control: the engine's main thread, all but packets.
 *
 * Owns the mapped store, the look-up tables' owner, the control server, the
 * link to the supervisor, and a ring from each worker.  Watches lifetimes of
 * SAs that nobody uses.  Never blocks but in server_step.
 */
#ifndef ENGINE_MAIN_CONTROL_H
#define ENGINE_MAIN_CONTROL_H

#include <stdbool.h>

#include "base/ring.h"
#include "engine/ctl/server.h"
#include "engine/divert/carriers.h"
#include "engine/main/link.h"
#include "engine/nfq/parking.h"
#include "engine/path/path.h"
#include "engine/sa/sad.h"
#include "engine/sa/silence.h"
#include "engine/sa/store.h"

#define CONTROL_RING   256 /* events of a worker that wait */
#define CONTROL_ORDERS 64  /* to a worker */

struct control_ring {
	struct ring ring;   /* struct path_event */
	int wake_fd;        /* the control's, shared */
	struct ring orders; /* struct parking_order, to the worker */
	int order_fd;       /* an eventfd, the worker's */
	uint32_t ordered;   /* orders ever put */
	_Atomic uint32_t obeyed;
};

struct control {
	struct store store;
	struct sad *sad;
	struct silence *silence;
	struct server *server;
	struct link link;
	struct carriers carriers;
	struct control_ring rings[STORE_WORKERS_MAX];
	unsigned workers;
	int wake_fd, second_fd, signal_fd, nfqueue_fd;
	_Atomic bool packets_wanted; /* by a client; workers read it */
	bool stop;
};

/* From inherited descriptors; ends the process when something is missing. */
void control_open(struct control *c, unsigned workers);
/* Until SIGTERM or the supervisor's end. */
void control_run(struct control *c);
void control_close(struct control *c);
/* For workers (path_notify); arg is their struct control_ring. */
void control_notify(void *arg, const struct path_event *e);

#endif
