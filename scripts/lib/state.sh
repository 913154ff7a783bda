# shellcheck shell=bash
# Where an instance keeps what it has: one directory, and a short one for sockets.
#
#   $state/build   the build tree              $state/conf  what the programs were started with
#   $state/bin     the programs that run       $state/log   one file a program
#   $state/db      the private cluster         $state/run   who runs: one file a process
#   $state/secret  passwords, mode 0700        $state/web   what browsers get
#   $sockets       the sockets
#
# As root everything runs as an unprivileged user, who must be able to enter the place. Where that
# cannot be (a checkout under a home of mode 0700), the state goes to /var/lib/cardkeep, under a
# name made from the place that was asked for, so that every script finds it again.

state='' sockets=''

hash_of() { printf '%s' "$1" | sha256sum | cut -c1-10; }

absolute() {
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s/%s\n' "$PWD" "$1" ;;
	esac
}

# May the user who runs the programs pass through this directory?
can_enter() { ! is_root || pg_as test -x "$1"; }

nearest_existing() {
	local dir=$1
	until [ -d "$dir" ]; do
		dir=$(dirname "$dir")
	done
	printf '%s\n' "$dir"
}

# A directory that is ours to give away: new, empty, or marked as ours by an earlier run.
is_ours() { [ ! -d "$1" ] || [ -e "$1/.cardkeep" ] || [ -z "$(ls -A "$1")" ]; }

# Sets $state and $sockets; makes nothing.
state_find() {
	local wanted
	wanted=$(absolute "${CARDKEEP_STATE:-$top/var}")
	state=$wanted
	if is_root && ! state_enterable "$wanted"; then
		state=/var/lib/cardkeep/$(hash_of "$wanted")
	fi
	# A socket's path ends at 107 bytes, and PostgreSQL's own name takes 15 of them.
	sockets=$state/run
	if [ ${#sockets} -gt 80 ]; then
		sockets=$(short_directory)/cardkeep-$(id -u)-$(hash_of "$state")
	fi
}

state_enterable() {
	if is_ours "$1"; then
		can_enter "$(nearest_existing "$(dirname "$1")")"
	else
		can_enter "$1"
	fi
}

short_directory() {
	if is_root; then
		printf '/run\n'
	else
		printf '%s\n' "${XDG_RUNTIME_DIR:-/tmp}"
	fi
}

# Gives a directory of ours to the user who runs the programs.
own_directory() {
	local mode=$1 dir=$2
	[ -d "$dir" ] || mkdir -p "$dir" || die "$EX_CANTCREAT" "cannot create $dir"
	if is_root; then
		chown "$(pg_user):" "$dir"
	fi
	chmod "$mode" "$dir"
}

# Makes what state_find found, and takes the instance's lock for the rest of the script: two runs
# of up, or up and down, take turns.
state_make() {
	if is_ours "$state"; then
		own_directory 755 "$state"
		: >"$state/.cardkeep"
	fi
	local dir
	for dir in bin conf log tmp; do
		own_directory 755 "$state/$dir"
	done
	own_directory 700 "$state/secret"
	own_directory 750 "$state/run"
	sockets_make
	state_lock
}

# In /tmp somebody else may have made that directory first.
sockets_make() {
	[ "$sockets" = "$state/run" ] && return
	mkdir -m 700 "$sockets" 2>/dev/null || true
	if [ -L "$sockets" ] || { [ ! -O "$sockets" ] && [ "$(stat -c %U "$sockets")" != "$(pg_user)" ]; }; then
		die "$EX_CANTCREAT" "$sockets belongs to somebody else"
	fi
	own_directory 750 "$sockets"
}

# Descriptor 9, which every program that outlives the script is started without.
state_lock() {
	exec 9<"$state"
	flock -w 300 9 || die "$EX_UNAVAILABLE" 'another script holds this instance for minutes'
	# Whoever held it may have been `down --purge`.
	if ! [ /proc/self/fd/9 -ef "$state" ]; then
		state_make
	fi
}

# Does this look like an instance that `up` made?
state_exists() { [ -e "$state/.cardkeep" ]; }

# recorded NAME: what up wrote down; nothing where there is nothing.
recorded() { cat "$state/conf/$1" 2>/dev/null || true; }

# record NAME TEXT: a file written at once or not at all.
record() {
	printf '%s\n' "$2" >"$state/conf/.$1.new"
	mv "$state/conf/.$1.new" "$state/conf/$1"
}
