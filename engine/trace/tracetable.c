/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/trace/tracetable.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIMIT "limit rate 20/second burst 40 packets"

struct tracetable {
	struct nft_ctx *nft;
	char name[64];
};

static void
write_chain(FILE *f, const char *name, const char *hook, const char *expression)
{
	fprintf(f, "\tchain %s {\n\t\ttype filter hook %s; policy accept;\n",
		name, hook);
	if (expression != NULL)
		fprintf(f, "\t\t%s " LIMIT " meta nftrace set 1\n", expression);
	fputs("\t}\n", f);
}

static char *
write_table(const struct tracetable *t, const char *expression, bool in,
	    bool out)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		return NULL;
	fprintf(f, "table inet %s {\n\tflags owner\n", t->name);
	if (in) {
		write_chain(f, TRACETABLE_FIRST, "prerouting priority -399",
			    expression);
		write_chain(f, TRACETABLE_OPENED, "prerouting priority -309",
			    expression);
	}
	if (out) {
		write_chain(f, TRACETABLE_OUT, "output priority -399",
			    expression);
		write_chain(f, TRACETABLE_FORWARDED, "forward priority -399",
			    expression);
	}
	write_chain(f, TRACETABLE_DELIVERED, "input priority 2147483646", NULL);
	write_chain(f, TRACETABLE_LEFT, "postrouting priority 2147483646",
		    NULL);
	fputs("}\n", f);
	return fclose(f) == 0 ? text : NULL;
}

/* The first line that says what is wrong; the rest quotes our text. */
static void
take_error(const char *error, char *why, size_t size)
{
	static const char word[] = "Error: ";
	const char *at = strstr(error, word);

	at = at == NULL ? error : at + sizeof(word) - 1;
	(void)snprintf(why, size, "nft: %.*s", (int)strcspn(at, "\n"), at);
}

int
tracetable_open(struct tracetable **out, const char *expression, bool in,
		bool outbound, char *why, size_t size)
{
	struct tracetable *t = calloc(1, sizeof(*t));
	char *text = NULL;
	int err = -ENOMEM;

	*out = NULL;
	(void)snprintf(why, size, "out of memory");
	if (t == NULL)
		return -ENOMEM;
	(void)snprintf(t->name, sizeof(t->name), "nfipsec-trace-%ld",
		       (long)getpid());
	t->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	text = write_table(t, expression, in, outbound);
	if (t->nft == NULL || text == NULL ||
	    nft_ctx_buffer_output(t->nft) != 0 ||
	    nft_ctx_buffer_error(t->nft) != 0)
		goto fail;
	nft_ctx_output_set_flags(t->nft, NFT_CTX_OUTPUT_HANDLE);
	if (nft_run_cmd_from_buffer(t->nft, text) != 0) {
		take_error(nft_ctx_get_error_buffer(t->nft), why, size);
		err = strstr(why, strerror(EPERM)) != NULL ? -EPERM : -EINVAL;
		goto fail;
	}
	free(text);
	*out = t;
	return 0;
fail:
	free(text);
	tracetable_close(t);
	return err;
}

void
tracetable_close(struct tracetable *t)
{
	if (t == NULL)
		return;
	if (t->nft != NULL)
		nft_ctx_free(t->nft); /* and the table goes */
	free(t);
}

const char *
tracetable_name(const struct tracetable *t)
{
	return t->name;
}

/* libxtables, behind nft, writes to stderr of tables that iptables made. */
static int
hush(void)
{
	int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)fflush(stderr);
	if (kept >= 0 && null >= 0)
		(void)dup2(null, 2);
	if (null >= 0)
		close(null);
	return kept;
}

static void
unhush(int kept)
{
	if (kept < 0)
		return;
	(void)dup2(kept, 2);
	close(kept);
}

const char *
tracetable_list(struct tracetable *t, const char *family, const char *name)
{
	char command[128];
	int r, kept;

	(void)snprintf(command, sizeof(command), "list table %s %s", family,
		       name);
	nft_ctx_get_output_buffer(t->nft);
	kept = hush();
	r = nft_run_cmd_from_buffer(t->nft, command);
	unhush(kept);
	nft_ctx_get_error_buffer(t->nft);
	return r == 0 ? nft_ctx_get_output_buffer(t->nft) : NULL;
}
