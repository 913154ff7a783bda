// What is left to each process, as the kernel tells it. What that keeps them from is tried by
// tests/unit/t_sandbox.c.
import fs from 'node:fs';

import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Pool } from './pool.mjs';

const pool = await Pool.start();
after(() => pool.destroy());

const field = (pid, name) =>
	new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
const bound = () => [...pool.workers(), pool.statusPid()];
const all = () => [pool.pid, ...bound()];
const isRoot = process.getuid() === 0;
const landlock = /sandbox .*landlock=([0-9]+)/.exec(pool.log())?.[1];

test('the log says once what processes are bound by', () => {
	assert.equal(pool.lines(/\bsandbox /).length, 1, pool.log());
	assert.match(pool.log(), /sandbox no_new_privs=yes seccomp=yes landlock=[0-9]+ core=no dumpable=no/);
});

test('workers and the status process have no privileges, and gain none; a filter holds each thread', () => {
	assert.equal(bound().length, 3);
	for (const pid of bound()) {
		for (const name of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(field(pid, name), /^0+$/);
		// Only root can give the bounding set up, and only root has a use for it.
		if (field(pid, 'Uid') === '0') assert.match(field(pid, 'CapBnd'), /^0+$/);
		for (const tid of fs.readdirSync(`/proc/${pid}/task`)) {
			assert.equal(field(`${pid}/task/${tid}`, 'NoNewPrivs'), '1');
			assert.equal(field(`${pid}/task/${tid}`, 'Seccomp'), '2');
		}
	}
});

test('no process leaves a core, or may be looked into by others of its user', () => {
	for (const pid of all()) {
		const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
		assert.match(limits, /^Max core file size\s+0\s+0\s/m);
		assert.equal(fs.statSync(`/proc/${pid}/status`).uid, 0, 'what is dumpable belongs to its user');
	}
});

test('status.json says what binds each worker', async () => {
	const { json } = await pool.look('/status.json');
	const want = ['no-new-privs', 'seccomp', ...(landlock === '0' ? [] : ['landlock'])];
	assert.equal(json.workers.length, 2);
	for (const worker of json.workers) assert.deepEqual(worker.sandbox, want);
});

test('the descriptors of each process are still counted, by itself', async () => {
	const { text } = await pool.look('/metrics');
	const counts = text.split('\n').filter((line) => line.startsWith('process_open_fds'));
	assert.equal(counts.length, 4, counts.join('\n'));
	for (const line of counts) assert.ok(Number(line.split(' ').at(-1)) > 3, line);
	if (!isRoot) return;
	const [worker] = pool.workers();
	const there = fs.readdirSync(`/proc/${worker}/fd`).length;
	assert.ok(counts.some((line) => Math.abs(Number(line.split(' ').at(-1)) - there) <= 1), counts.join('\n'));
});

test('the log is opened anew by every process where it was moved away', async () => {
	const file = pool.path('logs/cardkeepd.log');
	fs.mkdirSync(pool.path('logs'));
	if (pool.user.uid !== undefined) fs.chownSync(pool.path('logs'), pool.user.uid, pool.user.gid);
	const other = await Pool.start({ keys: { log_file: file, log_level: 'debug' }, wait: false });
	try {
		await until('it serves', () => other.workers().length === 2 && other.statusPid());
		const pids = [other.pid, ...other.workers(), other.statusPid()];
		fs.renameSync(file, `${file}.1`);
		other.signal('SIGUSR1');
		await until('each has the new file', () =>
			fs.existsSync(file) &&
			pids.every((pid) => !isRoot || fs.readlinkSync(`/proc/${pid}/fd/2`) === file));
		assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /cannot open the log/);
	} finally {
		other.destroy();
	}
});

test('sandbox = 0 leaves processes as they are, and says so', async () => {
	const free = await Pool.start({ keys: { sandbox: 0 } });
	try {
		assert.match(free.log(), /level=warn .*sandbox off/);
		for (const pid of [...free.workers(), free.statusPid()]) {
			assert.equal(field(pid, 'Seccomp'), '0');
			assert.equal(field(pid, 'NoNewPrivs'), '0');
		}
		const { json } = await free.look('/status.json');
		for (const worker of json.workers) assert.deepEqual(worker.sandbox, []);
	} finally {
		free.destroy();
	}
});

test('it ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
