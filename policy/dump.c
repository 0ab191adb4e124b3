/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "policy/dump.h"
#include "policy/instance.h"
#include "policy/number.h"

static const char *
yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

/* A word, or in the quotes that it does not hold. */
static void
dump_string(FILE *out, const char *text)
{
	if (text[0] != '\0' && strpbrk(text, " \t{};,=#\"'") == NULL)
		fputs(text, out);
	else if (strchr(text, '"') == NULL)
		fprintf(out, "\"%s\"", text);
	else
		fprintf(out, "'%s'", text);
}

/* Always in quotes. */
static void
dump_quoted(FILE *out, const char *text)
{
	const char *quote = strchr(text, '"') == NULL ? "\"" : "'";

	fprintf(out, "%s%s%s", quote, text, quote);
}

static void
dump_numbers(const struct policy_options *o, const struct policy_options *n,
	     FILE *out)
{
	if (o->workers != n->workers)
		fprintf(out, "\tworkers %u\n", o->workers);
	if (o->queue_length != n->queue_length)
		fprintf(out, "\tqueue-length %u\n", o->queue_length);
	if (o->max_sa != n->max_sa)
		fprintf(out, "\tmax-sa %u\n", o->max_sa);
	if (o->udp_encap_port != n->udp_encap_port)
		fprintf(out, "\tudp-encap-port %u\n", o->udp_encap_port);
}

static void
dump_options(const struct policy *p, FILE *out)
{
	struct policy *fresh = policy_new();
	const struct policy_options *o = &p->options, *n;

	if (fresh == NULL)
		return;
	n = &fresh->options;
	/* The three of SAIDs are always there: the manual speaks of them. */
	fprintf(out, "options {\n\tsaid-mask 0x%" PRIx32 "\n", o->said_mask);
	fprintf(out, "\tsaid-range 0x%" PRIx32 "-0x%" PRIx32 "\n",
		o->said_first, o->said_last);
	fprintf(out, "\tdynamic-said 0x%" PRIx32 "-0x%" PRIx32 "\n",
		o->dynamic_first, o->dynamic_last);
	dump_numbers(o, n, out);
	if (o->unknown_spi != n->unknown_spi)
		fputs("\tunknown-spi drop\n", out);
	if (o->by_default != n->by_default)
		fputs("\tdefault discard\n", out);
	if (o->park_packets != n->park_packets || o->park_secs != n->park_secs)
		fprintf(out, "\tpark packets %u seconds %u\n", o->park_packets,
			o->park_secs);
	if (o->allow_capture)
		fputs("\tallow-capture yes\n", out);
	if (o->allow_historic)
		fputs("\tallow-historic yes\n", out);
	fputs("}\n", out);
	policy_free(fresh);
}

static const char *
algo_text(enum algo a)
{
	if (a == ALGO_DES_CBC_1829_IV32)
		return "des-cbc-1829 iv 32";
	if (a == ALGO_DES_CBC_1829_IV64)
		return "des-cbc-1829 iv 64";
	return algo_info(a)->name;
}

void
dump_protect(const struct policy_assoc *a, char *out, size_t size)
{
	bool ah = a->ah_auth != ALGO_NONE, esp = a->esp_enc != ALGO_NONE;
	bool auth = a->esp_auth != ALGO_NONE;

	snprintf(out, size, "%s%s%s%s%s%s%s", ah ? "ah " : "",
		 ah ? algo_text(a->ah_auth) : "", ah && esp ? " " : "",
		 esp ? "esp " : "", esp ? algo_text(a->esp_enc) : "",
		 auth ? " " : "", auth ? algo_text(a->esp_auth) : "");
}

static void
dump_key(FILE *out, const char *word, const char *file, const uint8_t *key,
	 unsigned octets, bool show_keys)
{
	if (file != NULL) {
		fprintf(out, " %s-file ", word);
		dump_string(out, file);
	} else if (octets != 0 && !show_keys) {
		fprintf(out, " %s (hidden)", word);
	} else if (octets != 0) {
		fprintf(out, " %s 0x", word);
		for (unsigned i = 0; i < octets; i++)
			fprintf(out, "%02x", key[i]);
	}
}

static void
dump_direction(const struct policy_key *k, const char *word, FILE *out,
	       bool show_keys)
{
	if (k->place.line == 0)
		return;
	fprintf(out, "\t\t%s spi 0x%" PRIx32, word, k->spi);
	dump_key(out, "key", k->key_file, k->key, k->key_octets, show_keys);
	dump_key(out, "auth-key", k->auth_key_file, k->auth_key,
		 k->auth_key_octets, show_keys);
	dump_key(out, "ah-key", k->ah_key_file, k->ah_key, k->ah_key_octets,
		 show_keys);
	fputc('\n', out);
}

static void
dump_keying(const struct policy_assoc *a, FILE *out, bool show_keys)
{
	switch (a->keying) {
	case POLICY_KEYING_NONE:
		return;
	case POLICY_KEYING_MANUAL:
		fputs("\tkeying manual {\n", out);
		dump_direction(&a->out, "out", out, show_keys);
		dump_direction(&a->in, "in", out, show_keys);
		fputs("\t}\n", out);
		return;
	case POLICY_KEYING_KERBEROS:
		fputs("\tkeying kerberos {\n", out);
		if (a->local_principal != NULL) {
			fputs("\t\tlocal ", out);
			dump_string(out, a->local_principal);
			fputc('\n', out);
		}
		if (a->peer_principal != NULL) {
			fputs("\t\tpeer ", out);
			dump_string(out, a->peer_principal);
			fputc('\n', out);
		}
		if (a->accept_any_address)
			fputs("\t\taccept-any-address yes\n", out);
		if (a->secrecy == POLICY_SECRECY_REQUIRE)
			fputs("\t\tforward-secrecy require\n", out);
		else if (a->secrecy == POLICY_SECRECY_OFF)
			fputs("\t\tforward-secrecy off\n", out);
		fputs("\t}\n", out);
		return;
	case POLICY_KEYING_PHOTURIS:
		fputs("\tkeying photuris\n", out);
		return;
	}
}

static void
dump_limits(const char *word, uint64_t secs, uint64_t octets, uint64_t packets,
	    FILE *out)
{
	const struct {
		uint64_t v;
		enum number_unit unit;
	} limits[] = { { secs, NUMBER_SECS },
		       { octets, NUMBER_OCTETS },
		       { packets, NUMBER_PACKETS } };
	char text[NUMBER_TEXT];

	if ((secs | octets | packets) == 0)
		return;
	fprintf(out, " %s", word);
	for (size_t i = 0; i < 3; i++)
		if (limits[i].v != 0)
			fprintf(
			    out, " %s",
			    number_format(limits[i].v, limits[i].unit, text));
}

static void
dump_lifetime(const struct policy_lifetime *l, FILE *out)
{
	fputs("\tlifetime", out);
	dump_limits("soft", l->soft_secs, l->soft_octets, l->soft_packets, out);
	dump_limits("hard", l->hard_secs, l->hard_octets, l->hard_packets, out);
	fputc('\n', out);
}

static void
dump_names(char **names, const char *word, bool *first, FILE *out)
{
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		fprintf(out, "%s %s ", *first ? "\tbind" : ",", word);
		dump_string(out, names[i]);
		*first = false;
	}
}

static void
dump_traffic(const struct policy_assoc *a, FILE *out)
{
	static const char *const df[] = { [POLICY_DF_COPY] = "copy",
					  [POLICY_DF_SET] = "set",
					  [POLICY_DF_CLEAR] = "clear" };

	if (a->encap_udp)
		fputs("\tencap udp\n", out);
	if (!a->esn)
		fprintf(out, "\tesn %s\n", yes_no(a->esn));
	if (a->replay_window != 1024)
		fprintf(out, "\treplay-window %u\n", a->replay_window);
	if (a->tfc_pad == POLICY_TFC_PAD_MTU)
		fputs("\ttfc-pad mtu\n", out);
	else if (a->tfc_pad != 0)
		fprintf(out, "\ttfc-pad %" PRIu32 "\n", a->tfc_pad);
	if (a->dummy_rate != 0)
		fprintf(out, "\tdummy rate %" PRIu32 "/s\n", a->dummy_rate);
	if (a->dscp == POLICY_DSCP_SET)
		fprintf(out, "\tdscp set %u\n", a->dscp_value);
	if (a->df != POLICY_DF_COPY)
		fprintf(out, "\tdf %s\n", df[a->df]);
}

static void
dump_assoc(const struct policy_assoc *a, FILE *out, bool show_keys)
{
	char text[IPADDR_TEXT], peer[IPADDR_TEXT], protect[128];
	bool first = true;

	fprintf(out, "\nassociation %s {\n", a->name);
	fprintf(out, "\tsaid 0x%" PRIx32 "\n", a->said);
	fprintf(out, "\tlocal %s\n", ipaddr_format(&a->local, text));
	fprintf(out, "\tpeer %s\n", ipaddr_format(&a->peer, text));
	if (a->mode == POLICY_MODE_TUNNEL)
		fprintf(out, "\tmode tunnel outer %s %s\n",
			ipaddr_format(&a->outer_local, text),
			ipaddr_format(&a->outer_peer, peer));
	else
		fputs("\tmode transport\n", out);
	dump_protect(a, protect, sizeof(protect));
	fprintf(out, "\tprotect %s\n", protect);
	dump_traffic(a, out);
	if (a->at[POLICY_WORD_LIFETIME].line != 0)
		dump_lifetime(&a->lifetime, out);
	dump_keying(a, out, show_keys);
	dump_names(a->bind_users, "user", &first, out);
	dump_names(a->bind_groups, "group", &first, out);
	fputs(first ? "}\n" : "\n}\n", out);
}

static void
dump_principals(const struct policy *p, FILE *out)
{
	char text[IPADDR_TEXT];

	if (p->n_principals == 0)
		return;
	fputs("\nprincipals {\n", out);
	for (size_t i = 0; i < p->n_principals; i++) {
		const struct policy_principal *e = &p->principals[i];

		switch (e->kind) {
		case POLICY_PRINCIPAL_ADDRESS:
			fprintf(out, "\t%s ", ipaddr_format(&e->address, text));
			dump_string(out, e->principal);
			fputc('\n', out);
			break;
		case POLICY_PRINCIPAL_HOSTS:
			fputs("\thosts\n", out);
			break;
		case POLICY_PRINCIPAL_DNS:
			fputs("\tdns\n", out);
			break;
		}
	}
	fputs("}\n", out);
}

static void
dump_entropy(const struct policy_entropy *e, FILE *out)
{
	if (e->hwrng == NULL && !e->no_kernel && e->n_streams == 0)
		return;
	fputs("\nentropy {\n", out);
	if (e->hwrng != NULL) {
		fputs("\thwrng ", out);
		dump_quoted(out, e->hwrng);
		fputc('\n', out);
	}
	if (e->no_kernel)
		fputs("\tkernel no\n", out);
	for (size_t i = 0; i < e->n_streams; i++) {
		const struct policy_stream *s = &e->streams[i];

		fprintf(out, "\tstream %s ", s->name);
		dump_quoted(out, s->path);
		if (s->mbits != 0)
			fprintf(out, " bits %u.%03u", s->mbits / 1000,
				s->mbits % 1000);
		fputc('\n', out);
	}
	fputs("}\n", out);
}

static void
dump_flow(const struct policy *p, const struct policy_flow *f, FILE *out)
{
	const char *target = NULL;

	switch (f->target) {
	case POLICY_TARGET_ASSOC:
		target = p->assocs[f->assoc].name;
		break;
	case POLICY_TARGET_BYPASS:
		target = "bypass";
		break;
	case POLICY_TARGET_DISCARD:
		target = "discard";
		break;
	}
	fprintf(out, "flow %s %s ", f->inbound ? "in" : "out", target);
	dump_quoted(out, f->expression);
	fputc('\n', out);
}

void
dump_policy(const struct policy *p, FILE *out, bool show_keys)
{
	dump_options(p, out);
	for (size_t i = 0; i < p->n_assocs; i++)
		if (!instance_is(&p->assocs[i]))
			dump_assoc(&p->assocs[i], out, show_keys);
	dump_principals(p, out);
	dump_entropy(&p->entropy, out);
	if (p->n_defines > 0)
		fputc('\n', out);
	for (size_t i = 0; i < p->n_defines; i++)
		fprintf(out, "define %s = %s\n", p->defines[i].name,
			p->defines[i].text);
	if (p->n_flows > 0)
		fputc('\n', out);
	for (size_t i = 0; i < p->n_flows; i++)
		dump_flow(p, &p->flows[i], out);
}
