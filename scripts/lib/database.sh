# shellcheck shell=bash
# The database of an instance: a private cluster, or the server that CARDKEEP_DATABASE names.
#
# Either way ends in two things: $database, what the daemon connects with; and $state/secret/admin-url,
# what scripts/db-url prints. Both are free of passwords, which lie in files beside the latter: passfile,
# the service's, and admin-passfile, which the service cannot read. Everybody can read arguments.

database=''

database_up() {
	if [ -n "${CARDKEEP_DATABASE:-}" ]; then
		database_foreign
	else
		database_private
	fi
}

database_private() {
	local db=$state/db
	if pg_running "$db" && ! pg_recorded "$db"; then
		say 'Restarting PostgreSQL: its postmaster.pid is lost or damaged'
		pg_stop "$db" || die "$EX_UNAVAILABLE" "PostgreSQL does not stop; see $db/log"
	fi
	if ! pg_running "$db"; then
		if [ -s "$db/data/PG_VERSION" ]; then
			say 'Starting PostgreSQL'
		else
			say "Making a private PostgreSQL cluster in $db"
		fi
		pg_init "$db" "$sockets/db"
		# The remains of a killed server end by themselves within moments.
		until_true 20 pg_start "$db" 9<&- || die "$EX_UNAVAILABLE" "PostgreSQL does not start; see $db/log"
	fi
	pg_deploy "$db"
	database=$(pg_conninfo "$db" cardkeep_runtime)
	keep_secret admin-url "$(id -un)" "$(pg_url "$db" cardkeep_admin)"
}

database_foreign() {
	local url name passfile=$state/secret/passfile
	url=$(conninfo_url "$CARDKEEP_DATABASE") ||
		die "$EX_CONFIG" 'CARDKEEP_DATABASE is not a libpq connection string'
	url=$(conninfo_without_password "$url" "$(keep_password "$url")")
	name=$(psql -XAtqc 'select current_database()' "$url") ||
		die "$EX_UNAVAILABLE" 'the server that CARDKEEP_DATABASE names cannot be reached'
	if pg_running "$state/db"; then
		say 'Stopping the private cluster: CARDKEEP_DATABASE is used instead'
		pg_stop "$state/db"
	fi
	pg_is_utf8 "$url" || exit "$EX_CONFIG"
	pg_deploy_to "$url"
	database=$(conninfo_as "$url" cardkeep_runtime "$passfile" "$name")
	runtime_can_connect || runtime_new_password "$url"
	runtime_can_connect || die "$EX_UNAVAILABLE" 'cardkeep_runtime cannot sign in at that server'
	keep_secret admin-url "$(id -un)" "$url"
}

# keep_password URL: puts the password, where there is one, into a file, and prints its path.
keep_password() {
	local password
	password=$(conninfo_password "$1")
	password=${password:-${PGPASSWORD:-}}
	rm -f "$state/secret/admin-passfile"
	[ -n "$password" ] || return 0
	password=${password//\\/\\\\}
	keep_secret admin-passfile "$(id -un)" "*:*:*:*:${password//:/\\:}"
	printf '%s\n' "$state/secret/admin-passfile"
}

runtime_can_connect() (
	mapfile -t as_environment < <(libpq_environment)
	unset PGPASSWORD PGPASSFILE
	service_as psql -XAtqc 'select 1' "$database" >/dev/null 2>&1
)

# A password of hexadecimal digits needs no quoting anywhere; it never stands on a command line.
runtime_new_password() {
	local password
	password=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
	keep_secret passfile "$(service_user)" "*:*:*:cardkeep_runtime:$password"
	printf "alter role cardkeep_runtime login password '%s';\n" "$password" |
		psql -XAtq -v ON_ERROR_STOP=1 "$1" ||
		die "$EX_UNAVAILABLE" 'cannot set the password of cardkeep_runtime there'
}

# keep_secret NAME USER TEXT: readable by USER (and root), and by nobody else.
keep_secret() {
	local file=$state/secret/$1
	(umask 077 && printf '%s\n' "$3" >"$file.new")
	if is_root; then
		chown -h "$2:" "$file.new"
	fi
	mv "$file.new" "$file"
}

database_down() {
	if pg_running "$state/db"; then
		say 'Stopping PostgreSQL'
		pg_stop "$state/db" fast
	fi
}
