#!/bin/sh
# Prints the path of PROGRAM, one of promtool, prometheus and amtool: the one that the environment
# names (PROMTOOL and so on), one in PATH, one in the cache; with --fetch, else one taken out of its
# Debian package into the cache. Nothing is installed: the packages would bring services along. Exit 1
# when there is none.
# Usage: scripts/lib/prometheus.sh [--fetch] PROGRAM
set -eu
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/cardkeep

fetch=false
if [ "$1" = --fetch ]; then
	fetch=true
	shift
fi
program=$1
case $program in
promtool) named=${PROMTOOL:-} package=prometheus ;;
prometheus) named=${PROMETHEUS:-} package=prometheus ;;
amtool) named=${AMTOOL:-} package=prometheus-alertmanager ;;
*)
	echo "prometheus.sh: no program $program" >&2
	exit 1
	;;
esac

if [ -n "$named" ]; then
	echo "$named"
	exit 0
fi
if command -v "$program"; then
	exit 0
fi
if [ ! -x "$cache/$program" ]; then
	$fetch || exit 1
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	# apt fetches as a user of its own, who must be able to write there.
	chmod 777 "$work"
	cd "$work"
	# Lists that are missing or stale are one reason to fail; who may not renew them has them renewed.
	apt-get download -q "$package" >&2 || {
		{ [ "$(id -u)" -eq 0 ] && apt-get update -q >&2; } || sudo -n apt-get update -q >&2 || exit 1
		apt-get download -q "$package" >&2 || exit 1
	}
	dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x "./usr/bin/$program"
	mkdir -p "$cache"
	mv "usr/bin/$program" "$cache/$program.$$"
	mv "$cache/$program.$$" "$cache/$program"
fi
echo "$cache/$program"
