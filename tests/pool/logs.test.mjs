// What the log says and how much: levels, signals, access lines, the journal. No PostgreSQL, no nginx.
import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Pool } from './pool.mjs';

const pool = await Pool.start();
after(() => pool.destroy());

const level = async () => (await pool.look('/status.json')).json.log_level;
const access = () => pool.lines(/level=info pid=\d+ request id=/);

test('a request leaves one line, with its id, route, status, time, wave and attempts', async () => {
	await pool.request();
	const [line, more] = await until('it is logged', () => access().length > 0 && access());
	assert.match(line, /^ts=\S+Z level=info pid=\d+ request id=[0-9a-f-]{36} method=GET route=me status=401 us=\d+ wave=0 attempts=0$/);
	assert.equal(more, undefined);
});

// Workers share connections that are open at a time; of those that follow one another one may take all.
async function askEveryWorker() {
	const open = await Promise.all(pool.workers().map(() => Promise.all([pool.connect(), pool.connect()])));
	for (const connection of open.flat()) await connection.ask('GET', '/api/users/me');
	for (const connection of open.flat()) connection.close();
}

// Asks until every worker has said something at that level.
async function everyWorkerSays(pattern) {
	const workers = pool.workers();
	await until(`every worker says ${pattern}`, async () => {
		await askEveryWorker();
		const pids = pool.lines(pattern).map((line) => Number(/ pid=(\d+) /.exec(line)[1]));
		return workers.every((pid) => pids.includes(pid));
	});
}

test('SIGUSR2 turns debug lines on in every process, and off again', async () => {
	assert.equal(await level(), 'info');
	pool.signal('SIGUSR2');
	await until('it is debug', async () => (await level()) === 'debug');
	await everyWorkerSays(/level=debug pid=\d+ gathered /);
	pool.signal('SIGUSR2');
	await until('it is info', async () => (await level()) === 'info');
	const set = await until('both are logged', () => {
		const lines = pool.lines(/log level set/);
		return lines.length >= 2 && lines;
	});
	assert.deepEqual(set.map((line) => /level=(\w+)$/.exec(line)[1]), ['debug', 'info']);
	await until('nobody says anything at debug', async () => {
		const before = pool.lines(/level=debug/).length;
		for (let i = 0; i < 10; i++) await pool.request();
		return pool.lines(/level=debug/).length === before;
	});
});

test('a worker that starts meanwhile has the level too', async () => {
	pool.signal('SIGUSR2');
	await until('it is debug', async () => (await level()) === 'debug');
	const old = pool.workers();
	process.kill(old[0], 'SIGKILL');
	await until('it is replaced', () => !pool.workers().includes(old[0]) && pool.workers().length === 2);
	await everyWorkerSays(/level=debug pid=\d+ gathered /);
	pool.signal('SIGUSR2');
	await until('it is info', async () => (await level()) === 'info');
});

test('a reload puts the level back to what is configured', async () => {
	pool.signal('SIGUSR2');
	await until('it is debug', async () => (await level()) === 'debug');
	pool.configure({ log_level: 'warn' });
	pool.signal('SIGHUP');
	await until('it is warn', async () => (await level()) === 'warn');
	pool.configure({ access_log: 0 });
	pool.signal('SIGHUP');
	await until('it is info', async () => (await level()) === 'info');
});

test('without access_log a request leaves no line', async () => {
	await until('the new workers serve', () => pool.lines(/ready workers=2 generation=3/).length === 1, 20_000);
	const before = access().length;
	for (let i = 0; i < 10; i++) await pool.request();
	assert.equal(access().length, before);
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});

test('in the journal a line has a priority and no time', async () => {
	const wrap = ['sh', '-c', 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', 'sh'];
	const journal = await Pool.start({ wrap, wait: false });
	after(() => journal.destroy());
	await until('it is ready', () => /^<6>level=info ready workers=2/m.test(journal.log()), 20_000);
	await journal.request();
	await until('the request is logged', () => /^<6>level=info request id=/m.test(journal.log()));
	for (const line of journal.log().split('\n').filter(Boolean)) assert.match(line, /^<[3-7]>level=/);
	assert.equal(await journal.stop(), '');
});
