# shellcheck shell=bash
# libpq connection strings, written by people in either of libpq's two forms.

url_encode() {
	local text=$1 i char out=''
	for ((i = 0; i < ${#text}; i++)); do
		char=${text:i:1}
		case $char in
		[a-zA-Z0-9._~-]) out+=$char ;;
		*) out+=$(printf '%s' "$char" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%') ;;
		esac
	done
	printf '%s\n' "$out"
}

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
		value=$(printf '%s' "$value" | sed 's/\\\(.\)/\1/g')
		query+="${query:+&}$key=$(url_encode "$value")"
	done
	[[ $rest =~ ^[[:space:]]*$ ]] && printf 'postgresql://?%s\n' "$query"
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
	query="user=$user&dbname=$(url_encode "$database")&passfile=$(url_encode "$passfile")"
	for word in "${words[@]}"; do
		case $word in
		user=* | password=* | dbname=* | passfile=* | application_name=* | '') ;;
		*) query+="&$word" ;;
		esac
	done
	printf '%s://%s?%s\n' "$scheme" "$rest" "$query"
}
