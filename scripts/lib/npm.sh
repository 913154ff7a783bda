# shellcheck shell=bash
# What tests and bench take from npm: exactly the versions of a lock file. It lands in node_modules beside
# that, where they find it. Nothing that users run needs any of it.

# npm_need [DIR]: installs what DIR/package.json (tests/) names when it is not there, or when the lock
# file says something else by now.
npm_need() {
	local dir=${1:-$top/tests} lock stamp wanted
	lock=$dir/package-lock.json stamp=$dir/node_modules/.installed
	wanted=$(sha256sum <"$lock")
	[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
	# Two suites may come here at once; the second finds it done.
	(
		flock -w 300 8 || exit 1
		[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit
		cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || exit 1
		printf '%s\n' "$wanted" >"$stamp"
	) 8<"$lock"
}
