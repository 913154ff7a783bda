# shellcheck shell=bash
# Where an instance keeps what it has: one directory, and a short one for sockets.
#
#   $state/build   the build tree              $state/conf  what the programs were started with
#   $state/bin     the programs that run       $state/log   one file a program
#   $state/run     who runs: one file a process; the lock; and, where their paths are short enough,
#   $sockets       the directories of sockets: app/ (the service's), db/ (PostgreSQL's)
#   $state/web     what browsers get           $state/secret  passwords, for whom each is
#   $state/db      the private cluster
#   $state/service what the service has for itself: the segment, where it was started
#   $state/tmp     what nginx has for itself
#
# As root the programs run as three other users (users.sh), who must be able to enter the place. Where
# that cannot be (a checkout under a home of mode 0700), the state goes to /var/lib/cardkeep, under a
# name made from the place that was asked for, so that every script finds it again. All of it is
# root's then but for what its users write: app/, db/, service/, tmp/ and the cluster's data/.

state='' sockets='' state_stopped=''

hash_of() { printf '%s' "$1" | sha256sum | cut -c1-10; }

absolute() {
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s/%s\n' "$PWD" "$1" ;;
	esac
}

# May the users who run the programs pass through this directory?
can_enter() {
	! is_root || { service_as test -x "$1" && web_as test -x "$1" && pg_as test -x "$1"; }
}

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
	if is_root; then
		state_enterable "$wanted" || state=/var/lib/cardkeep/$(hash_of "$wanted")
		state=$(realpath -m -- "$state")
		state_guard
	fi
	# A socket's path ends at 107 bytes, and PostgreSQL's own name takes 18 of them.
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

# Who may write a directory above can put another in the place of what is below, so nobody may whom root
# does not trust. That others than those three may is for root to judge: a checkout's owner has more
# than that when root runs its scripts.
state_guard() {
	local dir=$state
	until [ "$dir" = / ]; do
		dir=$(dirname "$dir")
		[ ! -d "$dir" ] || ! lesser_may_write "$dir" ||
			die "$EX_CONFIG" "$dir, where $state is, may be written by the users who run the programs"
	done
}

# By its mode. In one with the sticky bit everybody may write, and touch nobody else's.
lesser_may_write() {
	local uid gid mode user
	read -r uid gid mode < <(stat -c '%u %g %a' "$1")
	mode=$((8#$mode))
	[ $((mode & 8#1002)) -ne 2 ] || return 0
	for user in "$SERVICE_USER" "$WEB_USER" "$DB_USER"; do
		[ "$uid" != "$(id -u "$user")" ] || return 0
		[ $((mode & 8#1020)) -ne 16 ] || [[ " $(id -G "$user") " != *" $gid "* ]] || return 0
	done
	return 1
}

short_directory() {
	if is_root; then
		printf '/run\n'
	else
		printf '%s\n' "${XDG_RUNTIME_DIR:-/tmp}"
	fi
}

# own_directory MODE DIR: one that nobody writes but whoever runs the scripts.
own_directory() {
	local mode=$1 dir=$2
	[ -d "$dir" ] || mkdir -p "$dir" || die "$EX_CANTCREAT" "cannot create $dir"
	if [ -L "$dir" ] || [ ! -O "$dir" ]; then
		die "$EX_CANTCREAT" "$dir belongs to $(stat -c %U "$dir"), not to $(id -un): move it away"
	fi
	chmod "$mode" "$dir"
}

# Makes what state_find found, and takes the instance's lock for the rest of the script: two runs
# of up, or up and down, take turns.
state_make() {
	state_take
	own_directory 755 "$state/run"
	state_lock
	state_renew
	local dir
	for dir in bin conf log web; do
		own_directory 755 "$state/$dir"
	done
	own_directory 700 "$state/secret"
	if is_root; then
		# The service may read there what it knows the name of.
		chgrp "$(id -g "$(service_user)")" "$state/secret"
		chmod 710 "$state/secret"
	fi
	user_directory 750 "$state/service" "$(service_user)" || die "$EX_CANTCREAT" "cannot make $state/service"
	user_directory 700 "$state/tmp" "$(web_user)" || die "$EX_CANTCREAT" "cannot make $state/tmp"
	sockets_make
}

# The directory itself.
state_take() {
	if is_root && [ -d "$state" ] && ! [ -L "$state" ] && [ "$(stat -c %U "$state")" = "$SERVICE_USER" ]; then
		chown -h root: "$state"
	fi
	if is_ours "$state"; then
		own_directory 755 "$state"
		[ -e "$state/.cardkeep" ] || : >"$state/.cardkeep"
	elif is_root && lesser_may_write "$state"; then
		die "$EX_CANTCREAT" "$state may be written by the users who run the programs"
	fi
	# Here lay what is root's before there were three users.
	if is_root && lesser_owns "$state/run"; then
		state_stop_all
		mv -T "$state/run" "$state/.run.before"
		rm -rf "$state/.run.before"
	fi
}

# In /tmp somebody else may have made that directory first. What nginx connects to is of its group; the
# directory hands that on.
sockets_make() {
	if [ "$sockets" != "$state/run" ]; then
		if is_root && lesser_owns "$sockets"; then
			rm -rf "$sockets"
		fi
		mkdir -m 700 "$sockets" 2>/dev/null || true
		own_directory 755 "$sockets"
	fi
	user_directory 2750 "$sockets/app" "$(service_user)" "$(id -gn "$(web_user)")" ||
		die "$EX_CANTCREAT" "cannot make $sockets/app"
}

# Descriptor 9, which every program that outlives the script is started without. A file that nobody else
# can open: who can, could hold it.
state_lock() {
	[ -e "$state/run/lock" ] || (umask 077 && : >>"$state/run/lock")
	exec 9<"$state/run/lock"
	flock -w 300 9 || die "$EX_UNAVAILABLE" 'another script holds this instance for minutes'
	# Whoever held it may have been `down --purge`.
	if ! [ /proc/self/fd/9 -ef "$state/run/lock" ]; then
		state_make
	fi
}

# Does this look like an instance that `up` made?
state_exists() { [ -e "$state/.cardkeep" ] || [ -e "$state/run/lock" ]; }

# What is read, and run, must be the caller's own; root knows no other way to tell who wrote it.
state_trusted() {
	local dir
	is_root || return 0
	for dir in "$state" "$state/bin" "$state/conf" "$state/secret"; do
		[ ! -e "$dir" ] || [ -O "$dir" ] ||
			die "$EX_UNAVAILABLE" "$dir belongs to $(stat -c %U "$dir"); was it made by him, or before cardkeep had three users? Call this as him, or run scripts/up"
	done
}

# ---- instances from before there were three users --------------------------------------------------

lesser_owns() { [ "$(stat -c %U "$1" 2>/dev/null)" = "$SERVICE_USER" ]; }

# All of them belonged to one user, the service's, so nothing in them can be believed. What root made there
# is made anew; the cluster and the logs are kept, the logs apart.
state_renew() {
	local name
	is_root || return 0
	for name in build bin conf log tmp web secret db; do
		lesser_owns "$state/$name" || continue
		state_stop_all
		rm -rf "${state:?}/.$name.before"
		mv -T "$state/$name" "$state/.$name.before"
		chown -h root: "$state/.$name.before"
		case $name in
		log) own_directory 755 "$state/log" && mv -T "$state/.log.before" "$state/log/before" ;;
		db) database_renew "$state/.db.before" ;;
		*) rm -rf "$state/.$name.before" ;;
		esac
	done
}

# The cluster's files get their new owner: those that were the old one's, which a link to somebody
# else's file is not.
database_renew() {
	local before=$1
	say "Giving the cluster to the user $DB_USER"
	chmod 700 "$before"
	own_directory 700 "$state/db"
	mv -T "$before/data" "$state/db/data"
	if [ -L "$state/db/data" ] || [ ! -d "$state/db/data" ]; then
		die "$EX_CONFIG" "$state/db/data is no directory"
	fi
	user_make "$DB_USER"
	chown -R -P -h --from="$SERVICE_USER" "$DB_USER:$DB_USER" "$state/db/data"
	rm -rf "$before"
	chmod 755 "$state/db"
}

# Ends what that user runs from here, by what the kernel knows of it; once is enough.
state_stop_all() {
	local -a pids
	local sig
	[ -z "$state_stopped" ] || return 0
	state_stopped=yes
	if [ -d "$state/db/data" ]; then
		as_user "$SERVICE_USER" "$(pg_bin)/pg_ctl" stop --pgdata="$state/db/data" --mode=fast --wait \
			>/dev/null 2>&1 || true
	fi
	for sig in TERM KILL; do
		mapfile -t pids < <(state_processes)
		[ ${#pids[@]} -gt 0 ] || return 0
		kill -"$sig" "${pids[@]}" 2>/dev/null || true
		until_true 15 state_quiet || true
	done
}

state_quiet() { [ -z "$(state_processes)" ]; }

state_processes() {
	local dir uid command
	uid=$(id -u "$SERVICE_USER")
	grep -ls "^Uid:[[:space:]]${uid}[[:space:]]" /proc/[0-9]*/status | while read -r dir; do
		dir=${dir%/status}
		command=$(tr '\0' ' ' 2>/dev/null <"$dir/cmdline") || continue
		if [[ $(readlink "$dir/exe") == "$state/bin/"* || $command == *"$state/conf/nginx.conf"* ]]; then
			printf '%s\n' "${dir#/proc/}"
		fi
	done
}

# ---- what up wrote down ------------------------------------------------------------------------------

# recorded NAME: what up wrote down; nothing where there is nothing.
recorded() { cat "$state/conf/$1" 2>/dev/null || true; }

# record NAME TEXT: a file written at once or not at all.
record() {
	printf '%s\n' "$2" >"$state/conf/.$1.new"
	mv "$state/conf/.$1.new" "$state/conf/$1"
}
