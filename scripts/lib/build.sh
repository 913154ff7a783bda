# shellcheck shell=bash
# Builds the checkout outside of its source tree.

# What autoreconf leaves in the source tree.
generated=(aclocal.m4 autom4te.cache build-aux config.h.in configure Makefile.in)

# Two instances may be built from one checkout at a time; autoreconf writes into it. Of what it writes one
# directory is closed to others, who could hold the lock for ever. Where nothing is to be written, the
# checkout has to do.
source_lock() {
	mkdir -m 700 "$top/autom4te.cache" 2>/dev/null || true
	exec 8<"$top"
	if [ -r "$top/autom4te.cache" ]; then
		exec 8<"$top/autom4te.cache"
	fi
	flock -w 300 8 || die "$EX_UNAVAILABLE" 'another script builds this checkout for minutes'
}

source_unlock() { exec 8<&-; }

# Needed once, and again when what configure is made from is newer than it.
source_prepare() {
	if [ ! -x "$top/configure" ] || [ ! -f "$top/Makefile.in" ] ||
		[ -n "$(find "$top/configure.ac" "$top/m4" -newer "$top/configure" -print -quit)" ] ||
		[ -n "$(find "$top/Makefile.am" "$top/src" "$top/tests" \
			\( -name Makefile.am -o -name '*.mk' \) -newer "$top/Makefile.in" -print -quit)" ]; then
		(cd "$top" && autoreconf -i)
	fi
}

# build_in DIR CONFIGURE-ARGUMENT...: configures where it has to, and makes the programs.
build_in() {
	configure_in "$@" || return 1
	make -s -C "$1" -j"$(nproc)"
}

# configure_in DIR CONFIGURE-ARGUMENT...: configures where it has to.
configure_in() {
	local dir=$1 wanted
	shift
	wanted="$top $*"
	source_lock
	source_prepare || return 1
	source_unlock
	mkdir -p "$dir" || return 1
	if [ ! -f "$dir/Makefile" ] || [ "$(cat "$dir/configured" 2>/dev/null)" != "$wanted" ]; then
		(cd "$dir" && "$top/configure" -q --prefix=/usr --sysconfdir=/etc --localstatedir=/var "$@") ||
			return 1
		printf '%s\n' "$wanted" >"$dir/configured"
	fi
}

# build_logged DIR LOG CONFIGURE-ARGUMENT...: the same, silent unless it fails.
build_logged() {
	local dir=$1 log=$2
	shift 2
	log_make "$log" || return
	build_in "$dir" "$@" >"$log" 2>&1 && return
	log_tail "$log"
	die "$EX_SOFTWARE" "the build failed; all of it is in $log"
}

# Whether the source tree was untouched before us, so that `down --purge` can leave it so, is written down in
# what build_in leaves there: a state may be made anew in between.
source_note() {
	[ ! -e "$top/configure" ] || return 0
	mkdir -p "$top/build-aux" && : >"$top/build-aux/made-by-up"
}

source_is_ours() { [ -e "$top/build-aux/made-by-up" ]; }

# Takes away what build_in left in the source tree.
source_clean() {
	local name
	for name in "${generated[@]}" configure~ config.h.in~; do
		rm -rf "${top:?}/$name"
	done
}
