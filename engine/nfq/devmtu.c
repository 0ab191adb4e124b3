/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/nfq/devmtu.h"

int
devmtu_init(struct devmtu *d)
{
	memset(d, 0, sizeof(*d));
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return d->fd < 0 ? -errno : 0;
}

void
devmtu_fini(struct devmtu *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static uint32_t
ask(int fd, uint32_t ifindex)
{
	struct ifreq r = { .ifr_ifindex = (int)ifindex };

	/* By name only; a device renamed in between is asked for again in a
	 * second. */
	if (ioctl(fd, SIOCGIFNAME, &r) < 0 || ioctl(fd, SIOCGIFMTU, &r) < 0 ||
	    r.ifr_mtu < 0)
		return 0;
	return (uint32_t)r.ifr_mtu;
}

uint32_t
devmtu_get(struct devmtu *d, uint32_t ifindex, uint64_t now_ms)
{
	unsigned at = ifindex % DEVMTU_PLACES;

	if (ifindex == 0)
		return 0;
	if (d->places[at].ifindex == ifindex &&
	    now_ms - d->places[at].at_ms < DEVMTU_AGE_MS)
		return d->places[at].mtu;
	d->places[at].ifindex = ifindex;
	d->places[at].at_ms = now_ms;
	d->places[at].mtu = ask(d->fd, ifindex);
	return d->places[at].mtu;
}

void
devmtu_forget(struct devmtu *d, uint32_t ifindex)
{
	if (d->places[ifindex % DEVMTU_PLACES].ifindex == ifindex)
		d->places[ifindex % DEVMTU_PLACES].ifindex = 0;
}
