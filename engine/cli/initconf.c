/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "engine/cli/initconf.h"
#include "policy/said.h"

#define FIRST_SAID 0x100

void
initconf_name(struct initconf *c)
{
	char peer[IPADDR_TEXT];

	(void)snprintf(c->name, sizeof(c->name), "host-%s",
		       ipaddr_format(&c->peer, peer));
	for (char *at = c->name; *at != '\0'; at++)
		if (*at == '.' || *at == ':')
			*at = '-';
}

struct initconf
initconf_turn(const struct initconf *c)
{
	struct initconf other = *c;

	other.local = c->peer;
	other.peer = c->local;
	other.out_spi = c->in_spi;
	other.in_spi = c->out_spi;
	memcpy(other.out_key, c->in_key, sizeof(other.out_key));
	memcpy(other.in_key, c->out_key, sizeof(other.in_key));
	other.said = FIRST_SAID;
	initconf_name(&other);
	return other;
}

static void
print_key(FILE *out, const char *direction, uint32_t spi, const uint8_t *key,
	  unsigned octets)
{
	(void)fprintf(out, "\t\t%s spi 0x%08" PRIx32 " key 0x", direction, spi);
	for (unsigned i = 0; i < octets; i++)
		(void)fprintf(out, "%02x", key[i]);
	(void)fputc('\n', out);
}

void
initconf_print(const struct initconf *c, FILE *out)
{
	const char *ip = c->peer.family == IP_FAMILY_6 ? "ip6" : "ip";
	char local[IPADDR_TEXT], peer[IPADDR_TEXT];
	unsigned octets = algo_keymat_octets(c->cipher);

	ipaddr_format(&c->local, local);
	ipaddr_format(&c->peer, peer);
	(void)fprintf(out,
		      "# Made by nfipsec init; change it as you like: "
		      "nfipsec.conf(5).\n"
		      "# Everything between %s and %s is protected.\n"
		      "association %s {\n"
		      "\tsaid 0x%" PRIx32 "\n"
		      "\tlocal %s\n"
		      "\tpeer %s\n"
		      "\tmode transport\n"
		      "\tprotect esp %s\n",
		      local, peer, c->name, c->said, local, peer,
		      algo_info(c->cipher)->name);
	if (c->peer_principal != NULL) {
		(void)fprintf(out,
			      "\tlifetime soft 50m hard 60m\n"
			      "\tkeying kerberos {\n"
			      "\t\tlocal %s\n"
			      "\t\tpeer %s\n"
			      "\t}\n"
			      "}\n"
			      "principals {\n"
			      "\t%s %s\n"
			      "}\n",
			      c->local_principal, c->peer_principal, peer,
			      c->peer_principal);
	} else {
		(void)fprintf(out, "\tkeying manual {\n");
		print_key(out, "out", c->out_spi, c->out_key, octets);
		print_key(out, "in", c->in_spi, c->in_key, octets);
		(void)fprintf(out, "\t}\n}\n");
	}
	(void)fprintf(out,
		      "flow out %s \"%s daddr %s\"\n"
		      "flow in %s \"%s saddr %s\"\n",
		      c->name, ip, peer, c->name, ip, peer);
}

const char *
initconf_take(struct initconf *c, const struct policy *p)
{
	const struct policy_assoc *a = p->assocs;

	if (p->n_assocs != 1 || p->n_flows != 2 ||
	    a->keying != POLICY_KEYING_MANUAL ||
	    a->mode != POLICY_MODE_TRANSPORT || a->esp_auth != ALGO_NONE ||
	    a->ah_auth != ALGO_NONE || !ipaddr_is_host(&a->local) ||
	    !ipaddr_is_host(&a->peer))
		return "not what nfipsec init makes for the other end";
	*c = (struct initconf){ .local = a->local,
				.peer = a->peer,
				.cipher = a->esp_enc,
				.out_spi = a->out.spi,
				.in_spi = a->in.spi };
	memcpy(c->out_key, a->out.key, sizeof(c->out_key));
	memcpy(c->in_key, a->in.key, sizeof(c->in_key));
	initconf_name(c);
	return NULL;
}

uint32_t
initconf_said(const struct policy *p)
{
	for (uint32_t said = p->options.said_first;
	     said <= p->options.said_last; said++) {
		bool taken = said_is_dynamic(&p->options, said);

		for (size_t i = 0; i < p->n_assocs; i++)
			taken |= p->assocs[i].said == said;
		if (!taken)
			return said;
	}
	return 0;
}
