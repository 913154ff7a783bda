# shellcheck shell=bash
# Builds the checkout outside of its source tree.

# What autoreconf leaves in the source tree. The last is what is locked: who comes meanwhile waits until the rest
# is gone.
generated=(aclocal.m4 build-aux config.h.in configure Makefile.in configure~ config.h.in~ autom4te.cache)

# ---- the source tree, which instances share ------------------------------------------------------------

# Whether `up` builds, so that `down --purge` can take away what it made in an untouched tree. That is written
# down there: a state may be made anew in between.
source_marks=no

# source_lock -s|-x: for one of many that need what autoreconf made, or for the only one that makes it or takes
# it away.
source_lock() {
	until_true 300 source_try_lock "$1" ||
		die "$EX_UNAVAILABLE" 'another script builds this checkout for minutes'
}

# Who had it may have taken the place away with the rest.
# shellcheck disable=SC2317 # called through until_true
source_try_lock() {
	{ exec 8<"$(source_lock_place)"; } 2>/dev/null && flock -n "$1" 8 &&
		[ /proc/self/fd/8 -ef "$(source_lock_place)" ]
}

# One of what is written, closed to others, who could hold the lock for ever. Who cannot read it, or write
# anything, has to do with the checkout.
source_lock_place() {
	mkdir -m 700 "$top/autom4te.cache" 2>/dev/null || true
	if [ -r "$top/autom4te.cache" ]; then
		printf '%s\n' "$top/autom4te.cache"
	else
		printf '%s\n' "$top"
	fi
}

# Both places, for who takes the source away: those who build hold the one or the other. A stranger can hold the
# checkout, so nobody is kept waiting at the other meanwhile.
# shellcheck disable=SC2317 # called through until_true
source_try_lock_all() {
	source_try_lock -x && { exec 7<"$top"; } 2>/dev/null && flock -n -x 7 && return
	source_unlock
	return 1
}

source_unlock() { exec 7<&- 8<&-; }

# Needed once, and again when what configure is made from is newer than it.
source_is_stale() {
	[ ! -x "$top/configure" ] || [ ! -f "$top/Makefile.in" ] ||
		[ -n "$(find "$top/configure.ac" "$top/m4" -newer "$top/configure" -print -quit)" ] ||
		[ -n "$(find "$top/Makefile.am" "$top/src" "$top/tests" \
			\( -name Makefile.am -o -name '*.mk' \) -newer "$top/Makefile.in" -print -quit)" ]
}

source_make() {
	if [ "$source_marks" = yes ] && [ ! -e "$top/configure" ]; then
		mkdir -p "$top/build-aux" && : >"$top/build-aux/made-by-up" || return
	fi
	(cd "$top" && autoreconf -i)
}

# Makes what has to be made, and keeps it from being taken away until source_unlock.
source_hold() {
	source_lock -s
	if source_is_stale; then
		source_lock -x
		! source_is_stale || source_make || return
		source_lock -s
	fi
	[ -x "$top/configure" ] || source_hold
}

# with_source COMMAND...: runs it with what autoreconf makes.
with_source() { (source_hold && "$@"); }

# Where another user made it, it is not ours to take away, and to try would take away a part.
source_is_ours() {
	[ -w "$top" ] && [ -w "$top/build-aux" ] &&
		{ [ ! -e "$top/autom4te.cache" ] || [ -w "$top/autom4te.cache" ]; }
}

# source_clean SECONDS: takes away what `up` made in the source tree, as soon as nobody builds with it; gives up
# when the time is over.
source_clean() {
	local name
	[ -e "$top/build-aux/made-by-up" ] || return 0
	if ! source_is_ours; then
		say "Left what autoreconf made in $top, as another user's scripts/up made it"
		return
	fi
	until_true "$1" source_try_lock_all ||
		die "$EX_UNAVAILABLE" "what autoreconf made in $top is left there, as somebody still builds with it or holds a lock on that directory; run scripts/down --purge again later"
	if [ -e "$top/build-aux/made-by-up" ]; then
		for name in "${generated[@]}"; do
			rm -rf "${top:?}/$name"
		done
	fi
	rmdir "$top/autom4te.cache" 2>/dev/null || true
	source_unlock
}

# ---- builds ------------------------------------------------------------------------------------------

# build_in DIR CONFIGURE-ARGUMENT...: configures where it has to, and makes the programs.
build_in() { with_source build_programs "$@"; }

build_programs() { configure_in "$@" && make -s -C "$1" -j"$(nproc)"; }

# configure_in DIR CONFIGURE-ARGUMENT...: configures where it has to, with the source held.
configure_in() {
	local dir=$1 wanted
	shift
	wanted="$top $*"
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
