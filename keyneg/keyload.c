/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "keyneg/keyload.h"
#include "keyneg/kink/transform.h"

#define HOSTS "/etc/hosts"

/* NULL: it can be negotiated. */
static const char *
refusal(const struct policy_assoc *a, const struct keyconf_assoc *k)
{
	if (a->mode != POLICY_MODE_TRANSPORT)
		return "tunnel mode cannot be negotiated yet";
	if (a->ah_auth != ALGO_NONE && a->esp_enc != ALGO_NONE)
		return "AH and ESP together cannot be negotiated yet";
	if (a->local_principal == NULL || a->peer_principal == NULL)
		return "`keying kerberos` needs `local` and `peer`";
	if (strlen(a->local_principal) >= KEYCONF_PRINCIPAL_MAX ||
	    strlen(a->peer_principal) >= KEYCONF_PRINCIPAL_MAX)
		return "a principal is too long";
	if (strchr(a->local_principal, '@') == NULL ||
	    strchr(a->peer_principal, '@') == NULL)
		return "a principal is written with its realm";
	if (strchr(a->local_principal, '*') != NULL)
		return "the local principal is one name, not a pattern";
	return transform_refusal(k);
}

static enum keyconf_secrecy
secrecy_of(enum policy_secrecy s)
{
	switch (s) {
	case POLICY_SECRECY_PREFER:
		return KEYCONF_SECRECY_PREFER;
	case POLICY_SECRECY_REQUIRE:
		return KEYCONF_SECRECY_REQUIRE;
	case POLICY_SECRECY_OFF:
		return KEYCONF_SECRECY_OFF;
	}
	return KEYCONF_SECRECY_REQUIRE;
}

static int
add_assoc(struct keyconf *out, const struct policy_assoc *a)
{
	struct keyconf_assoc k = {
		.said = a->said,
		.local = a->local,
		.peer = a->peer,
		.accept_any_address = a->accept_any_address,
		.enc = (uint8_t)a->esp_enc,
		.auth = (uint8_t)(a->esp_enc == ALGO_NONE ? a->ah_auth
							  : a->esp_auth),
		.esn = a->esn,
		.secrecy = (uint8_t)secrecy_of(a->secrecy),
		.replay_window = a->replay_window,
		.limits = { a->lifetime.soft_secs, a->lifetime.soft_octets,
			    a->lifetime.soft_packets, a->lifetime.hard_secs,
			    a->lifetime.hard_octets, a->lifetime.hard_packets },
	};
	const char *why = refusal(a, &k);

	if (why != NULL) {
		log_warnx("%s:%u: association %s is left out: %s",
			  a->place.file, a->place.line, a->name, why);
		return 0;
	}
	snprintf(k.name, sizeof(k.name), "%s", a->name);
	snprintf(k.local_principal, sizeof(k.local_principal), "%s",
		 a->local_principal);
	snprintf(k.peer_pattern, sizeof(k.peer_pattern), "%s",
		 a->peer_principal);
	if (k.accept_any_address && strchr(k.peer_pattern, '*') != NULL)
		log_warnx("association %s: accept-any-address lets each of %s "
			  "speak for any address",
			  k.name, k.peer_pattern);
	return keyconf_add_assoc(out, &k);
}

int
keyload_hosts(struct keyconf *c, const char *path, const char *realm)
{
	FILE *f = fopen(path, "re");
	char line[4096];
	int ret = 0;

	if (f == NULL)
		return -errno;
	while (ret == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct keyconf_map m = { 0 };
		char *save, *word;

		line[strcspn(line, "#\n")] = '\0';
		word = strtok_r(line, " \t", &save);
		if (word == NULL || ipaddr_parse(word, &m.address) != 0 ||
		    !ipaddr_is_host(&m.address))
			continue;
		while ((word = strtok_r(NULL, " \t", &save)) != NULL)
			if (strchr(word, '.') != NULL)
				break;
		if (word == NULL)
			continue;
		/* RFC 4430 section 4.2.1: the name in lower case */
		for (char *p = word; *p != '\0'; p++)
			*p = (char)tolower((unsigned char)*p);
		if (snprintf(m.principal, sizeof(m.principal), "kink/%s@%s",
			     word, realm) < (int)sizeof(m.principal))
			ret = keyconf_add_map(c, &m);
	}
	fclose(f);
	return ret;
}

static int
add_principal(struct keyconf *out, const struct policy_principal *p)
{
	struct keyconf_map m = { .address = p->address };
	const char *realm;
	int ret;

	switch (p->kind) {
	case POLICY_PRINCIPAL_ADDRESS:
		if (snprintf(m.principal, sizeof(m.principal), "%s",
			     p->principal) >= (int)sizeof(m.principal))
			return -E2BIG;
		return keyconf_add_map(out, &m);
	case POLICY_PRINCIPAL_HOSTS:
		if (out->assocs == 0)
			return 0;
		/* Hosts have no realm: they are of ours. */
		realm = strrchr(out->assoc[0].local_principal, '@') + 1;
		ret = keyload_hosts(out, HOSTS, realm);
		if (ret != 0)
			log_warnx("principals: %s: %s", HOSTS, strerror(-ret));
		return ret == -ENOMEM ? ret : 0;
	case POLICY_PRINCIPAL_DNS:
		log_warnx("principals: `dns` is not there yet: write the "
			  "addresses out, or use `hosts`");
		return -ENOTSUP;
	}
	return -EINVAL;
}

int
keyload_from_policy(const struct policy *p, struct keyconf *out)
{
	int ret = 0;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; ret == 0 && i < p->n_assocs; i++)
		if (p->assocs[i].keying == POLICY_KEYING_KERBEROS)
			ret = add_assoc(out, &p->assocs[i]);
	for (size_t i = 0; ret == 0 && i < p->n_principals; i++)
		ret = add_principal(out, &p->principals[i]);
	if (ret != 0)
		keyconf_fini(out);
	return ret;
}
