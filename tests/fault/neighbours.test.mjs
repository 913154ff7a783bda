// The processes around the service are killed, stopped and slow while clients write: who reads its log, who
// scrapes its status, its alert command, nginx, and one of its own workers. What clients are told is
// counted, and compared with what the database has.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { compare, load, NOTHING_WRONG, tally } from './load.mjs';
import { assert, after, atOnce, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';
import { wholeLines } from '../lib/reader.mjs';
import { stop } from '../lib/wait.mjs';

const SLOW_MS = process.env.CK_VARIANT === 'gcc' ? 3000 : 5500;
const stack = await own({
	pipe: 0o666,
	env: {
		CARDKEEP_WORKERS: '2',
		CARDKEEP_WINDOW_S: '4',
		CARDKEEP_WINDOW_SHORT_S: '2',
		CARDKEEP_ALERT_MIN_EVENTS: '5',
		CARDKEEP_ALERT_VERSION_CONFLICTS: 'above 5% clear 3% for 1s',
		CARDKEEP_ALERT_REPEAT_S: '1',
		CARDKEEP_ALERT_COMMAND: '/bin/sh behaviour',
		CARDKEEP_ALERT_COMMAND_TIMEOUT_S: '2',
	},
});
const { token } = await stack.client.register();
const { id } = await stack.client.card(token);
const card = (await stack.client.patch(`/api/cards/${id}`, { version: 1, name: 'New' }, { token })).json;
const get = (page) => stack.client.get(page); // which is another one when nginx was started again
const status = async () => (await get('/status.json')).json;
const metric = async (name) =>
	Number(new RegExp(`^${name} (\\S+)$`, 'm').exec((await get('/metrics')).text)[1]);

// Clients write while `trouble` runs, and for a while after it; resolves to their answers. Every write that
// was told of as applied is there once, and none that was told of as not applied.
async function underLoad(t, trouble) {
	const clients = load(stack, token, 8);
	const goOn = async () => {
		const good = () => clients.answers.filter(({ status: code }) => code === 201).length;
		const before = good();
		await until('the load goes on', () => good() > before + 40, 20_000);
	};
	try {
		await goOn();
		await trouble(goOn);
		await goOn();
	} finally {
		await clients.stop();
	}
	assert.deepEqual(await compare(stack, clients.answers), NOTHING_WRONG);
	t.diagnostic(`measured: answers ${JSON.stringify(tally(clients.answers))}, the slowest after ` +
		`${Math.round(Math.max(...clients.answers.map(({ ms }) => ms)))} ms`);
	return clients.answers;
}

// Nobody noticed anything.
function allServed(answers) {
	assert.deepEqual(Object.keys(tally(answers)), ['201']);
	const slow = answers.filter(({ ms }) => ms > SLOW_MS);
	assert.deepEqual(slow, []);
}

test('a log reader that stands still: every request is served, and lines are counted', async (t) => {
	allServed(await underLoad(t, async (goOn) => {
		await stack.reader.stand();
		for (let i = 0; i < 5; i++) await goOn();
		await until('lost lines are counted', async () => (await status()).log_lines_lost > 100);
		stack.reader.goOn();
		await until('it is told of', () => / log lines were lost lines=\d+$/m.test(stack.log()));
	}));
	wholeLines(stack.log());
});

test('a log reader that is killed, and another one later', async (t) => {
	const before = await metric('cardkeep_log_lines_lost_total');
	allServed(await underLoad(t, async (goOn) => {
		await stack.reader.kill();
		for (let i = 0; i < 3; i++) await goOn();
		process.kill(stack.daemon.pid, 'SIGUSR1');
		await until('lost lines are counted', async () =>
			(await metric('cardkeep_log_lines_lost_total')) > before + 100);
		stack.reader.start();
	}));
	wholeLines(stack.log());
});

test('scrapers that stop in mid request, or never read their answer, take nothing from others', async (t) => {
	const sockets = [];
	after(() => sockets.forEach((socket) => socket.destroy()));
	const open = (text) => {
		const socket = net.connect(stack.port, '127.0.0.1', () => socket.write(text));
		socket.on('error', () => {});
		socket.pause();
		sockets.push(socket);
	};
	allServed(await underLoad(t, async (goOn) => {
		for (let i = 0; i < 30; i++) {
			open('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
			open('GET /metrics HTTP/1.1\r\nHost: loc');
		}
		await goOn();
		for (const page of ['/livez', '/readyz', '/metrics', '/status.json']) {
			const got = await get(page);
			assert.equal(got.status, 200, `${page}: ${got.text}`);
			assert.ok(got.ms < SLOW_MS, `${page} after ${got.ms} ms`);
		}
		await goOn();
	}));
	sockets.forEach((socket) => socket.destroy());
});

// One that fires as long as it is wanted: updates of an old version.
async function conflicts(going) {
	const old = { version: card.version - 1, name: 'Old' };
	while (going()) await atOnce(5, 5, () => stack.client.patch(`/api/cards/${card.id}`, old, { token }));
}

const behaviours = {
	'hangs, and ignores being asked to end': "trap '' TERM; while :; do sleep 1; done",
	'kills itself': 'kill -KILL $$',
	'floods its output': 'exec yes 0123456789012345678901234567890123456789',
};

for (const [what, script] of Object.entries(behaviours)) {
	test(`an alert command that ${what} costs nobody anything`, async (t) => {
		fs.writeFileSync(path.join(stack.dir, 'run/behaviour'), `${script}\n`);
		const mark = stack.logMark();
		let going = true;
		allServed(await underLoad(t, async (goOn) => {
			const firing = conflicts(() => going);
			// The first to end may still be one of before.
			await until('it was run, and has ended', () =>
				stack.logSince(mark).match(/alert_command ended name=VersionConflictRateHigh /g)?.length >= 2, 15_000);
			going = false;
			await firing;
			await goOn();
			assert.equal((await get('/readyz')).status, 200);
		}));
	});
}

test('nginx stopped for a second: what was on its way is answered late, and once', async (t) => {
	const answers = await underLoad(t, async () => {
		const workers = stack.children(stack.nginx.pid);
		for (const pid of workers) await stop(pid);
		await pause(1000);
		for (const pid of workers) process.kill(pid, 'SIGCONT');
	});
	assert.deepEqual(Object.keys(tally(answers)), ['201']);
});

test('nginx killed and started again: no answer, and then answers; nothing is there twice', async (t) => {
	const answers = await underLoad(t, async () => {
		await stack.stopNginx('SIGKILL');
		await stack.startNginx();
	});
	for (const { status: code, text } of answers) assert.ok([201, 0].includes(code), `${code} ${text}`);
});

test('a worker stopped for two seconds: its own requests wait, all others are served', async (t) => {
	const answers = await underLoad(t, async () => {
		const [{ pid }] = (await status()).workers;
		await stop(pid);
		try {
			await pause(2000);
			assert.equal((await get('/livez')).status, 200);
		} finally {
			process.kill(pid, 'SIGCONT');
		}
	});
	for (const { status: code, text } of answers) assert.ok([201, 503].includes(code), `${code} ${text}`);
	assert.ok(Math.max(...answers.map(({ ms }) => ms)) < 5500, 'within the deadline');
});

test('a worker that is killed: 504 for what it had, and everything goes on', async (t) => {
	const answers = await underLoad(t, async () => {
		const [{ pid }] = (await status()).workers;
		process.kill(pid, 'SIGKILL');
		await until('another one serves', async () => (await status()).workers
			.filter(({ pid: other, state }) => other !== pid && state === 'ready').length === 2);
	});
	for (const { status: code, text } of answers) assert.ok([201, 503, 504].includes(code), `${code} ${text}`);
});

test('the supervisor ends while nobody reads its log', async () => {
	await stack.reader.stand();
	await stack.stopNginx();
	assert.equal(await stack.stopDaemon(), 0);
	stack.reader.goOn();
	await stack.startDaemon();
	await stack.startNginx();
	await stack.ready();
});

endsCleanly(stack);
