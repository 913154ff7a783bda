#!/bin/sh
# Prints the path of a promtool: the PROMTOOL of the environment, one in PATH, one in the cache; with
# --fetch, else one taken out of Debian's prometheus package into the cache. Nothing is installed:
# the package would bring a service along. Exit 1 when there is none.
# Usage: scripts/lib/promtool.sh [--fetch]
set -eu
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cardkeep

if [ -n "${PROMTOOL:-}" ]; then
	echo "$PROMTOOL"
	exit 0
fi
if command -v promtool; then
	exit 0
fi
if [ ! -x "$cache/promtool" ]; then
	[ "${1:-}" = --fetch ] || exit 1
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	# apt fetches as a user of its own, who must be able to write there.
	chmod 777 "$work"
	(cd "$work" && apt-get download -q prometheus >&2) || exit 1
	dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/promtool
	mkdir -p "$cache"
	mv "$work/usr/bin/promtool" "$cache/promtool.$$"
	mv "$cache/promtool.$$" "$cache/promtool"
fi
echo "$cache/promtool"
