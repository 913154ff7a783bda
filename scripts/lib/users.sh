# shellcheck shell=bash
# Who runs what. Root has three system users for that, made where they are missing: nginx runs as
# cardkeep-web, the service as cardkeep, PostgreSQL as cardkeep-db. Each may do what its program needs
# and no more, so that whoever gets hold of one has neither of the others, nor root. Who is not root
# runs all three as himself.
#
# Root does work for them and trusts none of them. It neither writes, runs nor reads anything by a path
# that leads through a directory which one of them may write: there a link, a pipe or another program
# may lie in the place of what was meant. What they have to write lies in directories of their own
# inside root's (user_directory); what they do there they do as themselves (as_user).
#
# To be sourced; needs nothing else.

SERVICE_USER=cardkeep WEB_USER=cardkeep-web DB_USER=cardkeep-db

service_user() { user_or_me "$SERVICE_USER"; }
web_user() { user_or_me "$WEB_USER"; }

# user_or_me NAME: prints NAME, who is made where he is missing; without root, who we are.
user_or_me() {
	if [[ $EUID -ne 0 ]]; then
		id -un
		return
	fi
	user_make "$1" && printf '%s\n' "$1"
}

# user_find NAME: sets uid and gid to his numbers. The file of users is asked before `id`: every step as another
# user begins here, and a program takes longer to start than most of those steps.
user_find() {
	local name
	while IFS=: read -r name _ uid gid _; do
		[[ $name != "$1" ]] || return 0
	done </etc/passwd
	{ uid=$(id -u "$1") && gid=$(id -g "$1"); } 2>/dev/null
}

# The file of users may be locked by somebody who makes the same ones.
user_make() {
	local said tries uid gid
	for tries in {1..100}; do
		user_find "$1" && return
		said=$(useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin "$1" 2>&1) && return
		sleep 0.1
	done
	echo "users: cannot make the user $1 in $tries tries: $said" >&2
	return 1
}

# only_environment NAME=VALUE...: what is started from here on gets these variables and next to none of
# the caller's, in which there may be secrets: a process's user can read all it was given. They are in
# no argument, which everybody could read.
only_environment() {
	local name
	for name in $(compgen -e); do
		case $name in
		PATH | LC_ALL | TZ) ;;
		*) export -n "${name?}" ;;
		esac
	done
	for name; do
		export "${name?}"
	done
}

# user_drop USER: sets dropped, the words before a command that make it USER's. Nothing of root's is
# left to it, and it stays the same process.
user_drop() {
	dropped=()
	[[ $EUID -eq 0 ]] || return 0
	local uid gid
	user_find "$1" || return
	dropped=(setpriv --reuid="$1" --regid="$gid" --init-groups --inh-caps=-all)
	# The service may have to run the operator's alert_command, which may be a set-gid sendmail.
	[[ $1 == "$SERVICE_USER" ]] || dropped+=(--no-new-privs)
}

# as_user USER CMD...: runs a command as USER, from a directory that everybody may enter. Root's
# terminal is kept from it: a process of its user could take its descriptors over, and type or listen
# there in root's name. as_environment=(NAME=VALUE...) is what it gets besides.
as_user() (
	user=$1
	shift
	[[ $EUID -eq 0 ]] || exec "$@"
	user_drop "$user" || exit
	only_environment HOME=/ "${as_environment[@]}"
	cd / || exit
	[[ ! -t 0 ]] || exec </dev/null
	if [[ -t 1 || -t 2 ]]; then
		set -o pipefail
		{ setsid --wait "${dropped[@]}" "$@" 2>&1 >&3 3>&- | cat >&2 3>&-; } 3>&1 | cat
	else
		exec setsid --wait "${dropped[@]}" "$@"
	fi
)

as_environment=()

service_as() {
	local user
	user=$(service_user) && as_user "$user" "$@"
}

web_as() {
	local user
	user=$(web_user) && as_user "$user" "$@"
}

# user_directory MODE DIR USER [GROUP]: a directory of USER's. What is above it is ours alone, so that
# nobody can put a link in its place meanwhile.
user_directory() {
	local mode=$1 dir=$2 user=$3 group=${4:-}
	[[ -e $dir || -L $dir ]] || mkdir "$dir" || return
	if [[ -L $dir || ! -d $dir ]]; then
		echo "users: $dir is no directory" >&2
		return 1
	fi
	if [[ $EUID -eq 0 ]]; then
		chown -h "$user:$group" "$dir" || return
	fi
	chmod "$mode" "$dir"
}

# log_make FILE [USER]: a log that is there, and is not for everybody's eyes. Ours, and handed to the
# program as an open file, unless USER's program opens it itself.
log_make() {
	local file=$1 user=${2:-}
	[[ -e $file ]] || (umask 077 && : >"$file") || return
	if [[ $EUID -eq 0 && -n $user ]]; then
		chown -h "$user:" "$file" || return
	fi
	chmod 0640 "$file"
}

# log_tail FILE: its end, for a terminal, which has its own ideas of some characters.
log_tail() { tail -n 20 "$1" | LC_ALL=C tr -d '\000-\010\013-\037\177' >&2; }

# uid_of PID: of the process; not who /proc says owns its files, which may be root for any.
uid_of() {
	local key uid rest
	while read -r key uid rest; do
		if [[ $key == Uid: ]]; then
			printf '%s\n' "$uid"
			return
		fi
	done 2>/dev/null <"/proc/$1/status"
	return 1
}
