/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * greet_server ASSOCIATION ADDRESS PORT: greets whoever connects by the name
 * under which the peer's host negotiated its keys.
 *
 * A client is served only when nfipsec says what protects the connection.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <nfipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
serve(int fd)
{
	struct nfipsec_info info;
	int err = nfipsec_peer(fd, &info);

	if (err < 0)
		dprintf(fd, "I do not know you: %s\n", strerror(-err));
	else
		dprintf(fd, "Hello, %s (%s, %s%s%s)\n",
			info.principal[0] != '\0' ? info.principal
						  : "you who hold the key",
			info.association, info.encryption,
			info.integrity[0] != '\0' ? " " : "", info.integrity);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	int fd, conn, err, one = 1;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: %s ASSOCIATION ADDRESS PORT\n",
			argv[0]);
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argv[3]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Before listen: what waits in a queue must have come protected. */
	err = nfipsec_bind(fd, argv[1]);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 16) < 0) {
		perror(argv[2]);
		return 1;
	}
	while ((conn = accept(fd, NULL, NULL)) >= 0)
		serve(conn);
	perror("accept");
	return 1;
}
