# shellcheck shell=bash
# libpq connection strings, written by people in either of libpq's two forms.

# conninfo_url STRING: the same as a URL. Keywords become parameters, in their order.
conninfo_url() {
	local rest=$1 key value query=''
	local quoted="^'(([^'\\\\]|\\\\.)*)'(.*)\$" bare='^(([^[:space:]\\]|\\.)*)(.*)$'
	case $rest in
	postgres://* | postgresql://*)
		printf '%s\n' "$rest"
		return
		;;
	*=*) ;;
	*) rest="dbname=$rest" ;;
	esac
	while [[ $rest =~ ^[[:space:]]*([a-z_]+)[[:space:]]*=[[:space:]]*(.*)$ ]]; do
		key=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]}
		[[ $rest =~ $quoted ]] || [[ $rest =~ $bare ]] || return 1
		value=${BASH_REMATCH[1]} rest=${BASH_REMATCH[3]}
		query+="${query:+&}$key=$(pg_escape "$(pg_unescape "$value")")"
	done
	[[ $rest =~ ^[[:space:]]*$ ]] && printf 'postgresql://?%s\n' "$query"
}

# conninfo_password URL: the password in it, if any.
conninfo_password() {
	local rest=${1#*://} query='' word password=''
	local -a words
	[[ $rest != *\?* ]] || query=${rest#*\?}
	rest=${rest%%\?*}
	rest=${rest%%/*}
	if [[ $rest == *@* && ${rest%@*} == *:* ]]; then
		rest=${rest%@*}
		password=${rest#*:}
	fi
	IFS='&' read -r -a words <<<"$query"
	for word in "${words[@]}"; do
		[[ $word != password=* ]] || password=${word#*=}
	done
	pg_unpercent "$password"
}

# conninfo_without_password URL PASSFILE: the same, but for where libpq finds the password; PASSFILE may
# be empty.
conninfo_without_password() {
	local scheme=${1%%://*} rest=${1#*://} query='' authority word kept=''
	local -a words
	[[ $rest != *\?* ]] || query=${rest#*\?}
	rest=${rest%%\?*}
	authority=${rest%%/*}
	rest=${rest#"$authority"}
	if [[ $authority == *@* ]]; then
		word=${authority%@*}
		authority=${word%%:*}@${authority##*@}
	fi
	IFS='&' read -r -a words <<<"$query"
	for word in "${words[@]}"; do
		case $word in
		password=* | '') ;;
		passfile=*) [ -n "$2" ] || kept+="&$word" ;;
		*) kept+="&$word" ;;
		esac
	done
	[ -z "$2" ] || kept+="&passfile=$(pg_escape "$2")"
	printf '%s://%s%s\n' "$scheme" "$authority$rest" "${kept:+?${kept#&}}"
}

# conninfo_as URL USER PASSFILE DATABASE: the same server for another user, without any password.
conninfo_as() {
	local url=$1 user=$2 passfile=$3 database=$4 query='' word words
	local scheme=${url%%://*} rest=${url#*://} authority
	[[ $rest != *\?* ]] || query=${rest#*\?}
	rest=${rest%%\?*}
	authority=${rest%%/*}
	rest=${authority##*@}${rest#"$authority"}
	IFS='&' read -r -a words <<<"$query"
	query="user=$user&dbname=$(pg_escape "$database")&passfile=$(pg_escape "$passfile")"
	for word in "${words[@]}"; do
		case $word in
		user=* | password=* | sslpassword=* | dbname=* | passfile=* | application_name=* | '') ;;
		*) query+="&$word" ;;
		esac
	done
	printf '%s://%s?%s\n' "$scheme" "$rest" "$query"
}
