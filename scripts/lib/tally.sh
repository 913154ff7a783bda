# shellcheck shell=bash
# Counts tests: each is one line, and what was counted is one last line that scripts can read.

passed=0 failed=0 skipped=0
failures=() # the sentences of those that failed

ok() {
	passed=$((passed + 1))
	printf 'ok - %s\n' "$1"
}

not_ok() {
	failed=$((failed + 1))
	failures+=("$1")
	printf 'not ok - %s\n' "$1"
}

# check SENTENCE CMD...: one test; what CMD prints is shown only when it fails.
check() {
	local sentence=$1 output
	shift
	if output=$("$@" 2>&1); then
		ok "$sentence"
	else
		not_ok "$sentence"
		printf '%s\n' "$output" | tail -n 60 | sed 's/^/    /'
	fi
}

# failures_of LOG: takes over those that a log tells of.
failures_of() {
	local -a told
	mapfile -t told < <(sed -nE 's/^(not ok -|FAILED) //p' "$1")
	failures+=("${told[@]}")
}

# add_up NAME CMD...: a runner that ends with such a last line itself. One that fails without
# counting a failure, or that does not count at all, is a failure.
add_up() {
	local name=$1 log status=0 last
	shift
	log=$(mktemp)
	"$@" 2>&1 | tee "$log" | sed '$!b;/^[0-9]* passed, [0-9]* failed/d' || status=${PIPESTATUS[0]}
	last=$(tail -n 1 "$log")
	failures_of "$log"
	rm -f "$log"
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		[ "$status" -eq 0 ] || [ "${BASH_REMATCH[2]}" -gt 0 ] || not_ok "$name ended with status $status"
	else
		not_ok "$name ended with status $status and counted nothing"
	fi
}

# Says again what failed, as the lines above may be thousands.
tally() {
	[ "${#failures[@]}" -eq 0 ] || printf '# failed: %s\n' "${failures[@]}"
	printf '%d passed, %d failed' "$passed" "$failed"
	if [ "$skipped" -gt 0 ]; then
		printf ', %d skipped' "$skipped"
	fi
	printf '\n'
	[ "$failed" -eq 0 ]
}
