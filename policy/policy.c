/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "policy/policy.h"

struct policy *
policy_new(void)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->options = (struct policy_options){
		.said_mask = 0x3fff,
		.said_first = 0x100,
		.said_last = 0x3ff,
		.dynamic_first = 0x300,
		.dynamic_last = 0x3ff,
		.queue_length = 8192,
		.max_sa = 65536,
		.udp_encap_port = 4500,
		.unknown_spi = POLICY_UNKNOWN_SPI_PASS,
		.by_default = POLICY_DEFAULT_ALLOW,
		.park_packets = 64,
		.park_secs = 10,
	};
	return p;
}

static void
free_names(char **names)
{
	if (names == NULL)
		return;
	for (size_t i = 0; names[i] != NULL; i++)
		free(names[i]);
	free(names);
}

static void
free_assoc(struct policy_assoc *a)
{
	free(a->out.key_file);
	free(a->out.auth_key_file);
	free(a->out.ah_key_file);
	free(a->in.key_file);
	free(a->in.auth_key_file);
	free(a->in.ah_key_file);
	free(a->local_principal);
	free(a->peer_principal);
	free(a->instance_principal);
	free_names(a->bind_users);
	free_names(a->bind_groups);
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_assocs; i++)
		free_assoc(&p->assocs[i]);
	if (p->n_assocs != 0)
		secret_wipe(p->assocs, p->n_assocs * sizeof(*p->assocs));
	free(p->assocs);
	for (size_t i = 0; i < p->n_flows; i++)
		free(p->flows[i].expression);
	free(p->flows);
	for (size_t i = 0; i < p->n_defines; i++) {
		free(p->defines[i].name);
		free(p->defines[i].text);
	}
	free(p->defines);
	for (size_t i = 0; i < p->n_principals; i++)
		free(p->principals[i].principal);
	free(p->principals);
	free(p->entropy.hwrng);
	for (size_t i = 0; i < p->entropy.n_streams; i++)
		free(p->entropy.streams[i].path);
	for (size_t i = 0; i < p->n_files; i++)
		free(p->files[i]);
	free(p->files);
	free(p);
}

const struct policy_assoc *
policy_assoc_by_name(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->n_assocs; i++)
		if (strcmp(p->assocs[i].name, name) == 0)
			return &p->assocs[i];
	return NULL;
}

const struct policy_assoc *
policy_assoc_by_said(const struct policy *p, uint32_t said)
{
	for (size_t i = 0; i < p->n_assocs; i++)
		if (p->assocs[i].said == said)
			return &p->assocs[i];
	return NULL;
}

const char *
policy_flow_target(const struct policy *p, const struct policy_flow *f)
{
	switch (f->target) {
	case POLICY_TARGET_ASSOC:
		return p->assocs[f->assoc].name;
	case POLICY_TARGET_BYPASS:
		return "bypass";
	case POLICY_TARGET_DISCARD:
		return "discard";
	}
	return "";
}

enum algo
policy_auth_key_algo(const struct policy_assoc *a)
{
	return a->esp_auth != ALGO_NONE ? a->esp_auth : a->ah_auth;
}

enum algo
policy_ah_key_algo(const struct policy_assoc *a)
{
	return a->esp_auth != ALGO_NONE ? a->ah_auth : ALGO_NONE;
}
