/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control messages: every shape reads the input, strictly and not; what it
 * accepts must survive building and reading again.  Then the input, with its
 * length put right, is a request to a server whose store is known.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/ctl/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

#define KEPT_SLOTS 1 /* the store's own; what inputs add goes again */

static const struct proto_shape *const shapes[] = {
	&proto_shape_hello,     &proto_shape_status, &proto_shape_assoc,
	&proto_shape_show,      &proto_shape_sa,     &proto_shape_drop,
	&proto_shape_queue,     &proto_shape_flow,   &proto_shape_export,
	&proto_shape_text,      &proto_shape_reload, &proto_shape_half,
	&proto_shape_pair,      &proto_shape_delete, &proto_shape_rekey,
	&proto_shape_subscribe, &proto_shape_event,  &proto_shape_bind,
	&proto_shape_bound,     &proto_shape_run,
	&proto_shape_instance,
};

union record {
	struct proto_status status;
	struct proto_assoc assoc;
	struct proto_sa sa;
	struct proto_flow flow;
	struct proto_text text;
	struct proto_pair pair;
	struct proto_event event;
};

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
read_all_shapes(const uint8_t *octets, size_t len)
{
	static uint8_t again[PROTO_MESSAGE_MAX];
	static union record first, second;
	struct proto_head head;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		const struct proto_shape *s = shapes[i];
		size_t n;

		must(s->size <= sizeof(first));
		(void)proto_read(octets, len, s, PROTO_STRICT, &first);
		if (proto_read(octets, len, s, PROTO_LENIENT, &first) < 0)
			continue;
		must(proto_read_head(octets, len, &head) == 0);
		n = proto_build(again, sizeof(again), &head, s, &first);
		must(n != 0 && n <= len);
		must(proto_read(again, n, s, PROTO_STRICT, &second) == 0);
		must(memcmp(&first, &second, s->size) == 0);
	}
}

/* ---- a server -------------------------------------------------------------
 */

static struct store store;
static struct server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static int
answer_text(void *ctx, struct server_ticket t, enum proto_export_which which)
{
	server_answer_text(server, t, "a\nb\xff\n", 5);
	return server_answer_end(server, t, 0, NULL);
}

static int
answer_reload(void *ctx, struct server_ticket t,
	      const struct proto_reload *what)
{
	return (what->flags & PROTO_RELOAD_DRY_RUN)
		   ? -EIO
		   : server_answer_end(server, t, -EINVAL, "no");
}

static int
answer_disable(void *ctx, struct server_ticket t)
{
	return 0; /* never: the client leaves first */
}

static const struct ctl_ops ops = {
	.export = answer_text,
	.reload = answer_reload,
	.disable = answer_disable,
};

static void
add_assoc(const char *name, uint32_t said, uint8_t enc, uint8_t auth)
{
	struct store_assoc *a = &store.head->assocs[store.head->n_assocs];

	snprintf(a->name, sizeof(a->name), "%s", name);
	a->said = said;
	a->mode = SA_TRANSPORT;
	a->enc = enc;
	a->auth = auth;
	a->esn = 1;
	a->replay_window = 64;
	atomic_fetch_add(&store.head->n_assocs, 1);
}

static void
clean_up(void)
{
	(void)unlink(address.sun_path);
	*strrchr(address.sun_path, '/') = '\0';
	(void)rmdir(address.sun_path);
}

static void
start(void)
{
	struct server_config config = { .store = &store,
					.nfqueue_fd = -1,
					.ops = &ops };
	char dir[] = "/tmp/fuzz_ctl.XXXXXX";
	uint32_t slot;
	struct sa *sa;

	must(mkdtemp(dir) != NULL);
	must(store_create(&store, 16, 1) == 0);
	add_assoc("gcm", 0x100, ALGO_AES128_GCM, ALGO_NONE);
	add_assoc("cbc", 0x101, ALGO_AES128_CBC, ALGO_HMAC_SHA256);
	must(store_claim(&store, 64, &slot) == 0);
	sa = store_sa(&store, slot);
	memcpy(sa->association, "gcm", 4);
	sa->said = 0x100;
	sa->spi = 0x1001;
	sa->protocol = SA_ESP;
	sa->direction = SA_OUT;
	sa->enc = ALGO_AES128_GCM;
	sa->key_octets = 20;
	(void)ipaddr_parse("10.0.0.1", &sa->local);
	(void)ipaddr_parse("10.0.0.9", &sa->peer);
	store_publish(&store, slot);
	config.listen_fd = server_listen(dir);
	must(config.listen_fd >= 0);
	must(server_new(&server, &config) == 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", dir,
		       PROTO_SOCKET);
	(void)atexit(clean_up);
}

/* Lets the server work and swallows what it says.  False: it hung up. */
static bool
drain(int fd)
{
	static uint8_t reply[PROTO_MESSAGE_MAX + 1];
	struct proto_head head;
	ssize_t n;

	for (unsigned i = 0; i < 4; i++) {
		must(server_step(server, 0) == 0);
		while ((n = recv(fd, reply, sizeof(reply), MSG_DONTWAIT)) > 0)
			must(proto_read_head(reply, (size_t)n, &head) == 0 &&
			     (head.flags & PROTO_FLAG_REPLY ||
			      head.type == PROTO_EVENT));
		if (n == 0)
			return false;
	}
	return true;
}

static void
ask_server(const uint8_t *octets, size_t len)
{
	struct proto_head head = { .type = PROTO_HELLO };
	struct proto_hello hello = { .version = PROTO_VERSION };
	static uint8_t msg[PROTO_MESSAGE_MAX];
	uint32_t length = (uint32_t)len;
	int fd;

	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	must(fd >= 0 &&
	     connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	must(drain(fd));
	must(send(fd, msg,
		  proto_build(msg, sizeof(msg), &head, PROTO_SHAPE(&hello),
			      &hello),
		  0) > 0);
	must(drain(fd));
	if (len != 0) {
		memcpy(msg, octets, len);
		memcpy(msg, &length, len < 4 ? len : 4);
		must(send(fd, msg, len, 0) == (ssize_t)len);
		(void)drain(fd);
	}
	close(fd);
	must(server_step(server, 0) == 0);
	for (uint32_t i = KEPT_SLOTS; i < store_slots(&store); i++)
		if (atomic_load(&store_sa(&store, i)->state) != SA_FREE)
			store_release(&store, i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
	if (server == NULL)
		start();
	read_all_shapes(octets, len);
	if (len <= PROTO_MESSAGE_MAX)
		ask_server(octets, len);
	return 0;
}
