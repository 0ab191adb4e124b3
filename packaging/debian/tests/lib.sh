# SPDX-License-Identifier: GPL-2.0-or-later
# Two hosts, network namespaces on one cable, whose configuration `nfipsec init`
# makes.  Sourced by the tests beside it; everything goes when the shell ends.
#
#   a: 10.77.0.1  eth0 ---- eth0  b: 10.77.0.2
set -eu
tmp=${AUTOPKGTEST_TMP:-$(mktemp -d)}
pids=

clean()
{
	status=$?
	trap - EXIT
	for pid in $pids; do kill -9 "$pid" 2>/dev/null || :; done
	for h in a b; do
		[ $status -eq 0 ] || sed "s/^/$h: /" "$tmp/$h.log" 2>/dev/null || :
		ip netns del "nft$$$h" 2>/dev/null || :
	done
	exit $status
}

fail()
{
	echo "FAILED: $*" >&2
	exit 1
}

on() # on HOST COMMAND...
{
	host=$1
	shift
	nsenter "$(in_ns "$host")" -- "$@"
}

# in_ns HOST: nsenter's option; what it runs in the background has its pid
in_ns()
{
	echo "--net=/run/netns/nft$$$1"
}

# wait_until SECONDS COMMAND...: emulated machines are slow
wait_until()
{
	tries=$(($1 * 10 * ${NFIPSEC_PATIENCE:-3}))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "not in time: $*"
		sleep 0.1
	done
}

cli() # cli HOST ARGUMENTS...
{
	host=$1
	shift
	on "$host" nfipsec --run-dir "$tmp/$host/run" "$@"
}

start() # start HOST
{
	nsenter "$(in_ns "$1")" -- nfipsecd -c "$tmp/$1/etc/nfipsec.conf" --run-dir "$tmp/$1/run" \
	    --state-dir "$tmp/$1/state" >>"$tmp/$1.log" 2>&1 &
	pids="$pids $!"
	eval "pid_$1=$!"
	wait_until 20 cli "$1" status
}

hosts()
{
	trap clean EXIT
	trap 'exit 1' HUP INT TERM
	for h in a b; do
		ip netns add "nft$$$h"
		mkdir -p "$tmp/$h/run" "$tmp/$h/state"
		on $h ip link set lo up
	done
	ip -n "nft$$a" link add eth0 type veth peer name eth0 netns "nft$$b"
	ip -n "nft$$a" addr add 10.77.0.1/24 dev eth0
	ip -n "nft$$b" addr add 10.77.0.2/24 dev eth0
	for h in a b; do ip -n "nft$$$h" link set eth0 up; done
	on a nfipsec init 10.77.0.2 --dir "$tmp/a/etc"
	on b nfipsec init --from - --dir "$tmp/b/etc" \
	    <"$tmp/a/etc/for-10.77.0.2.conf"
}

capture() # what passes between the hosts, into wire.pcap
{
	nsenter "$(in_ns b)" -- tcpdump -n -U -p -i eth0 -w "$tmp/wire.pcap" \
	    >"$tmp/tcpdump.log" 2>&1 &
	dump=$!
	pids="$pids $dump"
	wait_until 20 grep -q "listening on" "$tmp/tcpdump.log"
}

captured() # captured FILTER: how many packets
{
	tcpdump -n -r "$tmp/wire.pcap" "$1" 2>/dev/null | wc -l
}

stop_capture()
{
	sleep 2
	kill -INT "$dump"
	wait "$dump" || :
}
