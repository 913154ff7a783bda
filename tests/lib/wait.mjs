// Waiting for a condition, never for a time.
import fs from 'node:fs';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks `condition` (which may be async) every few milliseconds until it gives something true, and
// resolves to that; rejects after `ms` with what was waited for. One that takes long to ask, as by a psql of its
// own, is asked for half of the time at most: what is waited for needs the processor too.
export async function until(what, condition, ms = 10_000) {
	const deadline = performance.now() + ms;
	for (;;) {
		const asked = performance.now();
		const value = await condition();
		if (value) return value;
		const now = performance.now();
		if (now > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
		await pause(Math.min(Math.max(10, now - asked), 250));
	}
}

// Stops a process, and resolves when none of its threads runs any more. The signal reaches one of
// them, which stops the others once it gets a processor: until then they may take a connection.
export async function stop(pid) {
	process.kill(pid, 'SIGSTOP');
	const tasks = `/proc/${pid}/task`;
	await until('every thread is stopped', () => fs.readdirSync(tasks).every((task) =>
		/^State:\tT/m.test(fs.readFileSync(`${tasks}/${task}/status`, 'utf8'))));
}

// Runs `job(i)` for i = 0 .. count-1 with `width` at a time; resolves to the results in order.
export async function atOnce(count, width, job) {
	const results = new Array(count);
	let next = 0;
	const lane = async () => {
		while (next < count) {
			const i = next++;
			results[i] = await job(i);
		}
	};
	await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
	return results;
}
