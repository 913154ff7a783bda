// Who reads the log stands still, or dies: that costs lines, which are counted, and nothing else.
import fs from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';

import { assert, after, test } from '../lib/harness.mjs';
import { wholeLines } from '../lib/reader.mjs';
import { until } from '../lib/wait.mjs';
import { alive, start } from './pool.mjs';

const SOON_MS = process.env.CK_VARIANT === 'gcc' ? 1000 : 5000;
const lost = async (pool) => (await pool.look('/status.json')).json.log_lines_lost;
const told = (pool) => pool.lines(/ log lines were lost lines=\d+$/)
	.map((line) => Number(/\d+$/.exec(line)[0])).reduce((sum, n) => sum + n, 0);

// Requests are answered at once, whoever reads of them.
async function serves(pool) {
	for (let i = 0; i < 50; i++) {
		const began = performance.now();
		assert.equal((await pool.request()).status, 401);
		assert.ok(performance.now() - began < SOON_MS, 'an answer waits for nobody');
	}
}

// The supervisor does its work too, each part of which has a line.
async function supervises(pool) {
	const [victim] = pool.workers();
	process.kill(victim, 'SIGKILL');
	await until('it is replaced', () => !alive(victim) && pool.workers().length === 2);
	const before = pool.workers();
	pool.signal('SIGHUP');
	await until('the workers are new ones', () =>
		pool.workers().length === 2 && !pool.workers().some((pid) => before.includes(pid)));
	pool.signal('SIGUSR1');
	pool.signal('SIGUSR2');
	await until('the level is set', async () => (await pool.look('/status.json')).json.log_level === 'debug');
	pool.signal('SIGUSR2');
	await until('and set back', async () => (await pool.look('/status.json')).json.log_level === 'info');
	assert.equal(pool.running, true);
}

const pipes = {
	'that it can open itself': 0o666,
	...(process.getuid() === 0 ? { "that is another user's": 0o600 } : {}),
};

for (const [which, pipe] of Object.entries(pipes)) {
	test(`a reader of a pipe ${which} stands still: lines are lost, counted, and told of when he is back`, async () => {
		const pool = await start({ pipe });
		await serves(pool);
		assert.equal(await lost(pool), 0);
		await pool.reader.stand();
		await serves(pool);
		await supervises(pool);
		await until('what was lost is counted', async () => (await lost(pool)) > 60);
		const { text } = await pool.look('/metrics');
		assert.match(text, /^cardkeep_log_lines_lost_total [1-9]\d+$/m);
		pool.reader.goOn();
		await until('it is told', () => told(pool) > 0);
		await serves(pool);
		await until('as many as are counted', async () => (await lost(pool)) === told(pool));
		wholeLines(pool.log());
		// Even then it can be stopped.
		await pool.reader.stand();
		pool.signal('SIGTERM');
		assert.equal(await pool.ended(10_000), 0);
	});
}

test('a reader that dies costs lines, not the supervisor; one that comes in its place is told', async () => {
	const pool = await start({ pipe: 0o666 });
	await pool.reader.kill();
	await serves(pool);
	await supervises(pool);
	await until('what was lost is counted', async () => (await lost(pool)) > 60);
	pool.reader.start();
	await until('it is told', () => told(pool) > 0);
	await serves(pool);
	wholeLines(pool.log());
	await pool.reader.kill();
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(10_000), 0);
});

test('a reader at a socket, as the journal is, is not waited for either', async () => {
	const pool = await start({ wait: false, wrap: ['true'] });
	await pool.ended();
	const server = net.createServer({ pauseOnConnect: true }).listen(pool.path('journal.sock'));
	await once(server, 'listening');
	const ours = net.connect(pool.path('journal.sock'));
	const [theirs] = await once(server, 'connection');
	after(() => {
		theirs.destroy();
		server.close();
	});
	pool.wrap = [];
	pool.reader = { open: () => ours, child: { kill: () => ours.destroy() } };
	pool.respawn();
	await until('it serves', () => pool.request().then(({ status }) => status === 401, () => false), 20_000);
	await until('the socket is full', async () => {
		for (let i = 0; i < 50; i++) await pool.request();
		return (await lost(pool)) > 0;
	}, 60_000);
	await serves(pool);
	await supervises(pool);
	let log = '';
	theirs.setEncoding('utf8').on('data', (text) => (log += text));
	theirs.resume();
	await until('it is told', () => / log lines were lost lines=\d+\n/.test(log));
	wholeLines(log.slice(0, log.lastIndexOf('\n') + 1));
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(10_000), 0);
});

test('a log_file that is a pipe is never waited for: not at the start, and not when it is opened anew', async () => {
	const pool = await start({ wait: false, wrap: ['true'] });
	await pool.ended();
	pool.wrap = [];
	const { Reader } = await import('../lib/reader.mjs');
	const reader = new Reader(pool.path('log-pipe'), pool.path('log'));
	after(() => reader.kill());
	pool.configure({ log_file: reader.pipe });
	await reader.kill();
	pool.respawn();
	assert.equal(await pool.ended(5000), 73, 'nobody reads it');
	assert.match(pool.log(), /^cardkeepd: .*log-pipe: it is a pipe that nobody reads/m);
	reader.start();
	pool.respawn();
	const log = () => fs.readFileSync(reader.file, 'utf8');
	await until('it is ready', () => / ready workers=2/.test(log()), 20_000);
	await reader.kill();
	pool.signal('SIGUSR1');
	await serves(pool);
	await until('what was lost is counted', async () => (await lost(pool)) > 50);
	reader.start();
	pool.signal('SIGUSR1');
	await until('it is told', () => / log lines were lost /.test(log()));
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(10_000), 0);
});

// The service's own log and the security log on a disk without room: /dev/full has none for anybody.
test('logs on a full disk cost lines, which are counted', async () => {
	const pool = await start({ keys: { log_file: '/dev/full', security_log: '/dev/full' }, wait: false });
	await until('it serves', () => pool.request().then(({ status }) => status === 401, () => false), 20_000);
	await serves(pool);
	await until('lines of the log are counted', async () => (await lost(pool)) > 50);
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(10_000), 0);
});
