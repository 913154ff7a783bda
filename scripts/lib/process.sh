# shellcheck shell=bash
# Programs that outlive the script: started as the user each is for, known by more than a number.
#
# $state/run/NAME.pid holds pid, start time, boot id and the user's number; only we write it. A pid alone
# is not enough: after a reboot, or a long time, it may be somebody else's. $state/run/NAME.as holds a
# digest of what the program was started with, so that `up` sees what is stale. A record that is lost or
# damaged is made anew from what the program says of itself (proc_recover).

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# start_time PID: in clock ticks since boot; the 22nd field, counted behind the name in brackets.
start_time() {
	local stat fields
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	read -r -a fields <<<"${stat##*) }"
	# A zombie has ended; only its parent has not noticed.
	[ "${fields[0]}" != Z ] && printf '%s\n' "${fields[19]}"
}

# proc_pid NAME: prints the pid while that very process lives.
proc_pid() {
	local pid started boot uid
	read -r pid started boot uid 2>/dev/null <"$state/run/$1.pid" || return 1
	[[ $pid =~ ^[1-9][0-9]*$ ]] && [ "$boot" = "$(boot_id)" ] && [ "$(start_time "$pid")" = "$started" ] &&
		[ "$(uid_of "$pid")" = "$uid" ] && printf '%s\n' "$pid"
}

# proc_record NAME PID UID
proc_record() {
	printf '%s %s %s %s\n' "$2" "$(start_time "$2")" "$(boot_id)" "$3" >"$state/run/$1.pid.new"
	mv "$state/run/$1.pid.new" "$state/run/$1.pid"
}

# proc_titled TITLE UID: prints the pids of that user's processes whose title begins so. Everybody can read a
# title, and anybody may choose his own: no more is done by it than that user could do to his processes.
proc_titled() {
	local file pid title
	grep -alsF -- "$1" /proc/[0-9]*/cmdline | while read -r file; do
		pid=${file#/proc/} pid=${pid%/cmdline}
		IFS= read -r -d '' title 2>/dev/null <"$file" || continue
		[[ $title == "$1"* ]] && [ "$(uid_of "$pid")" = "$2" ] && start_time "$pid" >/dev/null &&
			printf '%s\n' "$pid"
	done || true
}

# proc_recover NAME USER TITLE: writes the record of a living program anew where there is none of it. TITLE is
# what no other instance's has.
proc_recover() {
	local pid uid
	! proc_alive "$1" || return 0
	uid=$(id -u "$2") || return
	read -r pid < <(proc_titled "$3" "$uid") || return 0
	note "the record of $1 is lost or damaged; it runs as process $pid, which is written down anew"
	proc_record "$1" "$pid" "$uid"
}

proc_alive() { proc_pid "$1" >/dev/null; }

# proc_is_as NAME DIGEST: it lives, and was started with just that.
proc_is_as() { proc_alive "$1" && [ "$(cat "$state/run/$1.as" 2>/dev/null)" = "$2" ]; }

# proc_start NAME USER DIGEST CMD...: in a session of its own, as USER, output appended to
# $state/log/NAME.log. It is the caller's to say by what environment and where.
proc_start() {
	local name=$1 user=$2 digest=$3 pid uid
	local -a dropped
	shift 3
	user_drop "$user" && uid=$(id -u "$user") || return
	rm -f "$state/run/$name.pid"
	log_make "$state/log/$name.log" || return
	(
		exec 9<&-
		# Log and pid are written before root is given up: they lie where USER may not write.
		# shellcheck disable=SC2016 # expanded by the inner shell
		setsid -f bash -c 'ulimit -Sn "$1"; printf "%s\n" "$$" >"$2.new"; exec "${@:3}"' \
			start "$(file_limit)" "$state/run/$name.pid" "${dropped[@]}" "$@" \
			</dev/null >>"$state/log/$name.log" 2>&1
	)
	until_true 10 test -s "$state/run/$name.pid.new" || return 1
	read -r pid <"$state/run/$name.pid.new"
	proc_record "$name" "$pid" "$uid"
	printf '%s\n' "$digest" >"$state/run/$name.as"
	# It is root's for a moment.
	until_true 10 proc_is_users "$pid" "$uid"
}

# That user's by now, or gone.
# shellcheck disable=SC2317 # called through until_true
proc_is_users() { [ "$(uid_of "$1" || printf '%s' "$2")" = "$2" ]; }

file_limit() {
	local hard
	hard=$(ulimit -Hn)
	if [ "$hard" = unlimited ] || [ "$hard" -gt 65536 ]; then
		hard=65536
	fi
	printf '%s\n' "$hard"
}

proc_signal() {
	local pid
	pid=$(proc_pid "$1") && kill -"$2" "$pid" 2>/dev/null
}

# shellcheck disable=SC2317 # called through until_true
proc_gone() { ! proc_alive "$1"; }

# proc_sweep NAME PROGRAM: when a process is gone, ends what it left behind. Workers of an nginx that
# was killed hold its port; each program leads a session of its own, so they are found by that. Where the
# leader's number is somebody's, it is not that program's session.
proc_sweep() {
	local pid boot uid stat fields name=$1 program=$2
	read -r pid _ boot uid 2>/dev/null <"$state/run/$name.pid" || return 0
	[[ $pid =~ ^[1-9][0-9]*$ ]] && [ "$boot" = "$(boot_id)" ] && ! start_time "$pid" >/dev/null || return 0
	for stat in /proc/[0-9]*/stat; do
		read -r stat 2>/dev/null <"$stat" || continue
		read -r -a fields <<<"${stat##*) }"
		if [[ $stat == *"($program) "* ]] && [ "${fields[3]}" = "$pid" ] &&
			[ "$(uid_of "${stat%% *}")" = "$uid" ]; then
			kill -KILL "${stat%% *}" 2>/dev/null || true
		fi
	done
}

# proc_stop NAME SIGNAL SECONDS: asks, waits, and after that does not ask.
proc_stop() {
	if proc_signal "$1" "$2" && ! until_true "$3" proc_gone "$1"; then
		note "$1 did not stop within $3 s and is killed"
		proc_signal "$1" KILL || true
		until_true 10 proc_gone "$1" || note "$1 cannot be killed"
	fi
	rm -f "$state/run/$1.pid" "$state/run/$1.as"
}
