/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devmtu: the MTU of a device, asked for at most once a second.
 *
 * Owns one socket.  One thread.  ioctl(2) on a miss, nothing else.
 */
#ifndef ENGINE_NFQ_DEVMTU_H
#define ENGINE_NFQ_DEVMTU_H

#include <stdint.h>

#define DEVMTU_PLACES 16
#define DEVMTU_AGE_MS 1000

struct devmtu {
	int fd;
	struct {
		uint32_t ifindex, mtu;
		uint64_t at_ms;
	} places[DEVMTU_PLACES];
};

/* 0 or -errno. */
int devmtu_init(struct devmtu *d);
void devmtu_fini(struct devmtu *d);
/* 0: no such device any more. */
uint32_t devmtu_get(struct devmtu *d, uint32_t ifindex, uint64_t now_ms);
/* To be asked for anew: it has changed. */
void devmtu_forget(struct devmtu *d, uint32_t ifindex);

#endif
