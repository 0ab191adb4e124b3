/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * greet_client ASSOCIATION ADDRESS PORT: prints what greet_server says, and
 * who that was.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <nfipsec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	struct nfipsec_info info;
	char text[512];
	ssize_t n;
	int fd, err;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: %s ASSOCIATION ADDRESS PORT\n",
			argv[0]);
		return 2;
	}
	at.sin_port = htons((uint16_t)atoi(argv[3]));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = nfipsec_bind(fd, argv[1]);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(-err));
		return 1;
	}
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		perror(argv[2]);
		return 1;
	}
	err = nfipsec_peer(fd, &info);
	if (err < 0) {
		fprintf(stderr, "who is that? %s\n", strerror(-err));
		return 1;
	}
	while ((n = read(fd, text, sizeof(text))) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	printf("said %s over SPI 0x%08x\n",
	       info.principal[0] != '\0' ? info.principal : info.association,
	       info.spi_out);
	return 0;
}
