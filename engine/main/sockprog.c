/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/main/sockprog.h"

#define PROGRAM_MAX 64
#define LO_IFINDEX  1 /* in every network namespace */
#define IP4_AT_DST  16

/* A program as it grows.  Jumps to the two ends are patched at last. */
struct program {
	struct bpf_insn at[PROGRAM_MAX];
	unsigned n;
};

static void
emit(struct program *p, uint8_t code, uint8_t dst, uint8_t src, int16_t off,
     uint32_t imm)
{
	if (p->n < PROGRAM_MAX)
		p->at[p->n] = (struct bpf_insn){
			.code = code,
			.dst_reg = dst & 15,
			.src_reg = src & 15,
			.off = off,
			.imm = (int32_t)imm,
		};
	p->n++;
}

#define LOAD32(p, dst, src, off)                                               \
	emit(p, BPF_LDX | BPF_MEM | BPF_W, dst, src, (int16_t)(off), 0)
#define LOAD64(p, dst, src, off)                                               \
	emit(p, BPF_LDX | BPF_MEM | BPF_DW, dst, src, (int16_t)(off), 0)
#define STORE32(p, dst, off, src)                                              \
	emit(p, BPF_STX | BPF_MEM | BPF_W, dst, src, (int16_t)(off), 0)
#define MOVE(p, dst, src) emit(p, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define SET(p, dst, imm)  emit(p, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define ADD(p, dst, imm)  emit(p, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
/* 32 bits: an immediate of 64-bit operations would be sign extended. */
#define AND32(p, dst, imm) emit(p, BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, imm)
#define OR32(p, dst, imm)  emit(p, BPF_ALU | BPF_OR | BPF_K, dst, 0, 0, imm)
#define CALL(p, which)     emit(p, BPF_JMP | BPF_CALL, 0, 0, 0, which)
#define JUMP_EQ64(p, reg, imm)                                                 \
	emit(p, BPF_JMP | BPF_JEQ | BPF_K, reg, 0, 0, imm)
#define JUMP_EQ32(p, reg, imm)                                                 \
	emit(p, BPF_JMP32 | BPF_JEQ | BPF_K, reg, 0, 0, imm)
#define JUMP_NE32(p, reg, imm)                                                 \
	emit(p, BPF_JMP32 | BPF_JNE | BPF_K, reg, 0, 0, imm)
#define JUMP(p) emit(p, BPF_JMP | BPF_JA, 0, 0, 0, 0)

/* The jump at `from` goes to where the program is now. */
static void
land(struct program *p, unsigned from)
{
	if (from < PROGRAM_MAX)
		p->at[from].off = (int16_t)(p->n - from - 1);
}

static void
leave(struct program *p, uint32_t verdict)
{
	SET(p, BPF_REG_0, verdict);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* ---- the programs ---------------------------------------------------------
 */

/* BPF_CGROUP_INET_SOCK_CREATE: r1 is a struct bpf_sock.  MPTCP sends by
 * sockets of the kernel's own, which no program sees and nobody marks. */
static void
build_create(struct program *p, const struct sockprog *what)
{
	const size_t mark = offsetof(struct bpf_sock, mark);
	unsigned other;

	LOAD32(p, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_sock, protocol));
	JUMP_NE32(p, BPF_REG_2, IPPROTO_MPTCP);
	other = p->n - 1;
	leave(p, 0);
	land(p, other);
	LOAD32(p, BPF_REG_2, BPF_REG_1, mark);
	AND32(p, BPF_REG_2, ~what->mask);
	OR32(p, BPF_REG_2, what->mark);
	STORE32(p, BPF_REG_1, mark, BPF_REG_2);
	leave(p, 1);
}

/* One 32-bit word of an address: jumps, to be landed, when it is not the
 * peer's.  Returns the jump, PROGRAM_MAX for a word that does not matter. */
static unsigned
compare_word(struct program *p, size_t off, const uint8_t *octets,
	     unsigned bits)
{
	uint32_t want, mask;

	if (bits == 0)
		return PROGRAM_MAX;
	memcpy(&want, octets, sizeof(want));
	mask = htonl(bits >= 32 ? UINT32_MAX : ~(UINT32_MAX >> bits));
	LOAD32(p, BPF_REG_2, BPF_REG_6, off);
	AND32(p, BPF_REG_2, mask);
	JUMP_NE32(p, BPF_REG_2, want);
	return p->n - 1;
}

/* Jumps for "outside the peer" into out[], their number. */
static unsigned
compare_peer(struct program *p, const struct ipaddr *peer, bool six,
	     unsigned out[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const size_t v4 = offsetof(struct bpf_sock_addr, user_ip4);
	const size_t v6 = offsetof(struct bpf_sock_addr, user_ip6);
	unsigned n = 0;

	if (!six && peer->family == IP_FAMILY_4) {
		out[n++] = compare_word(p, v4, peer->octets, peer->prefix);
	} else if (six && peer->family == IP_FAMILY_4) {
		for (unsigned i = 0; i < 3; i++)
			out[n++] =
			    compare_word(p, v6 + 4 * i, mapped + 4 * i, 32);
		out[n++] = compare_word(p, v6 + 12, peer->octets, peer->prefix);
	} else if (six) {
		for (unsigned i = 0; i < 4; i++)
			out[n++] = compare_word(
			    p, v6 + 4 * i, peer->octets + 4 * i,
			    peer->prefix > 32 * i ? peer->prefix - 32 * i : 0);
	} else {
		JUMP(p);
		out[n++] = p->n - 1;
	}
	return n;
}

/* Sets the socket's mark (r7 what it was) to have these bits of ours. */
static void
set_mark(struct program *p, const struct sockprog *what, uint32_t bits)
{
	AND32(p, BPF_REG_7, ~what->mask);
	if (bits != 0)
		OR32(p, BPF_REG_7, bits);
	STORE32(p, BPF_REG_10, -8, BPF_REG_7);
	MOVE(p, BPF_REG_1, BPF_REG_6);
	SET(p, BPF_REG_2, SOL_SOCKET);
	SET(p, BPF_REG_3, SO_MARK);
	MOVE(p, BPF_REG_4, BPF_REG_10);
	ADD(p, BPF_REG_4, (uint32_t)-8);
	SET(p, BPF_REG_5, sizeof(uint32_t));
	CALL(p, BPF_FUNC_setsockopt);
}

/* BPF_CGROUP_INET4_CONNECT and its like: r1 is a struct bpf_sock_addr.  A
 * datagram that is being sent has taken its mark already, so it waits for the
 * next try. */
static void
build_address(struct program *p, const struct sockprog *what, bool six,
	      bool sends)
{
	unsigned outside[4], n, none, same;

	MOVE(p, BPF_REG_6, BPF_REG_1);
	LOAD64(p, BPF_REG_2, BPF_REG_6, offsetof(struct bpf_sock_addr, sk));
	JUMP_EQ64(p, BPF_REG_2, 0);
	none = p->n - 1;
	LOAD32(p, BPF_REG_7, BPF_REG_2, offsetof(struct bpf_sock, mark));
	MOVE(p, BPF_REG_8, BPF_REG_7);
	AND32(p, BPF_REG_8, what->mask);
	n = compare_peer(p, &what->peer, six, outside);
	/* inside */
	JUMP_EQ32(p, BPF_REG_8, what->mark);
	same = p->n - 1;
	if (!sends)
		set_mark(p, what, what->mark);
	leave(p, !sends);
	land(p, same);
	leave(p, 1);
	for (unsigned i = 0; i < n; i++)
		land(p, outside[i]);
	JUMP_NE32(p, BPF_REG_8, what->mark);
	same = p->n - 1;
	set_mark(p, what, 0);
	leave(p, !sends);
	land(p, none);
	land(p, same);
	leave(p, 1);
}

/* BPF_CGROUP_INET_EGRESS: r1 is a struct __sk_buff that begins with its IP
 * header.  Whatever became of a socket's mark, and whatever the kernel sends on
 * its behalf: nothing goes to the peer without a SAID, or the DONE mark that
 * sealed packets have. */
static void
build_egress(struct program *p, const struct sockprog *what)
{
	unsigned pass[5], n = 0;

	MOVE(p, BPF_REG_6, BPF_REG_1);
	LOAD32(p, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, mark));
	AND32(p, BPF_REG_2, what->mask);
	JUMP_NE32(p, BPF_REG_2, 0);
	pass[n++] = p->n - 1;
	LOAD32(p, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, ifindex));
	JUMP_EQ32(p, BPF_REG_2, LO_IFINDEX);
	pass[n++] = p->n - 1;
	LOAD32(p, BPF_REG_2, BPF_REG_6, offsetof(struct __sk_buff, protocol));
	JUMP_NE32(p, BPF_REG_2, htons(ETH_P_IP));
	pass[n++] = p->n - 1;
	MOVE(p, BPF_REG_1, BPF_REG_6);
	SET(p, BPF_REG_2, IP4_AT_DST);
	MOVE(p, BPF_REG_3, BPF_REG_10);
	ADD(p, BPF_REG_3, (uint32_t)-8);
	SET(p, BPF_REG_4, sizeof(uint32_t));
	CALL(p, BPF_FUNC_skb_load_bytes);
	JUMP_NE32(p, BPF_REG_0, 0);
	pass[n++] = p->n - 1;
	MOVE(p, BPF_REG_6, BPF_REG_10);
	pass[n++] =
	    compare_word(p, (size_t)-8, what->peer.octets, what->peer.prefix);
	leave(p, 0);
	for (unsigned i = 0; i < n; i++)
		land(p, pass[i]);
	leave(p, 1);
}

/* ---- into the kernel ------------------------------------------------------
 */

static long
bpf(int command, union bpf_attr *attr)
{
	return syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int
attach(int cgroup_fd, const struct program *p, enum bpf_prog_type type,
       enum bpf_attach_type where)
{
	union bpf_attr attr;
	int fd, err = 0;

	if (p->n > PROGRAM_MAX)
		return -E2BIG;
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = where;
	attr.insns = (uintptr_t)p->at;
	attr.insn_cnt = p->n;
	attr.license = (uintptr_t) "GPL";
	memcpy(attr.prog_name, "nfipsec_run", sizeof("nfipsec_run"));
	fd = (int)bpf(BPF_PROG_LOAD, &attr);
	if (fd < 0)
		return -errno;
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup_fd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = where;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (bpf(BPF_PROG_ATTACH, &attr) < 0)
		err = -errno;
	close(fd);
	return err;
}

int
sockprog_attach(int cgroup_fd, const struct sockprog *what)
{
	static const struct {
		enum bpf_attach_type where;
		bool six, sends;
	} addresses[] = {
		{ BPF_CGROUP_INET4_CONNECT, false, false },
		{ BPF_CGROUP_INET6_CONNECT, true, false },
		{ BPF_CGROUP_UDP4_SENDMSG, false, true },
		{ BPF_CGROUP_UDP6_SENDMSG, true, true },
	};
	struct program p = { .n = 0 };
	int err;

	build_create(&p, what);
	err = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SOCK,
		     BPF_CGROUP_INET_SOCK_CREATE);
	if (err == 0 && what->peer.family == IP_FAMILY_4) {
		p.n = 0;
		build_egress(&p, what);
		err = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SKB,
			     BPF_CGROUP_INET_EGRESS);
	}
	if (!what->others_clear || what->peer.family == IP_FAMILY_NONE)
		return err;
	for (size_t i = 0;
	     err == 0 && i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		p.n = 0;
		build_address(&p, what, addresses[i].six, addresses[i].sends);
		err = attach(cgroup_fd, &p, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			     addresses[i].where);
	}
	return err;
}
