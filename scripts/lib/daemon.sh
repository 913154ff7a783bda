# shellcheck shell=bash
# cardkeepd as an instance runs it.

# Variables that are the scripts' own, or that up decides itself because nginx must agree; and what is
# not for the service to know.
daemon_reserved=' CARDKEEP_PORT CARDKEEP_STATE CARDKEEP_CONF CARDKEEP_DATABASE CARDKEEP_LISTEN '
daemon_reserved+='CARDKEEP_STATUS_PORT CARDKEEP_ALLOWED_PEERS CARDKEEP_ADMIN_DATABASE '

# The environment it gets: its own keys, libpq's only where the server is not ours, nothing else.
daemon_environment() {
	local name
	printf '%s\n' "HOME=$state/service"
	for name in $(compgen -e CARDKEEP_); do
		[[ $daemon_reserved == *" $name "* ]] || printf '%s\n' "$name=${!name}"
	done
	libpq_environment
}

# How to reach that server; not as whom, nor by what password.
libpq_environment() {
	local name
	[ -n "${CARDKEEP_DATABASE:-}" ] || return 0
	for name in $(compgen -e PG); do
		case $name in
		PGUSER | PGPASSWORD | PGPASSFILE | PGDATABASE) ;;
		*) printf '%s\n' "$name=${!name}" ;;
		esac
	done
}

# Puts a built program into its place only when it is another one, so that it shows what runs.
daemon_install() {
	local name
	for name in cardkeepd cardkeep; do
		cmp -s "$state/build/$name" "$state/bin/$name" && continue
		install -m 755 "$state/build/$name" "$state/bin/.$name.new"
		mv "$state/bin/.$name.new" "$state/bin/$name"
	done
}

# Root and the service itself need not be named. By itself the segment would lie where nginx's user may
# look.
daemon_configure() {
	local peers=${CARDKEEP_ALLOWED_PEERS:-} disk=''
	! is_root || peers="$(web_user) $peers"
	# The service may not look into the cluster, but at the directory that holds it.
	[ -n "${CARDKEEP_DATABASE:-}" ] || disk=$state/db
	record cardkeep.conf "# Written by scripts/up. Other keys: set CARDKEEP_<KEY> when you call it.
listen = $sockets/app/app.sock
segment = $state/service/segment
allowed_peers = $peers
disk_path = $disk
database = $database"
}

# What the supervisor of this instance, and of no other, shows as its title.
daemon_recover() {
	proc_recover cardkeepd "$(service_user)" "cardkeepd: supervisor ($state/conf/cardkeep.conf)"
}

# Prints the number of the socket that anybody listens on where this instance does; fails where nobody does. The
# kernel lists sockets piece by piece and passes one over when others go meanwhile, so the pieces are large: read
# by bash alone, a byte at a time, one look in four missed it beside a busy neighbour.
daemon_socket() {
	local flags inode path
	while read -r _ _ _ flags _ _ inode path; do
		if [ "$flags" = 00010000 ] && [ "$path" = "$sockets/app/app.sock" ]; then
			printf '%s\n' "$inode"
			return
		fi
	done < <(cat /proc/net/unix)
	return 1
}

# Prints the supervisors that listen there. The service lets nobody but root look who has the socket: without
# root it may be any of them.
daemon_others() {
	local pid inode
	inode=$(daemon_socket) || return 0
	for pid in $(proc_titled 'cardkeepd: supervisor' "$(id -u "$(service_user)")"); do
		if ! is_root || [ -n "$(find "/proc/$pid/fd" -lname "socket:\[$inode\]" 2>/dev/null)" ]; then
			printf '%s\n' "$pid"
		fi
	done
}

# Refuses to go on beside a daemon that is not recorded, or could not be stopped.
daemon_must_be_gone() {
	local others
	until_true 2 daemon_is_quiet && return
	die "$EX_UNAVAILABLE" "a cardkeepd that is not recorded in $state/run/cardkeepd.pid listens at $sockets/app/app.sock: end it (kill -TERM ${others//$'\n'/ }), and run this again"
}

# Found quiet three times running: one look may still miss it. Sets its caller's `others` to whom it found.
# shellcheck disable=SC2317 # called through until_true
daemon_is_quiet() {
	for _ in 1 2 3; do
		others=$(daemon_others)
		[ -z "$others" ] || return
	done
}

daemon_up() {
	local -a environment
	local digest user
	user=$(service_user)
	mapfile -t environment < <(daemon_environment)
	daemon_configure
	digest=$(cat "$state/bin/cardkeepd" "$state/conf/cardkeep.conf" - \
		<<<"${environment[*]}" | sha256sum | cut -c1-64)
	proc_is_as cardkeepd "$digest" && return
	local -a command=("$state/bin/cardkeepd" -c "$state/conf/cardkeep.conf")
	(
		as_environment=("${environment[@]}")
		only_environment "${environment[@]}"
		as_user "$user" "${command[@]}" -t >/dev/null
	) || die "$EX_CONFIG" 'the daemon refuses its configuration'
	if proc_alive cardkeepd; then
		say 'Restarting cardkeepd: its program or configuration changed'
		daemon_down
	else
		daemon_must_be_gone
		say 'Starting cardkeepd'
	fi
	(
		cd "$state/service" || exit
		only_environment "${environment[@]}"
		PATH=$PG_OUTER_PATH
		proc_start cardkeepd "$user" "$digest" "${command[@]}" -f
	) || die "$EX_SOFTWARE" "cardkeepd does not start; see $state/log/cardkeepd.log"
}

# It lives until nginx has closed the connections it keeps, so nginx is told to.
daemon_down() {
	proc_signal cardkeepd TERM || true
	proc_signal nginx HUP || true
	proc_stop cardkeepd TERM 15
}
