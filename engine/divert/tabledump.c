/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/divert/tabledump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "engine/divert/nftctx.h"

#define SEQ            1
#define NETLINK_OCTETS 16384

/* Sends the request in `octets` and calls `each` for every answer. */
static int
ask(const struct nlmsghdr *request, mnl_cb_t each, void *arg)
{
	uint8_t octets[NETLINK_OCTETS];
	struct mnl_socket *nl =
	    mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	ssize_t got = -1;
	int r = 0;

	if (nl == NULL)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
	    mnl_socket_sendto(nl, request, request->nlmsg_len) > 0) {
		do {
			got = mnl_socket_recvfrom(nl, octets, sizeof(octets));
			if (got <= 0)
				break;
			r = mnl_cb_run(octets, (size_t)got, SEQ,
				       mnl_socket_get_portid(nl), each, arg);
		} while (r > MNL_CB_STOP);
	}
	if (got < 0 || r < 0)
		r = -errno;
	mnl_socket_close(nl);
	return r;
}

/* ---- counters ---- */

struct counters {
	bool guard;
	table_count_fn *each;
	void *arg;
};

static int
take_counter(const struct nlmsghdr *nlh, void *arg)
{
	const struct counters *c = arg;
	struct nftnl_obj *o = nftnl_obj_alloc();

	if (o == NULL)
		return MNL_CB_ERROR;
	if (nftnl_obj_nlmsg_parse(nlh, o) == 0 &&
	    nftnl_obj_get_u32(o, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER)
		c->each(c->arg, c->guard, nftnl_obj_get_str(o, NFTNL_OBJ_NAME),
			nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_PKTS),
			nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_BYTES));
	nftnl_obj_free(o);
	return MNL_CB_OK;
}

int
tabledump_counters(const char *table, bool guard, table_count_fn *each,
		   void *arg)
{
	uint8_t octets[NETLINK_OCTETS];
	struct counters c = { guard, each, arg };
	struct nftnl_obj *o = nftnl_obj_alloc();
	struct nlmsghdr *nlh;

	if (o == NULL)
		return -ENOMEM;
	nlh = nftnl_nlmsg_build_hdr((char *)octets, NFT_MSG_GETOBJ,
				    NFPROTO_INET, NLM_F_DUMP, SEQ);
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, table);
	nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nftnl_obj_nlmsg_build_payload(nlh, o);
	nftnl_obj_free(o);
	return ask(nlh, take_counter, &c);
}

/* ---- owner ---- */

static int
take_owner(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();
	uint32_t *portid = arg;

	if (t == NULL)
		return MNL_CB_ERROR;
	if (nftnl_table_nlmsg_parse(nlh, t) == 0 &&
	    nftnl_table_is_set(t, NFTNL_TABLE_OWNER))
		*portid = nftnl_table_get_u32(t, NFTNL_TABLE_OWNER);
	nftnl_table_free(t);
	return MNL_CB_OK;
}

int
tabledump_owner(const char *table, uint32_t *portid)
{
	uint8_t octets[NETLINK_OCTETS];
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh;

	if (t == NULL)
		return -ENOMEM;
	*portid = 0;
	nlh = nftnl_nlmsg_build_hdr((char *)octets, NFT_MSG_GETTABLE,
				    NFPROTO_INET, NLM_F_ACK, SEQ);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
	nftnl_table_nlmsg_build_payload(nlh, t);
	nftnl_table_free(t);
	return ask(nlh, take_owner, portid);
}

/* ---- all of it ---- */

struct print {
	const char *table;
	uint32_t print;
	unsigned rules;
};

/* Every answer's attributes as they came; its head counts transactions. */
static int
take_object(const struct nlmsghdr *nlh, void *arg)
{
	struct print *p = arg;
	const struct nlattr *a;
	bool ours = false;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_TABLE_NAME &&
		    mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			ours = strcmp(mnl_attr_get_str(a), p->table) == 0;
	}
	if (!ours)
		return MNL_CB_OK;
	p->print = fnv_add(p->print, &nlh->nlmsg_type, sizeof(nlh->nlmsg_type));
	p->print =
	    fnv_add(p->print,
		    mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
		    mnl_nlmsg_get_payload_len(nlh) - sizeof(struct nfgenmsg));
	p->rules += (nlh->nlmsg_type & 0xff) == NFT_MSG_NEWRULE;
	return MNL_CB_OK;
}

static int
print_all(struct print *p, uint16_t type, uint16_t flags)
{
	uint8_t octets[NETLINK_OCTETS];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr((char *)octets, type,
						     NFPROTO_INET, flags, SEQ);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, p->table);
	return ask(nlh, take_object, p);
}

int
tabledump_print(const char *table, uint32_t *print, unsigned *rules)
{
	struct print p = { .table = table, .print = FNV_BEGIN };
	int err = print_all(&p, NFT_MSG_GETTABLE, NLM_F_ACK);

	if (err == 0)
		err = print_all(&p, NFT_MSG_GETCHAIN, NLM_F_DUMP);
	if (err == 0)
		err = print_all(&p, NFT_MSG_GETRULE, NLM_F_DUMP);
	*print = p.print;
	*rules = p.rules;
	return err;
}

static int
take_generation(const struct nlmsghdr *nlh, void *generation)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == NFTA_GEN_ID &&
		    mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			*(uint32_t *)generation = ntohl(mnl_attr_get_u32(a));
	}
	return MNL_CB_OK;
}

int
tabledump_generation(uint32_t *generation)
{
	uint8_t octets[NETLINK_OCTETS];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(
	    (char *)octets, NFT_MSG_GETGEN, AF_UNSPEC, NLM_F_ACK, SEQ);

	*generation = 0;
	return ask(nlh, take_generation, generation);
}

/* ---- rules ---- */

/* What is known of a chain's rules, one rule after the other. */
struct reader {
	const char *chain;
	const char *text;    /* the next line expected; NULL: no flow chain */
	unsigned rules, bad; /* bad: number of the first wrong one, from 1 */
	bool queue_first;
};

struct rule_facts {
	const char *counter;
	bool queue;
};

static int
look_at_expr(struct nftnl_expr *e, void *arg)
{
	struct rule_facts *f = arg;
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);

	if (strcmp(name, "objref") == 0)
		f->counter = nftnl_expr_get_str(e, NFTNL_EXPR_OBJREF_IMM_NAME);
	else if (strcmp(name, "queue") == 0)
		f->queue = true;
	else if (strcmp(name, "target") == 0)
		f->queue = strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME),
				  "NFQUEUE") == 0;
	return 0;
}

/* Takes the counter's name that stands in the next line of the text: the last
 * but for what a `goto { }` behind it counts. */
static size_t
next_counter(const char **text, const char **name)
{
	static const char word[] = "counter name ";
	const char *line = *text, *end = line + strcspn(line, "\n");
	const char *brace = memmem(line, (size_t)(end - line), " goto { ", 8);
	const char *stop = brace != NULL ? brace : end, *found = NULL;

	for (const char *at = line;
	     (at = strstr(at, word)) != NULL && at < stop; at++)
		found = at + sizeof(word) - 1;
	*text = *end == '\n' ? end + 1 : end;
	*name = found;
	return found != NULL ? strcspn(found, " \n") : 0;
}

static int
take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct reader *rd = arg;
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct rule_facts facts = { 0 };
	const char *want;
	size_t len;

	if (rule == NULL)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 &&
	    strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN), rd->chain) ==
		0) {
		nftnl_expr_foreach(rule, look_at_expr, &facts);
		if (rd->rules++ == 0)
			rd->queue_first = facts.queue;
		if (rd->text != NULL && rd->bad == 0) {
			len = next_counter(&rd->text, &want);
			if (len == 0 || facts.counter == NULL ||
			    strlen(facts.counter) != len ||
			    memcmp(facts.counter, want, len) != 0)
				rd->bad = rd->rules;
		}
	}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static int
read_chain(struct reader *rd)
{
	uint8_t octets[NETLINK_OCTETS];
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh;

	if (rule == NULL)
		return -ENOMEM;
	nlh = nftnl_nlmsg_build_hdr((char *)octets, NFT_MSG_GETRULE,
				    NFPROTO_INET, NLM_F_DUMP, SEQ);
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFTGEN_MAIN);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, rd->chain);
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	nftnl_rule_free(rule);
	return ask(nlh, take_rule, rd);
}

/* The first line inside the chain. */
static const char *
find_chain(const char *text, const char *chain)
{
	char head[NFTGEN_COUNTER_MAX + 16];
	const char *at;

	snprintf(head, sizeof(head), "\n\tchain %s {\n", chain);
	at = strstr(text, head);
	return at != NULL ? at + strlen(head) : "\t}\n";
}

static unsigned
count_lines(const char *line)
{
	unsigned n = 0;

	while (strncmp(line, "\t}", 2) != 0 && *line != '\0') {
		line += strcspn(line, "\n");
		line += *line == '\n';
		n++;
	}
	return n;
}

static int
verify_flows(const char *text, const char *chain, struct table_why *why)
{
	struct reader rd = { .chain = chain };
	unsigned want;
	int r;

	rd.text = find_chain(text, chain);
	want = count_lines(rd.text);
	r = read_chain(&rd);
	if (r == 0 && rd.bad != 0) {
		table_why_set(why,
			      "rule %u of chain %s is not the flow that "
			      "it should be",
			      rd.bad, chain);
		return -EBADMSG;
	}
	if (r == 0 && rd.rules != want) {
		table_why_set(why, "chain %s holds %u rules of %u", chain,
			      rd.rules, want);
		return -EBADMSG;
	}
	if (r != 0)
		table_why_set(why, "reading chain %s: %s", chain, strerror(-r));
	return r;
}

int
tabledump_verify(const char *text, const struct nftgen_params *params,
		 struct table_why *why)
{
	char chain[NFTGEN_COUNTER_MAX];
	int r = verify_flows(text, "flows-out", why);

	if (r == 0)
		r = verify_flows(text, "flows-in", why);
	for (int kind = 0; kind < NFTGEN_QUEUES && r == 0; kind++) {
		for (unsigned w = 0; w < params->workers && r == 0; w++) {
			struct reader rd = { .chain = chain };

			nftgen_queue_chain((enum nftgen_queue)kind, w, chain);
			r = read_chain(&rd);
			if (r == 0 && !rd.queue_first)
				r = -EBADMSG;
			if (r != 0)
				table_why_set(why, "no queue rule in chain %s",
					      chain);
		}
	}
	return r;
}
