# shellcheck shell=bash
# What every script here shares: where the checkout is, how to speak, how to fail.
#
# Sourced, never run. Exit statuses are those of sysexits(3).

EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70 EX_CANTCREAT=73 EX_CONFIG=78
export EX_USAGE EX_UNAVAILABLE EX_SOFTWARE EX_CANTCREAT EX_CONFIG

top=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd -P)

# Debian keeps nginx, runuser and the like where an ordinary user's PATH does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
# Messages that scripts read must not depend on the reader's language.
export LC_ALL=C.UTF-8
umask 022

say() { printf '%s\n' "$*"; }
note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die STATUS MESSAGE...
die() {
	local status=$1
	shift
	note "$@"
	exit "$status"
}

is_root() { [ "$EUID" -eq 0 ]; }

# until_true SECONDS CMD...: asks every 50 ms until CMD succeeds; fails when the time is over.
until_true() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}
