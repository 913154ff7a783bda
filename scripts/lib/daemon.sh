# shellcheck shell=bash
# cardkeepd as an instance runs it.

# Variables that are the scripts' own, or that up decides itself because nginx must agree.
daemon_reserved=' CARDKEEP_PORT CARDKEEP_STATE CARDKEEP_CONF CARDKEEP_DATABASE CARDKEEP_LISTEN '

# The environment it gets: its own keys, libpq's only where the server is not ours, nothing else.
daemon_environment() {
	local name
	printf '%s\n' "PATH=$PATH" "HOME=$state/run" LC_ALL=C.UTF-8
	for name in $(compgen -e CARDKEEP_); do
		[[ $daemon_reserved == *" $name "* ]] || printf '%s\n' "$name=${!name}"
	done
	[ -n "${CARDKEEP_DATABASE:-}" ] || return 0
	for name in $(compgen -e PG); do
		printf '%s\n' "$name=${!name}"
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

daemon_configure() {
	record cardkeep.conf "# Written by scripts/up. Other keys: set CARDKEEP_<KEY> when you call it.
listen = $sockets/app.sock
database = $database"
}

daemon_up() {
	local -a environment
	local digest
	mapfile -t environment < <(daemon_environment)
	daemon_configure
	digest=$(cat "$state/bin/cardkeepd" "$state/conf/cardkeep.conf" - \
		<<<"${environment[*]}" | sha256sum | cut -c1-64)
	proc_is_as cardkeepd "$digest" && return
	local -a command=(env -i "${environment[@]}" "$state/bin/cardkeepd" -c "$state/conf/cardkeep.conf")
	pg_as "${command[@]}" -t >/dev/null || die "$EX_CONFIG" 'the daemon refuses its configuration'
	if proc_alive cardkeepd; then
		say 'Restarting cardkeepd: its program or configuration changed'
		daemon_down
	else
		say 'Starting cardkeepd'
	fi
	proc_start cardkeepd "$digest" "${command[@]}" -f ||
		die "$EX_SOFTWARE" "cardkeepd does not start; see $state/log/cardkeepd.log"
}

# It lives until nginx has closed the connections it keeps, so nginx is told to.
daemon_down() {
	proc_signal cardkeepd TERM || true
	proc_signal nginx HUP || true
	proc_stop cardkeepd TERM 15
}
