/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/queuerule.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A rule message is under 300 octets, and there are 3 * 256 at most. */
#define BATCH_OCTETS    (256u * 1024)
#define RULE_OCTETS_MAX 1024
#define NETLINK_OCTETS  16384

/* Calls `each` for every queue chain. */
static int
for_each_chain(const struct nftgen_params *params,
	       int (*each)(void *arg, const char *chain, uint16_t queue),
	       void *arg)
{
	char chain[NFTGEN_COUNTER_MAX];
	int r = 0;

	for (int kind = 0; kind < NFTGEN_QUEUES; kind++)
		for (unsigned w = 0; w < params->workers && r == 0; w++)
			r = each(arg,
				 nftgen_queue_chain((enum nftgen_queue)kind, w,
						    chain),
				 (uint16_t)(params->first_queue[kind] + w));
	return r;
}

/* ---- nft's queue statement ---- */

static int
write_statement(void *arg, const char *chain, uint16_t queue)
{
	fprintf(arg, "insert rule inet " NFTGEN_MAIN " %s queue num %u\n",
		chain, queue);
	return 0;
}

static int
add_statements(struct nftctx *c, const struct nftgen_params *params,
	       struct table_why *why)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int r;

	if (f == NULL)
		return -ENOMEM;
	for_each_chain(params, write_statement, f);
	if (fclose(f) != 0)
		return -ENOMEM;
	r = nftctx_run_trusted(c, text, why);
	free(text);
	return r;
}

/* ---- the xt NFQUEUE target ---- */

struct batch {
	struct mnl_nlmsg_batch *b;
	uint32_t seq;
	unsigned rules;
};

static struct nftnl_expr *
target_expr(uint16_t queue)
{
	struct nftnl_expr *e = nftnl_expr_alloc("target");
	struct xt_NFQ_info_v3 *info;
	size_t len = XT_ALIGN(sizeof(*info));

	if (e == NULL)
		return NULL;
	info = calloc(1, len); /* the expression's from here on */
	if (info == NULL) {
		nftnl_expr_free(e);
		return NULL;
	}
	/* no NFQ_FLAG_BYPASS: without a listener packets are dropped */
	info->queuenum = queue;
	info->queues_total = 1;
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, (uint32_t)len);
	return e;
}

static int
put_target(void *arg, const char *chain, uint16_t queue)
{
	struct batch *batch = arg;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nftnl_expr *e = target_expr(queue);
	struct nlmsghdr *nlh;

	if (rule == NULL || e == NULL) {
		nftnl_expr_free(e);
		nftnl_rule_free(rule);
		return -ENOMEM;
	}
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFTGEN_MAIN);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	nftnl_rule_add_expr(rule, e);
	/* without NLM_F_APPEND it goes to the chain's head */
	nlh = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch->b),
				    NFT_MSG_NEWRULE, NFPROTO_INET,
				    NLM_F_CREATE | NLM_F_ACK, ++batch->seq);
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
	batch->rules++;
	return mnl_nlmsg_batch_next(batch->b) ? 0 : -EMSGSIZE;
}

/* Reads `rules` acknowledgements; the first error. */
static int
read_acks(struct mnl_socket *nl, const struct batch *batch)
{
	uint8_t octets[NETLINK_OCTETS];
	const struct nlmsghdr *nlh;
	unsigned acks = 0;
	int first = 0, len;
	ssize_t got;

	while (acks < batch->rules) {
		/* the socket is non-blocking; the kernel has already answered
		 * when the send returns */
		got = mnl_socket_recvfrom(nl, octets, sizeof(octets));
		if (got < 0)
			return first != 0 ? first : -errno;
		nlh = (const struct nlmsghdr *)octets;
		for (len = (int)got; mnl_nlmsg_ok(nlh, len);
		     nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
			acks++;
			if (first == 0)
				first = e->error;
			/* an error of the batch itself ends it */
			if (e->error != 0 && e->msg.nlmsg_seq <= 1)
				return first;
		}
	}
	return first;
}

static int
send_targets(struct mnl_socket *nl, const struct nftgen_params *params,
	     void *octets)
{
	struct batch batch = { .seq = 1 };
	int r;

	batch.b = mnl_nlmsg_batch_start(octets, BATCH_OCTETS - RULE_OCTETS_MAX);
	if (batch.b == NULL)
		return -ENOMEM;
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch.b), 1);
	mnl_nlmsg_batch_next(batch.b);
	r = for_each_chain(params, put_target, &batch);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch.b), ++batch.seq);
	mnl_nlmsg_batch_next(batch.b);
	if (r == 0 && mnl_socket_sendto(nl, mnl_nlmsg_batch_head(batch.b),
					mnl_nlmsg_batch_size(batch.b)) < 0)
		r = -errno;
	mnl_nlmsg_batch_stop(batch.b);
	return r != 0 ? r : read_acks(nl, &batch);
}

static int
add_targets(struct nftctx *c, const struct nftgen_params *params,
	    struct table_why *why)
{
	int copy = dup(c->fd), r = -ENOMEM;
	struct mnl_socket *nl = copy >= 0 ? mnl_socket_fdopen(copy) : NULL;
	void *octets = malloc(BATCH_OCTETS);

	if (nl == NULL)
		r = -errno;
	else if (octets != NULL)
		r = send_targets(nl, params, octets);
	free(octets);
	if (nl != NULL)
		mnl_socket_close(nl);
	else if (copy >= 0)
		close(copy);
	if (r != 0)
		table_why_set(why, "the xt NFQUEUE target: %s", strerror(-r));
	return r;
}

int
queuerule_add(struct nftctx *c, const struct nftgen_params *params,
	      enum table_variant wanted, enum table_variant *got,
	      struct table_why *why)
{
	struct table_why first = { "" }, second = { "" };

	*got = TABLE_VARIANT_NONE;
	if (wanted != TABLE_VARIANT_XT) {
		if (add_statements(c, params, &first) == 0) {
			*got = TABLE_VARIANT_QUEUE;
			return 0;
		}
	}
	if (wanted != TABLE_VARIANT_QUEUE) {
		if (add_targets(c, params, &second) == 0) {
			*got = TABLE_VARIANT_XT;
			return 0;
		}
	}
	table_why_set(
	    why,
	    "this kernel takes no queue rule (it needs the module nft_queue, "
	    "or nft_compat and xt_NFQUEUE)\n%.500s\n%.500s",
	    first.text, second.text);
	return -EOPNOTSUPP;
}
