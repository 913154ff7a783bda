# shellcheck shell=bash
# What the tests take from npm (tests/package.json): exactly the versions of its lock file.
#
# It lands in tests/node_modules, where every test finds it. Nothing that users run needs any of it.

# Installs it when it is not there, or when the lock file says something else by now.
npm_need() {
	local lock=$top/tests/package-lock.json stamp=$top/tests/node_modules/.installed wanted
	wanted=$(sha256sum <"$lock")
	[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
	# Two suites may come here at once; the second finds it done.
	(
		flock -w 300 8 || exit 1
		[ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit
		cd "$top/tests" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || exit 1
		printf '%s\n' "$wanted" >"$stamp"
	) 8<"$lock"
}
