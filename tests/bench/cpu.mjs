// CPU time of groups of processes, from /proc.
//
// A group is a process and all below it. What ended below it and was waited for is in its parent's
// own figures, so the difference of two readings holds everything between them.
import fs from 'node:fs';

const TICK_US = 10_000; // USER_HZ is 100 wherever Linux runs

export function cpuUs(root) {
	return family(root).reduce((sum, pid) => sum + own(pid), 0);
}

// What ended below this very process and was waited for: the load generators.
export function childrenCpuUs() {
	const times = fields('self');
	return (Number(times[13]) + Number(times[14])) * TICK_US;
}

function family(root) {
	const pids = [root];
	for (const pid of pids) pids.push(...children(pid));
	return pids;
}

function children(pid) {
	try {
		const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
		return text.trim().split(/\s+/).filter(Boolean).map(Number);
	} catch {
		return [];
	}
}

// Its own, and what it has waited for: utime, stime, cutime, cstime.
function own(pid) {
	const times = fields(pid);
	return times.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_US;
}

// The fields of stat behind the name in brackets, from the state on.
function fields(pid) {
	try {
		const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
		return text.slice(text.lastIndexOf(')') + 2).split(' ');
	} catch {
		return [];
	}
}
