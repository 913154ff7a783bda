// SIGHUP and SIGUSR1: new configurations, new processes, new logs. No PostgreSQL, no nginx.
import fs from 'node:fs';

import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Connection } from './fcgi.mjs';
import { Pool, alive } from './pool.mjs';

const pool = await Pool.start();
after(() => pool.destroy());

const generation = () =>
	Number([...pool.log().matchAll(/ ready workers=\d+ generation=(\d+)/g)].at(-1)[1]);

async function reload() {
	const next = generation() + 1;
	pool.signal('SIGHUP');
	await until(`generation ${next} serves`, () => generation() === next, 20_000);
}

// Asks without a pause on one kept connection, as nginx would: it lets go of the connection when it
// is asked to, and may be in the middle of a request then.
async function client(state) {
	let connection = await Connection.open(pool.app);
	while (!state.over) {
		if (connection.askedToClose || connection.closed) {
			connection.close();
			connection = await Connection.open(pool.app);
		}
		try {
			const { status } = await connection.ask('GET', '/api/users/me');
			if (status !== 401) state.failed.push(status);
		} catch (error) {
			state.failed.push(error.message);
		}
		state.count++;
	}
	connection.close();
}

test('every process is replaced, and no request fails, ten times over', async () => {
	const state = { over: false, count: 0, failed: [] };
	const clients = Array.from({ length: 8 }, () => client(state));
	for (let i = 0; i < 10; i++) {
		const before = [...pool.workers(), pool.statusPid()];
		await reload();
		await until('the old ones are gone', () => !before.some(alive));
		assert.equal(pool.workers().length, 2);
	}
	state.over = true;
	await Promise.all(clients);
	assert.deepEqual(state.failed, []);
	assert.ok(state.count > 500, `${state.count} requests`);
	assert.deepEqual(pool.lines(/signal=9/), []);
});

test('a worker is asked to end only after its replacement serves', () => {
	const lines = pool.log().split('\n');
	let serving = 0;
	for (const line of lines) {
		if (/ serving slot=/.test(line)) serving++;
		if (/ ending role=worker/.test(line)) serving--;
		if (/ ending role=worker/.test(line)) assert.ok(serving >= 2, line);
	}
});

test('counters outlive the workers that counted', async () => {
	const { json } = await pool.look('/status.json');
	assert.equal(json.workers.length, 2);
	const { text } = await pool.look('/metrics');
	assert.match(text, /^cardkeep_worker_restarts_total\{reason="reload"\} 20$/m);
});

test('a wrong file is refused with its reason, and nothing changes', async () => {
	const before = pool.children();
	pool.configure({}, 'thread = 3\n');
	pool.signal('SIGHUP');
	await until('it is refused', () => /reload refused/.test(pool.log()));
	const [line] = pool.lines(/reload refused, the configuration in force stays/);
	assert.match(line, /level=error .*error=".*cardkeep\.conf:\d+: thread: no such key"/);
	assert.deepEqual(pool.children(), before);
	assert.equal((await pool.request()).status, 401);
	pool.configure({});
});

test('what only a restart can change is named, and stays', async () => {
	const keys = { workers: 3, threads: 5, listen: `${pool.app}.new` };
	pool.configure({ ...keys, status_listen: pool.status });
	await reload();
	const log = pool.log();
	for (const key of ['workers', 'threads', 'listen'])
		assert.match(log, new RegExp(`level=warn .*needs a restart key=${key}\\b`));
	assert.equal(pool.workers().length, 2);
	assert.equal((await pool.request()).status, 401);
	assert.equal(fs.existsSync(`${pool.app}.new`), false);
	pool.configure({});
});

test('a new log level holds for the new workers', async () => {
	pool.configure({ log_level: 'warn' });
	pool.signal('SIGHUP');
	const before = pool.workers();
	await until('new workers serve', () => !before.some(alive) && pool.workers().length === 2);
	const mark = pool.log().length;
	assert.equal((await pool.request()).status, 401);
	assert.doesNotMatch(pool.log().slice(mark), /level=info/);
});

test('SIGUSR1 opens the log anew in every process', async () => {
	const file = pool.path('service.log');
	const read = (name) => (fs.existsSync(name) ? fs.readFileSync(name, 'utf8') : '');
	pool.configure({ log_file: file });
	const before = pool.workers();
	pool.signal('SIGHUP');
	await until('new workers serve', () => !before.some(alive) && pool.workers().length === 2);
	await until('they log there', () => /serving slot=/.test(read(file)));
	fs.renameSync(file, `${file}.1`);
	pool.signal('SIGUSR1');
	await until('there is a new file', () => fs.existsSync(file));
	await until('a worker logs into it', async () => {
		await pool.request();
		return /request id=/.test(read(file));
	});
	const old = read(`${file}.1`);
	for (let i = 0; i < 20; i++) await pool.request();
	assert.equal(read(`${file}.1`), old);
	process.kill(pool.workers()[0], 'SIGKILL');
	await until('the supervisor logs into it', () => /ended role=worker/.test(read(file)));
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
