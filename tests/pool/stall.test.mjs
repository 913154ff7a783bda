// A thread that makes no turn costs its worker. No PostgreSQL, no nginx.
//
// One thread alone is stopped by a tracer that is stopped itself.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';

import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Pool, alive } from './pool.mjs';

const traceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;
const only = traceable ? {} : { skip: 'nothing can be traced here (Debian: strace)' };

const pool = await Pool.start({ keys: { stall_limit_ms: 1000 } });
after(() => pool.destroy());

// A wave thread of that worker: it waits for connections.
const waveThread = (pid) =>
	fs.readdirSync(`/proc/${pid}/task`).map(Number).find((tid) => {
		const where = fs.readFileSync(`/proc/${pid}/task/${tid}/wchan`, 'utf8');
		return tid !== pid && /poll/.test(where);
	});

test('a worker with a thread that makes no turn aborts, and counts as stalled', only, async () => {
	const [worker] = pool.workers();
	const thread = await until('a wave thread waits', () => waveThread(worker));
	const tracer = spawn('strace', ['-p', String(thread)], {
		stdio: ['ignore', 'ignore', 'pipe'],
	});
	after(() => tracer.kill('SIGKILL'));
	let trace = '';
	tracer.stderr.on('data', (part) => (trace += part));
	await until('it is traced', () => /epoll_wait/.test(trace));
	tracer.kill('SIGSTOP');
	await until('it is noticed', () => pool.lines(/a thread is stalled, aborting/).length === 1);
	tracer.kill('SIGKILL');
	await until('it is replaced', () => !alive(worker) && pool.workers().length === 2);
	const [line] = pool.lines(/ended role=worker/);
	assert.match(line, /level=error .*signal=6 reason=stalled/);
	const { text } = await pool.look('/metrics');
	assert.match(text, /^cardkeep_worker_restarts_total\{reason="stalled"\} 1$/m);
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
