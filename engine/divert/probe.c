/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/builder.h"
#include "base/ipaddr.h"
#include "engine/divert/rulewatch.h"
#include "policy/said.h"

#define PROBE_SPI     255 /* of the reserved ones, RFC 4303 2.1 */
#define PROBE_PORT    9   /* discard */
#define PROBE_PEERS   32  /* as many peers are tried */
#define RESEND_MS     500
#define PACKET_OCTETS 64
#define COUNTER_OUT   "probe-out"

struct probe {
	struct table *table;
	const struct policy *policy;
	probe_seen_fn *seen;
	void *arg;
	uint8_t token[PROBE_TOKEN_OCTETS];
	struct rulewatch trace;
	uint64_t started_ms, sent_ms;
	bool started;
	/* towards peers */
	uint64_t out_before, out_sent;
	char blocked_peer[IPADDR_TEXT];
	char lo_drop[256], out_drop[256]; /* whose rule stopped one */
	char trouble[NFTGEN_QUEUES][96];  /* why one could not be sent */
};

/* Sends `len` octets behind an IP header of this protocol, or of a UDP
 * socket.  mark 0: none.  0, -errno. */
static int
send_packet(const struct ipaddr *to, int protocol, uint32_t mark,
	    const uint8_t *octets, size_t len)
{
	struct sockaddr_in to4 = {
		.sin_family = AF_INET,
		.sin_port = htons(protocol == IPPROTO_UDP ? PROBE_PORT : 0)
	};
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	bool v4 = to->family == IP_FAMILY_4;
	int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_RAW;
	int fd = socket(v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, protocol);
	int r = 0;

	if (fd < 0)
		return -errno;
	memcpy(&to4.sin_addr, to->octets, sizeof(to4.sin_addr));
	memcpy(&to6.sin6_addr, to->octets, sizeof(to6.sin6_addr));
	if (mark != 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0)
		r = -errno;
	else if (sendto(fd, octets, len, MSG_DONTWAIT,
			v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
			v4 ? sizeof(to4) : sizeof(to6)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static size_t
build_esp(const struct probe *pr, uint8_t octets[PACKET_OCTETS])
{
	struct builder b = builder_make(octets, PACKET_OCTETS);

	builder_u32(&b, PROBE_SPI);
	builder_u32(&b, 1);
	builder_octets(&b, pr->token, sizeof(pr->token));
	return b.len;
}

/* A reset for a connection that is not there. */
static size_t
build_tcp(uint8_t octets[PACKET_OCTETS])
{
	struct builder b = builder_make(octets, PACKET_OCTETS);

	builder_u16(&b, PROBE_PORT);
	builder_u16(&b, PROBE_PORT);
	builder_u32(&b, 0);
	builder_u32(&b, 0);
	builder_u16(&b, 0x5004); /* 20 octets of header, RST */
	builder_zeros(&b, 6);
	return b.len;
}

/* Without a trace a rule that stops them is only not named. */
static void
send_inward(struct probe *pr)
{
	const struct policy_options *o = &pr->policy->options;
	struct ipaddr loopback = ipaddr_from_be32(htonl(INADDR_LOOPBACK));
	uint32_t mark = said_to_mark(o, said_probe(o));
	uint32_t done = said_to_mark(o, said_done(o));
	uint8_t octets[PACKET_OCTETS];
	int r[NFTGEN_QUEUES];
	size_t len;

	(void)table_trace(pr->table, true);
	len = build_tcp(octets);
	r[NFTGEN_QUEUE_SEAL_TCP] =
	    send_packet(&loopback, IPPROTO_TCP, mark, octets, len);
	r[NFTGEN_QUEUE_SEAL] =
	    send_packet(&loopback, IPPROTO_UDP, mark, octets, len);
	len = build_esp(pr, octets);
	/* DONE is for the trace alone: what arrives loses every mark */
	r[NFTGEN_QUEUE_DECAP] =
	    send_packet(&loopback, IPPROTO_ESP, done, octets, len);
	rulewatch_find_drop(&pr->trace, pr->lo_drop);
	(void)table_trace(pr->table, false);
	for (int kind = 0; kind < NFTGEN_QUEUES; kind++)
		snprintf(pr->trouble[kind], sizeof(pr->trouble[kind]), "%s%s",
			 r[kind] != 0 ? ": sending to 127.0.0.1 failed: " : "",
			 r[kind] != 0 ? strerror(-r[kind]) : "");
}

/* One ESP towards each peer; those that no route leads to are left out. */
static void
send_outward(struct probe *pr)
{
	const struct policy *p = pr->policy;
	uint32_t mark = said_to_mark(&p->options, said_done(&p->options));
	uint8_t octets[PACKET_OCTETS];
	size_t len = build_esp(pr, octets);
	uint64_t passed;
	int r;

	(void)table_trace(pr->table, true);
	for (size_t i = 0; i < p->n_assocs && i < PROBE_PEERS; i++) {
		const struct ipaddr *peer = &p->assocs[i].peer;

		if (!ipaddr_is_host(peer))
			continue;
		r = send_packet(peer, IPPROTO_ESP, mark, octets, len);
		/* EPERM: a rule dropped it, ours as it should or another's.
		 * 0 towards ourselves, or into a queue of others. */
		if (r != -EPERM)
			continue;
		pr->out_sent++;
		if (table_count(pr->table, COUNTER_OUT, &passed) == 0 &&
		    passed < pr->out_before + pr->out_sent &&
		    pr->blocked_peer[0] == '\0')
			ipaddr_format(peer, pr->blocked_peer);
	}
	rulewatch_find_drop(&pr->trace, pr->out_drop);
	(void)table_trace(pr->table, false);
}

int
probe_start(struct probe **out, struct table *t, const struct policy *p,
	    const uint8_t token[PROBE_TOKEN_OCTETS], probe_seen_fn *seen,
	    void *arg)
{
	struct probe *pr = calloc(1, sizeof(*pr));
	int r;

	*out = NULL;
	if (pr == NULL)
		return -ENOMEM;
	pr->table = t;
	pr->policy = p;
	pr->seen = seen;
	pr->arg = arg;
	memcpy(pr->token, token, sizeof(pr->token));
	r = rulewatch_open(&pr->trace);
	if (r == 0)
		r = table_count(t, COUNTER_OUT, &pr->out_before);
	if (r != 0) {
		probe_free(pr);
		return r;
	}
	send_inward(pr);
	send_outward(pr);
	*out = pr;
	return 0;
}

static void add_line(struct table_why *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
add_line(struct table_why *why, const char *fmt, ...)
{
	size_t n = strlen(why->text);
	va_list ap;

	if (n > 0 && n + 1 < sizeof(why->text))
		why->text[n++] = '\n';
	va_start(ap, fmt);
	vsnprintf(why->text + n, sizeof(why->text) - n, fmt, ap);
	va_end(ap);
}

static bool
all_seen(const struct probe *pr)
{
	for (int kind = 0; kind < NFTGEN_QUEUES; kind++)
		if (!pr->seen(pr->arg, (enum nftgen_queue)kind))
			return false;
	return true;
}

static void
tell_unseen(struct probe *pr, struct table_why *why)
{
	static const char *const what[NFTGEN_QUEUES] = {
		[NFTGEN_QUEUE_SEAL_TCP] = "outbound TCP",
		[NFTGEN_QUEUE_SEAL] = "outbound UDP",
		[NFTGEN_QUEUE_DECAP] = "inbound ESP",
	};

	for (int kind = 0; kind < NFTGEN_QUEUES; kind++)
		if (!pr->seen(pr->arg, (enum nftgen_queue)kind))
			add_line(why, "%s does not reach the engine%s",
				 what[kind], pr->trouble[kind]);
	if (pr->lo_drop[0] != '\0')
		add_line(why, "%s drops such packets on lo", pr->lo_drop);
}

static void
tell_blocked(const struct probe *pr, struct table_why *warning)
{
	if (pr->blocked_peer[0] == '\0')
		return;
	if (pr->out_drop[0] != '\0')
		add_line(warning,
			 "ESP towards %s is dropped by %s: it has to accept "
			 "`meta l4proto esp`",
			 pr->blocked_peer, pr->out_drop);
	else
		add_line(warning,
			 "ESP towards %s is dropped by a rule outside nftables "
			 "(iptables-legacy, BPF)",
			 pr->blocked_peer);
}

int
probe_step(struct probe *pr, uint64_t now_ms, struct table_why *why,
	   struct table_why *warning)
{
	why->text[0] = warning->text[0] = '\0';
	if (!pr->started) {
		pr->started = true;
		pr->started_ms = pr->sent_ms = now_ms;
	}
	if (!all_seen(pr)) {
		if (now_ms - pr->started_ms >= PROBE_LIMIT_MS) {
			tell_unseen(pr, why);
			return -ETIMEDOUT;
		}
		if (now_ms - pr->sent_ms >= RESEND_MS) {
			pr->sent_ms = now_ms;
			send_inward(pr);
		}
		return -EAGAIN;
	}
	tell_blocked(pr, warning);
	return table_verify(pr->table, why);
}

void
probe_free(struct probe *pr)
{
	if (pr == NULL)
		return;
	rulewatch_close(&pr->trace);
	free(pr);
}
