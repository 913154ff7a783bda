# shellcheck shell=bash
# nginx as an instance runs it: rendered from nginx/, on loopback.

# The status pages' own listener: on another of this machine's addresses, where no other instance can
# have the port, or on the port that CARDKEEP_STATUS_PORT names.
nginx_status_listen() {
	if [ -n "${CARDKEEP_STATUS_PORT:-}" ]; then
		printf 'listen 127.0.0.1:%s;' "$CARDKEEP_STATUS_PORT"
	else
		printf 'listen 127.0.0.2:%s;' "$1"
	fi
}

# Connections that a worker of nginx may have: 16 for each MiB of the machine's memory, as the kernel
# and nginx take up to 64 KiB for one, but no more than descriptors can be had.
nginx_connections() {
	local kib hard most=65536
	kib=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
	hard=$(ulimit -Hn)
	[ $((kib / 64)) -ge "$most" ] || most=$((kib / 64))
	if [ "$hard" != unlimited ] && [ $((hard - 1024)) -lt "$most" ]; then
		most=$((hard - 1024))
	fi
	[ "$most" -ge 512 ] || most=512
	printf '%s' "$most"
}

# nginx_render DIR PORT SOCKET DEADLINE_MS [ORIGINS]: writes DIR/conf/{nginx,site,status,limits,problems}.conf,
# DIR/conf/params and DIR/web, for an instance with DIR/{run,log,tmp}.
nginx_render() {
	local dir=$1 port=$2 socket=$3 deadline_ms=$4 origins=${5:-} listen="listen 127.0.0.1:$2;" connections
	# Where `localhost` may mean ::1 first, clients that try only that must find us too.
	if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
		listen+=" listen [::1]:$port;"
	fi
	cp "$top/nginx/"{params,limits.conf,problems.conf} "$dir/conf"
	nginx_web "$dir/web"
	nginx_own "$dir"
	nginx_fill status.conf.in "$dir/conf/status.conf" \
		status_socket="${socket%/*}/status.sock" || return
	nginx_fill cardkeep.conf.in "$dir/conf/site.conf" \
		listen="$listen" status_listen="$(nginx_status_listen "$port")" socket="$socket" params="$dir/conf/params" \
		web="$dir/web" \
		status="$dir/conf/status.conf" limits="$dir/conf/limits.conf" problems="$dir/conf/problems.conf" \
		origins="$(nginx_origins "$origins")" \
		answer_s=$(((deadline_ms + 999) / 1000 + 1)) || return
	connections=$(nginx_connections)
	nginx_fill nginx.conf.in "$dir/conf/nginx.conf" \
		state="$dir" site="$dir/conf/site.conf" \
		connections="$connections" descriptors=$((connections + 1024))
}

# nginx_own DIR: what nginx's user writes: its files in passing, and its logs.
nginx_own() {
	local user
	user=$(web_user) && user_directory 700 "$1/tmp" "$user" &&
		log_make "$1/log/nginx-error.log" "$user" && log_make "$1/log/nginx-access.log" "$user"
}

# nginx_origins ORIGINS: the entries of a map that has each, and nothing else.
nginx_origins() {
	local origin
	local -a origins
	read -ra origins <<<"$1"
	for origin in "${origins[@]}"; do
		printf '"%s" "%s"; ' "$origin" "$origin"
	done
}

# nginx_web DIR: what browsers get, where nginx's user can read it (the checkout it may not enter).
# A file is replaced whole and only when it is another one: nginx may be sending it.
nginx_web() {
	local dir=$1 file=$top/web/cardkeep.js
	mkdir -p "$dir"
	cmp -s "$file" "$dir/cardkeep.js" && return
	install -m 644 "$file" "$dir/.cardkeep.js.new"
	mv "$dir/.cardkeep.js.new" "$dir/cardkeep.js"
}

# nginx_fill TEMPLATE FILE NAME=VALUE...
nginx_fill() {
	local template=$top/nginx/$1 file=$2
	shift 2
	"$top/scripts/fill-nginx" "$template" "$@" >"$file"
}

nginx_command=(nginx -c)

# What the master of this instance, and of no other, shows as its title.
nginx_recover() {
	proc_recover nginx "$(web_user)" "nginx: master process ${nginx_command[*]} $state/conf/nginx.conf"
}

nginx_up() {
	local port=$1 digest
	nginx_render "$state" "$port" "$sockets/app/app.sock" "${CARDKEEP_REQUEST_DEADLINE_MS:-5000}" \
		"${CARDKEEP_CORS_ORIGINS:-}"
	digest=$(cat "$state/conf/"{nginx,site,status,limits,problems}.conf "$state/conf/params" |
		sha256sum | cut -c1-64)
	proc_is_as nginx "$digest" && return
	nginx_test
	if nginx_is_on "$port"; then
		say 'Reloading nginx: its configuration changed'
		proc_signal nginx HUP
		printf '%s\n' "$digest" >"$state/run/nginx.as"
		return
	fi
	nginx_down
	nginx_start "$port" "$digest"
}

nginx_test() {
	log_make "$state/log/nginx-test.log"
	web_as "${nginx_command[@]}" "$state/conf/nginx.conf" -q -t 2>"$state/log/nginx-test.log" || {
		cat "$state/log/nginx-test.log" >&2
		die "$EX_CONFIG" 'nginx refuses its configuration'
	}
}

# Fails early, before minutes of building, where somebody else has the port.
nginx_check_port() {
	nginx_is_on "$1" && return
	proc_sweep nginx nginx
	! port_answers "$1" ||
		die "$EX_UNAVAILABLE" "port $1 is taken; choose another: CARDKEEP_PORT=8081 ./scripts/up"
}

nginx_is_on() { proc_alive nginx && [ "$(recorded port)" = "$1" ]; }

nginx_start() {
	local port=$1
	say "Starting nginx on port $port"
	if ! (cd / && only_environment && proc_start nginx "$(web_user)" "$2" \
		"${nginx_command[@]}" "$state/conf/nginx.conf") || ! until_true 10 port_answers "$port"; then
		die "$EX_UNAVAILABLE" "nginx does not start; see $state/log/nginx.log"
	fi
	record port "$port"
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

nginx_down() {
	proc_alive nginx || return 0
	say 'Stopping nginx'
	proc_stop nginx QUIT 10
}
