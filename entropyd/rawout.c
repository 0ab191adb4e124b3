/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "entropyd/rawout.h"

static int
put(const uint8_t *samples, size_t n)
{
	while (n != 0) {
		ssize_t done = write(STDOUT_FILENO, samples, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -errno;
		samples += done;
		n -= (size_t)done;
	}
	return 0;
}

int
rawout_run(const struct source *source, uint64_t samples)
{
	struct noise noise = { .source = source, .fd = -1 };
	uint8_t buffer[NOISE_BATCH_MAX];
	int err = 0;

	if (source->kind->needs_fd) {
		noise.fd =
		    open(source->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (noise.fd < 0) {
			log_warn("%s", source->path);
			return 1;
		}
	}
	err = source->kind->open(&noise);
	while (err == 0 && samples != 0) {
		size_t want =
		    samples < sizeof(buffer) ? (size_t)samples : sizeof(buffer);
		ssize_t got = source->kind->read(&noise, buffer, want);

		if (got < 0)
			err = (int)got;
		else
			err = put(buffer, (size_t)got);
		if (err == 0)
			samples -= (uint64_t)got;
	}
	if (err != 0)
		log_warnx("source %s: %s", source->name, strerror(-err));
	return err != 0;
}
