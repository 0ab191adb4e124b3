/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"
#include "entropyd/drbg.h"
#include "entropyd/pool.h"

#define KERNEL_OCTETS 32

struct pool {
	struct drbg drbg;
	struct conditioner conditioner;
	struct pool_counts counts;
};

/* The kernel's octets, or none while its generator is not ready. */
static size_t
kernel_octets(struct pool *p, uint8_t out[KERNEL_OCTETS])
{
	ssize_t got = getrandom(out, KERNEL_OCTETS, GRND_NONBLOCK);

	p->counts.kernel_ready = got == KERNEL_OCTETS;
	return p->counts.kernel_ready ? KERNEL_OCTETS : 0;
}

/* Before the kernel is ready this is all there is to tell two machines
 * apart; none of it counts. */
static int
instantiate(struct pool *p)
{
	uint8_t kernel[KERNEL_OCTETS], key[CONDITIONER_OCTETS];
	size_t n = kernel_octets(p, kernel);
	struct {
		struct timespec real, boot;
		pid_t pid;
		void *place;
	} nonce;
	static const char personal[] = "nfipsec entropyd pool 1";
	int err;

	memset(&nonce, 0, sizeof(nonce));
	clock_gettime(CLOCK_REALTIME, &nonce.real);
	clock_gettime(CLOCK_BOOTTIME, &nonce.boot);
	nonce.pid = getpid();
	nonce.place = p;
	err = drbg_instantiate(
	    &p->drbg, (struct drbg_octets){ kernel, n },
	    (struct drbg_octets){ &nonce, sizeof(nonce) },
	    (struct drbg_octets){ personal, sizeof(personal) - 1 });
	if (err == 0)
		err = drbg_generate(&p->drbg, key, sizeof(key),
				    (struct drbg_octets){ NULL, 0 });
	if (err == 0)
		conditioner_init(&p->conditioner, key);
	secret_wipe(kernel, sizeof(kernel));
	secret_wipe(key, sizeof(key));
	return err;
}

struct pool *
pool_new(void)
{
	struct pool *p = secret_alloc(sizeof(*p));
	int err;

	if (p == NULL)
		return NULL;
	err = madvise(p, sizeof(*p), MADV_DONTFORK) != 0 ? -errno
							 : instantiate(p);
	if (err != 0) {
		secret_free(p, sizeof(*p));
		errno = -err;
		return NULL;
	}
	return p;
}

void
pool_free(struct pool *p)
{
	secret_free(p, sizeof(*p));
}

int
pool_mix(struct pool *p, const uint8_t *octets, size_t n)
{
	uint8_t kernel[KERNEL_OCTETS];
	size_t got = kernel_octets(p, kernel);
	int err;

	err = got != 0
		  ? drbg_reseed(&p->drbg, (struct drbg_octets){ kernel, got },
				(struct drbg_octets){ octets, n })
		  : drbg_mix(&p->drbg, (struct drbg_octets){ octets, n });
	secret_wipe(kernel, sizeof(kernel));
	return err;
}

struct conditioner *
pool_conditioner(struct pool *p)
{
	return &p->conditioner;
}

int
pool_reseed(struct pool *p, const uint8_t block[CONDITIONER_OCTETS])
{
	uint8_t kernel[KERNEL_OCTETS];
	size_t got = kernel_octets(p, kernel);
	int err;

	err = drbg_reseed(&p->drbg,
			  (struct drbg_octets){ block, CONDITIONER_OCTETS },
			  (struct drbg_octets){ kernel, got });
	secret_wipe(kernel, sizeof(kernel));

	if (err == 0) {
		p->counts.reseeds++;
		p->counts.credited_bits += CONDITIONER_BITS;
	}
	return err;
}

int
pool_refresh(struct pool *p)
{
	return pool_mix(p, NULL, 0);
}

bool
pool_ready(struct pool *p)
{
	uint8_t kernel[KERNEL_OCTETS];

	if (p->counts.credited_bits == 0 && !p->counts.kernel_ready &&
	    kernel_octets(p, kernel) != 0) {
		(void)pool_mix(p, kernel, sizeof(kernel));
		secret_wipe(kernel, sizeof(kernel));
	}
	return p->drbg.ready &&
	       (p->counts.credited_bits != 0 || p->counts.kernel_ready);
}

bool
pool_broken(const struct pool *p)
{
	return !p->drbg.ready;
}

int
pool_read(struct pool *p, void *out, size_t n)
{
	uint8_t kernel[KERNEL_OCTETS];
	size_t got;
	int err;

	if (!pool_ready(p))
		return -EAGAIN;
	got = kernel_octets(p, kernel);
	err = drbg_generate(&p->drbg, out, n,
			    (struct drbg_octets){ kernel, got });
	secret_wipe(kernel, sizeof(kernel));
	if (err == 0) {
		p->counts.requests++;
		p->counts.octets += n;
	}
	return err;
}

struct pool_counts
pool_counts(const struct pool *p)
{
	return p->counts;
}
