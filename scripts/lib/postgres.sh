# shellcheck shell=bash
# A private PostgreSQL cluster in a directory of its own, and migrations into any database.
#
# A cluster DIR holds data/ (the cluster), run/ (its socket, unless the caller asks for a shorter
# place: socket paths end at 107 bytes) and log. It listens on that socket alone and knows people by
# their system user. PostgreSQL refuses to run as root, so root runs it as a user of its own, who is
# the cluster's superuser; root signs in as that or as an administrator, never as the service, and the
# service as nobody but itself. Only data/ and the socket's directory are that user's. Paths are
# absolute.
#
# To be sourced; every function returns non-zero, with a line on stderr, where it fails.

# shellcheck source=scripts/lib/users.sh
. "${BASH_SOURCE[0]%/*}/users.sh"

PG_SQL_DIR=$(cd "${BASH_SOURCE[0]%/*}/../../sql" && pwd)

# The programs of the newest server there is, 14 or later.
pg_bin() {
	local bin newest=13
	for bin in /usr/lib/postgresql/*/bin; do
		if [[ $bin =~ /([0-9]+)/bin$ && ${BASH_REMATCH[1]} -gt $newest && -x $bin/initdb ]]; then
			newest=${BASH_REMATCH[1]}
		fi
	done
	if [[ $newest -lt 14 ]]; then
		echo "postgres: no server 14 or later under /usr/lib/postgresql" >&2
		return 1
	fi
	printf '/usr/lib/postgresql/%s/bin\n' "$newest"
}

# The caller's PATH: what an instance runs in the end, such as an operator's alert_command, is to be found by that.
# What pg_path put first in a script that calls this one is not of it.
PG_OUTER_PATH=${PATH#/usr/lib/postgresql/*/bin:}

# psql and its like are the server's own from here on: on Debian those in /usr/bin are a script in Perl that looks
# for a cluster first, which takes longer than most of what is asked, and may find another than libpq does for
# the service. To be called again once the server was installed.
pg_path() {
	local bin
	bin=$(pg_bin 2>/dev/null) || return 0
	PATH=$bin:$PG_OUTER_PATH
}

pg_path

# The system user that the server runs as.
pg_user() { user_or_me "$DB_USER"; }

# Runs a command as that user.
pg_as() {
	local user
	user=$(pg_user) && as_user "$user" "$@"
}

# pg_init DIR [SOCKET_DIR]: makes the cluster, or brings the settings of an existing one up to date.
pg_init() {
	local dir=$1 sockets=${2:-$1/run} bin user
	bin=$(pg_bin) && user=$(pg_user) || return
	if [[ ${#sockets} -gt 90 ]]; then
		echo "postgres: socket directory too long: $sockets" >&2
		return 1
	fi
	pg_own_dirs "$user" "$dir" "$sockets" || return
	if [[ ! -s $dir/data/PG_VERSION ]]; then
		pg_as "$bin/initdb" --pgdata="$dir/data" --username=postgres --locale=C.UTF-8 \
			--encoding=UTF8 --data-checksums --auth-local=peer --auth-host=scram-sha-256 \
			>"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
		rm -f "$dir/initdb.log"
	fi
	printf '%s\n' "$sockets" >"$dir/sockets" || return
	pg_write_settings "$dir" "$sockets" "$user"
}

# The directories, with the owner that the server insists on. The service has to get at the socket.
pg_own_dirs() {
	local user=$1 dir=$2 sockets=$3 service uid gid
	service=$(service_user) && user_find "$service" && mkdir -p "$dir" "${sockets%/*}" || return
	if [[ ! -O $dir || ! -O ${sockets%/*} ]]; then
		echo "postgres: somebody else may write $dir or ${sockets%/*}" >&2
		return 1
	fi
	user_directory 0700 "$dir/data" "$user" && user_directory 0750 "$sockets" "$user" "$gid" &&
		log_make "$dir/log" "$user"
}

# Who may sign in as whom, and the settings that differ from PostgreSQL's own.
pg_write_settings() {
	local dir=$1 sockets=$2 user=$3 service
	service=$(service_user) || return
	{
		printf 'cardkeep %s %s\n' "$service" cardkeep_runtime "$user" postgres
		if [[ $EUID -eq 0 ]]; then
			printf 'cardkeep root %s\n' cardkeep_admin postgres
		else
			printf 'cardkeep %s %s\n' "$user" cardkeep_admin
		fi
	} | pg_replace "$dir/data/pg_ident.conf" || return
	echo 'local all all peer map=cardkeep' | pg_replace "$dir/data/pg_hba.conf" || return
	pg_replace "$dir/data/postgresql.auto.cardkeep.conf" <<-CONF || return
		listen_addresses = ''
		unix_socket_directories = '${sockets//\'/\'\'}'
		unix_socket_permissions = 0777
		max_connections = 200
		log_line_prefix = '%m [%p] %q%u@%d '
		log_timezone = 'UTC'
		timezone = 'UTC'
	CONF
	# shellcheck disable=SC2016 # the inner shell expands these
	pg_as sh -c 'grep -q "^include .$2" "$1" || echo "include '"'"'$2'"'"'" >>"$1"' sh \
		"$dir/data/postgresql.conf" postgresql.auto.cardkeep.conf
}

# Writes a file of the server's as its user, whole or not at all.
pg_replace() {
	# shellcheck disable=SC2016 # the inner shell expands these
	pg_as sh -c 'rm -f "$1.new" && cat >"$1.new" && mv "$1.new" "$1"' sh "$1"
}

# pg_look HOW DIR, as the server's user: in data/ he could give root anything to read. A number alone may be
# somebody else's by now, so a process counts that is called postgres and stands in data/. HOW is
#   recorded   prints the pid in postmaster.pid where that is the server
#   any        prints the server's pid, recorded or not; its own children have other titles, but for a moment
#              after their birth, and who is on his way out has none
#   remains    succeeds where anything of it lives, the children of a killed server included
pg_look() {
	# shellcheck disable=SC2016 # the inner shell expands these
	pg_as sh -c '
		stands_there() {
			read -r name <"/proc/$1/comm" && [ "$name" = postgres ] && [ "/proc/$1/cwd" -ef "$data" ]
		}
		parent_of() {
			while read -r key value; do
				[ "$key" != PPid: ] || echo "$value"
			done <"/proc/$1/status"
		}
		is_server() {
			read -r title <"/proc/$1/cmdline" || true
			case $title in "" | "postgres: "*) return 1 ;; esac
			! stands_there "$(parent_of "$1")"
		}
		how=$1 data=$2/data
		if [ "$how" != remains ] && [ -f "$data/postmaster.pid" ]; then
			read -r pid <"$data/postmaster.pid"
			if [ "${pid:-0}" -gt 0 ] && stands_there "$pid"; then
				echo "$pid"
				exit
			fi
		fi
		[ "$how" != recorded ] || exit 1
		for dir in /proc/[0-9]*; do
			pid=${dir#/proc/}
			stands_there "$pid" || continue
			[ "$how" != remains ] || exit 0
			if is_server "$pid"; then
				echo "$pid"
				exit
			fi
		done
		exit 1' sh "$1" "$2" 2>/dev/null
}

# pg_running DIR
pg_running() { [[ -d $1/data ]] && pg_look any "$1" >/dev/null; }

# pg_recorded DIR: it runs, and its own record says so, without which it ends within a minute.
pg_recorded() { [[ -d $1/data ]] && pg_look recorded "$1" >/dev/null; }

# pg_start DIR: returns when it answers; a cluster that runs already is left alone.
pg_start() {
	local dir=$1 bin
	bin=$(pg_bin) || return
	pg_running "$dir" && return
	# The socket directory may be on a file system that a reboot emptied.
	pg_own_dirs "$(pg_user)" "$dir" "$(<"$dir/sockets")" || return
	# A damaged record keeps PostgreSQL from starting. Where nothing of it lives, it protects nobody.
	if ! pg_look remains "$dir"; then
		pg_as rm -f "$dir/data/postmaster.pid"
	fi
	if ! pg_as "$bin/pg_ctl" start --pgdata="$dir/data" --log="$dir/log" --wait --timeout=60 \
		>/dev/null; then
		log_tail "$dir/log"
		return 1
	fi
}

# pg_stop DIR [fast|immediate]. It may end while it is asked to, so that it is gone is what counts, and not what
# became of the asking; `pg_ctl` goes by its record, which goes before it does.
pg_stop() {
	local dir=$1 mode=${2:-fast} bin pid sig=INT
	bin=$(pg_bin) || return
	pg_running "$dir" || return 0
	if pg_recorded "$dir"; then
		pg_as "$bin/pg_ctl" stop --pgdata="$dir/data" --mode="$mode" --wait --timeout=60 >/dev/null || true
	elif pid=$(pg_look any "$dir"); then
		[[ $mode == fast ]] || sig=QUIT
		# The shell's own: a minimal Debian has no program of that name.
		# shellcheck disable=SC2016 # the inner shell expands these
		pg_as sh -c 'kill -"$1" "$2"' sh "$sig" "$pid" || true
	fi
	pg_await_end "$dir"
}

pg_await_end() {
	local tries
	for tries in {1..600}; do
		pg_look remains "$1" || return 0
		sleep 0.1
	done
	echo "postgres: the server in $1 did not stop in $((tries / 10)) s" >&2
	return 1
}

# pg_conninfo DIR ROLE [DATABASE]: libpq's keywords.
pg_conninfo() {
	local sockets
	sockets=$(<"$1/sockets") || return
	sockets=${sockets//\\/\\\\}
	printf "host='%s' dbname=%s user=%s\n" "${sockets//\'/\\\'}" "${3:-cardkeep}" "$2"
}

# pg_url DIR ROLE [DATABASE]: the same as a URL.
pg_url() {
	local sockets
	sockets=$(<"$1/sockets") || return
	printf 'postgresql://%s@%s/%s\n' "$2" "$(pg_escape "$sockets")" "${3:-cardkeep}"
}

# Percent-encodes a part of a URL, byte by byte.
pg_escape() {
	local LC_ALL=C text=$1 out='' c i
	for ((i = 0; i < ${#text}; i++)); do
		c=${text:i:1}
		case $c in
		[a-zA-Z0-9._~-]) out+=$c ;;
		*) printf -v c '%%%02X' "'$c" && out+=$c ;;
		esac
	done
	printf '%s\n' "$out"
}

# pg_deploy DIR: the database `cardkeep` with all migrations, in a running cluster of ours.
pg_deploy() {
	local dir=$1 conn
	conn=$(pg_conninfo "$dir" postgres postgres) || return
	if [[ $(psql -XAtqd "$conn" -c "select 1 from pg_database where datname = 'cardkeep'") != 1 ]]; then
		psql -XAtqd "$conn" -c "create database cardkeep template template0 encoding 'UTF8' locale 'C.UTF-8'" ||
			return
	fi
	pg_deploy_to "$(pg_conninfo "$dir" postgres)"
}

# pg_deploy_to CONNSTRING: all migrations into a database that is there, and the upgrade of tables
# from before Cardkeep that have come since; says nothing where there was nothing to do.
pg_deploy_to() {
	# Whatever role, database and environment say: the files are in it.
	local -x PGCLIENTENCODING=UTF8
	pg_is_utf8 "$1" && pg_take_console_over "$1" && pg_sqitch "$1" deploy --mode change --verify &&
		pg_mend_roles "$1" || return
	psql -XAtqd "$1" -v ON_ERROR_STOP=1 -c "set lock_timeout = '30s'" \
		-c 'do $$ begin perform cardkeep_legacy.upgrade(); end $$' 2>&1 | pg_plain
	return "${PIPESTATUS[0]}"
}

# What stands on roles in a database is in no dump of it, and sqitch thinks it done.
pg_mend_roles() {
	psql -XAtqd "$1" -v ON_ERROR_STOP=1 -c 'set client_min_messages = warning' -f "$PG_SQL_DIR/deploy/roles.sql"
}

# An encoding is for life, so nothing is changed where it is the wrong one.
pg_is_utf8() {
	local encoding name
	IFS='|' read -r encoding name < <(psql -XAtqd "$1" -F '|' -c "select current_setting('server_encoding'), current_database()")
	[[ -n ${encoding:-} ]] || return
	[[ $encoding == UTF8 ]] && return
	echo "postgres: database $name is $encoding, and Cardkeep needs UTF8: create database NAME template template0 encoding 'UTF8'" >&2
	return 1
}

# What a database was told by sql/migration-race-condition-fixes.sql, sqitch need not do again.
pg_take_console_over() {
	local last
	last=$(psql -XAtqd "$1" -c "select to_regclass('cardkeep_console.changes') is not null
		and to_regclass('sqitch.changes') is null") || return
	[[ $last == t ]] || return 0
	last=$(sed -nE 's/^([a-z_]+) .*/\1/p' "$PG_SQL_DIR/sqitch.plan" | grep -Fx \
		"$(psql -XAtqd "$1" -c 'select name from cardkeep_console.changes')" | tail -n 1)
	pg_sqitch "$1" deploy --log-only --to "$last"
}

# Notices as sentences, without where in which file they were raised.
pg_plain() { sed -E 's/^(psql:[^ ]+ )?NOTICE:  //'; }

# pg_sqitch CONNSTRING COMMAND...: sqitch on our plan. It knows URLs, but of libpq's keywords only
# what stands in the environment.
pg_sqitch() (
	local out status=0 conn=$1
	shift
	export SQITCH_FULLNAME=Cardkeep SQITCH_EMAIL=cardkeep@localhost
	pg_export "$conn" || return
	export PGCLIENTENCODING=UTF8
	if [[ $conn =~ ^postgres(ql)?://[^?] ]]; then
		conn=db:${conn%%\?*}
	else
		conn=db:pg:${PGDATABASE:-}
	fi
	cd "$PG_SQL_DIR" || return
	out=$(sqitch --quiet "$@" --target "$conn" 2>&1) || status=$?
	if [[ $status -ne 0 ]]; then
		printf '%s\n' "$out" >&2
	elif [[ -n $out && $out != "Nothing to "* ]]; then
		printf '%s\n' "$out" | pg_plain
	fi
	return "$status"
)

# Exports libpq's keywords, of a URL those behind its question mark, as the environment variables that
# mean the same.
pg_export() {
	local rest=$1 value word
	local -a words
	local pair="^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*('(([^'\\\\]|\\\\.)*)'|([^[:space:]'\\\\]|\\\\.)*)(.*)$"
	if [[ $rest =~ ^postgres(ql)?:// ]]; then
		[[ $rest == *\?* ]] || return 0
		IFS='&' read -r -a words <<<"${rest#*\?}"
		for word in "${words[@]}"; do
			pg_export_one "${word%%=*}" "$(pg_unpercent "${word#*=}")"
		done
		return
	fi
	while [[ $rest =~ [^[:space:]] ]]; do
		if [[ ! $rest =~ $pair ]]; then
			echo 'postgres: not a connection string' >&2
			return 1
		fi
		word=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]} rest=${BASH_REMATCH[6]}
		[[ $value != \'* ]] || value=${BASH_REMATCH[3]}
		pg_export_one "$word" "$(pg_unescape "$value")"
	done
}

pg_export_one() {
	local name
	case $1 in
	dbname) name=PGDATABASE ;;
	application_name) name=PGAPPNAME ;;
	connect_timeout) name=PGCONNECT_TIMEOUT ;;
	*) name=${1//_/} name=PG${name^^} ;;
	esac
	export "$name=$2"
}

# A part of a URL without its percents.
pg_unpercent() {
	local text=${1//\\/\\\\}
	printf '%b\n' "${text//%/\\x}"
}

# A value of a connection string without its backslashes.
pg_unescape() {
	local in=$1 out=''
	while [[ $in == *\\* ]]; do
		out+=${in%%\\*} in=${in#*\\}
		out+=${in:0:1} in=${in:1}
	done
	printf '%s\n' "$out$in"
}
