# shellcheck shell=bash
# Which Debian packages each job needs, and how the missing ones get here.
#
# An entry is PACKAGE, or PACKAGE/PROGRAM where a program of that name from elsewhere does as well.
# Nothing missing: apt is never asked.

packages_build=(
	autoconf automake make/make gcc/gcc libc6-dev pkgconf/pkg-config
	libfcgi-dev libpq-dev libssl-dev libjson-c-dev libsodium-dev libicu-dev libinih-dev liburiparser-dev
	libsystemd-dev libncurses-dev libseccomp-dev
)
packages_run=(
	nginx/nginx postgresql-15 postgresql-client-15 sqitch/sqitch libdbd-pg-perl curl/curl
)
packages_demo=(nodejs/node)
packages_bench=(nodejs/node wrk/wrk)
packages_peers=(npm/npm php8.2-fpm/php-fpm8.2 php8.2-pgsql)
packages_test=(
	libcmocka-dev nodejs/node wrk/wrk clang/clang libclang-rt-14-dev clang-format-14/clang-format-14 shellcheck/shellcheck
	postgresql-15-pgtap libtap-parser-sourcehandler-pgtap-perl xz-utils/xz
	strace/strace spin/spin npm/npm chromium/chromium tmux/tmux mandoc/mandoc
	valgrind procps/pgrep
)
export packages_build packages_run packages_demo packages_bench packages_peers packages_test

package_present() {
	local entry=$1
	case $entry in
	*/*) command -v "${entry#*/}" >/dev/null 2>&1 && return ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "${entry%/*}" 2>/dev/null)" = installed ]
}

# packages_need ENTRY...: installs what is missing, or says the one line that would, and exits 69.
packages_need() {
	local entry missing=()
	for entry; do
		package_present "$entry" || missing+=("${entry%/*}")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "Installing ${missing[*]}"
	if is_root; then
		"$top/scripts/lib/install-packages" "${missing[@]}" || packages_give_up "${missing[@]}"
	elif sudo_works; then
		sudo "$top/scripts/lib/install-packages" "${missing[@]}" || packages_give_up "${missing[@]}"
	else
		packages_give_up "${missing[@]}"
	fi
}

# Without a terminal nobody can type a password.
sudo_works() {
	command -v sudo >/dev/null 2>&1 || return 1
	sudo -n true 2>/dev/null || [ -t 0 ]
}

packages_give_up() {
	note 'packages are missing, and this user cannot install them. As root, run:'
	say "  $top/scripts/lib/install-packages $*" >&2
	note 'or, where no PostgreSQL or nginx service would be in the way:'
	say "  apt-get install -y --no-install-recommends $*" >&2
	exit "$EX_UNAVAILABLE"
}
