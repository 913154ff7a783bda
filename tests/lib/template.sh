# shellcheck shell=bash
# A deployed cluster to copy: deploying takes many seconds, copying does not.
#
# To be sourced after scripts/lib/postgres.sh.

# template_make DIR: leaves one that does not run in DIR/db, where it is not there yet. Suites side by side share
# one, so who comes second waits for who came first.
template_make() {
	(
		chmod 755 "$1" && flock -w 300 8 || exit 1
		[[ ! -d $1/db ]] || exit 0
		trap 'pg_stop "$1/making" immediate' EXIT
		trap 'exit 130' INT TERM
		rm -rf "$1/making"
		# The server is not to hold the lock.
		pg_init "$1/making" && pg_start "$1/making" 8<&- && pg_deploy "$1/making" && pg_stop "$1/making" &&
			mv "$1/making" "$1/db"
	) 8>"$1/lock"
}

# template_copy CLUSTER: puts a copy there of the one that scripts/test keeps; nothing where it keeps none.
template_copy() {
	[[ -n ${CARDKEEP_TEST_TEMPLATE:-} ]] || return 0
	template_make "$CARDKEEP_TEST_TEMPLATE" && cp -a "$CARDKEEP_TEST_TEMPLATE/db" "$1"
}
