// Who reads a daemon's log: a process at the other end of a pipe, which can be stopped, killed, and another
// one put in its place.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';

import { stop } from './wait.mjs';

const { O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants;

export class Reader {
	// Reads from a pipe made at `pipe`, and appends what comes to `file`. Mode 0600 is one that the service
	// may not open itself, where it is another user's.
	constructor(pipe, file, mode = 0o666) {
		Object.assign(this, { pipe, file });
		const { status, stderr } = spawnSync('mkfifo', [pipe], { encoding: 'utf8' });
		if (status !== 0) throw new Error(stderr);
		fs.chmodSync(pipe, mode);
		this.start();
	}

	start() {
		// So that it is there, whether or not anybody writes yet.
		const both = fs.openSync(this.pipe, O_RDWR);
		const file = fs.openSync(this.file, 'a');
		this.child = spawn('cat', [], { stdio: [both, file, 'inherit'] });
		fs.closeSync(both);
		fs.closeSync(file);
	}

	// A descriptor for a child to write to; the caller closes it.
	open() {
		return fs.openSync(this.pipe, O_WRONLY);
	}

	// It stands still, and there is no room left for it to take anything later.
	async stand() {
		await stop(this.child.pid);
		const end = fs.openSync(this.pipe, O_WRONLY | O_NONBLOCK);
		for (const bytes of [65536, 4096, 1]) fillBy(end, '\n'.repeat(bytes));
		fs.closeSync(end);
	}

	goOn() {
		this.child.kill('SIGCONT');
	}

	async kill() {
		this.child.kill('SIGKILL');
		if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
	}
}

function fillBy(end, text) {
	try {
		for (;;) fs.writeSync(end, text);
	} catch (error) {
		if (error.code !== 'EAGAIN') throw error;
	}
}

// What it wrote, but for what filled the pipe. Throws where a line is not one.
export function wholeLines(log) {
	const lines = log.split('\n').filter((line) => line !== '');
	const torn = lines.filter((line) => !/^ts=\S+Z level=[a-z]+ pid=\d+ [^=]/.test(line) || / ts=/.test(line));
	if (torn.length > 0) throw new Error(`torn: ${torn.slice(0, 5).join('\n')}`);
	return lines;
}
