// One client that sends the worst of each kind in turn, as often as nginx lets one address, with a
// session, with a made-up token and with none; and twelve others who write and read cards of their own.
//
// What the others feel is compared with what they felt just before, in the same minute on the same
// machine. CARDKEEP_HOSTILE_S says for how long each kind is sent (3 s), CARDKEEP_HOSTILE_KINDS which
// alone (a regular expression).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { randomBytes } from 'node:crypto';

import { Client, after, assert, atOnce, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';
import { kinds } from '../lib/worst.mjs';

const KINDS = new RegExp(process.env.CARDKEEP_HOSTILE_KINDS ?? '');
const SECONDS = Number(process.env.CARDKEEP_HOSTILE_S ?? 3);
const QUIET_S = 1;
const OTHERS = 12;
const THINK_MS = 40;
// An address may send 100 a second, and 1000 at once besides, which are spent over 20 seconds.
const PER_SECOND = 150;
// Below that nobody waits; on a machine of two cores that the client shares, the quiet figure is noise.
const FLOOR_MS = 300;
const BACKEND_MIB = 256;

const stack = await own();
const setUp = stack.client;

// ---- the world: accounts, and what the hostile one has ----------------------------------------

const withKeys = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'y']));

// A card with as many keys as the service takes.
async function largest(token) {
	for (let count = 10_000; ; count = Math.floor(count / 2)) {
		const fields_config = withKeys(count);
		const got = await setUp.post('/api/cards', { name: 'Big', fields_config }, { token });
		if (got.status === 201) return { ...got.json, keyed: fields_config };
		assert.equal(got.status, 422, got.text);
	}
}

const mallory = await setUp.register();
const { keyed, ...big } = await largest(mallory.token);
for (let version = 1; version <= 3; version++)
	await setUp.patch(`/api/cards/${big.id}`, { version, fields_config: { ...keyed, k1: version } }, { token: mallory.token });
for (let i = 0; i < 100; i++) await setUp.card(mallory.token, { name: `Card ${i}`, fields_config: { i } });
const tokens = [mallory.token, `ck_${randomBytes(32).toString('base64url')}`, null];

class Other {
	constructor(i) {
		this.from = `127.1.${i + 1}.1`;
		this.wrong = [];
		this.times = [];
	}

	async settle() {
		this.user = await setUp.register();
		this.card = await setUp.card(this.user.token, { name: 'Mine' });
		this.client = new Client(stack.port, { width: 2, from: this.from });
	}

	async ask(status, method, at, body) {
		const got = await this.client.request(method, at, { token: this.user.token, body });
		this.times.push(got.ms);
		if (got.status !== status) this.wrong.push(`${method} ${at}: ${got.status} ${got.text.slice(0, 200)}`);
		return got;
	}

	async turn(n) {
		const at = `/api/cards/${this.card.id}`;
		const body = { version: this.card.version, fields_config: { n } };
		const saved = await this.ask(200, 'PATCH', at, body);
		if (saved.status === 200) this.card = saved.json;
		else this.card = (await this.ask(200, 'GET', at)).json ?? this.card;
		await pause(THINK_MS);
		await this.ask(200, 'GET', at);
		if (n % 20 === 0) await this.ask(201, 'POST', '/api/cards', { name: `New ${n}` });
		await pause(THINK_MS);
	}
}

const others = Array.from({ length: OTHERS }, (_, i) => new Other(i));
for (const other of others) await other.settle();

// From here on every address is counted, this machine's too.
await stack.stopNginx();
await stack.startNginx((conf) => {
	const file = path.join(conf, 'limits.conf');
	const text = fs.readFileSync(file, 'utf8');
	assert.match(text, /127\.0\.0\.0\/8 0;/);
	fs.writeFileSync(file, text.replace('127.0.0.0/8 0;', ''));
});
const status = async () => (await setUp.get('/status.json')).json;

const hostile = fork(new URL('hostile-client.mjs', import.meta.url));
after(() => hostile.disconnect());
await once(hostile, 'message');
// It stands for a machine elsewhere: its work is not to be taken from the service.
os.setPriority(hostile.pid, 10);

// ---- one kind ---------------------------------------------------------------------------------

function p99(times) {
	const sorted = [...times].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))];
}

// What the twelve felt while `while_` ran; the p99 of it.
async function felt(while_) {
	let over = false;
	for (const other of others) Object.assign(other, { times: [], wrong: [] });
	const turns = others.map(async (other) => {
		for (let n = 1; !over; n++) await other.turn(n);
	});
	await while_();
	over = true;
	await Promise.all(turns);
	return { times: others.flatMap((other) => other.times), wrong: others.flatMap((other) => other.wrong) };
}

async function sendAll(kind) {
	hostile.send({ port: stack.port, from: '127.66.0.1', kind, seconds: SECONDS, perSecond: PER_SECOND, tokens, card: big.id });
	const [answer] = await once(hostile, 'message');
	return answer;
}

// Of the largest backend, what is its own, in MiB; looked at until told to stop.
function watchBackends() {
	let most = 0;
	const timer = setInterval(() => {
		for (const pid of stack.databasePids()) {
			let text = '';
			try {
				text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
			} catch {
				continue; // it has ended meanwhile
			}
			most = Math.max(most, Number(/^RssAnon:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024);
		}
	}, 100);
	return () => {
		clearInterval(timer);
		return most;
	};
}

function isWell(wrong) {
	assert.ok(wrong.length === 0, `${wrong.length} answers of the others: ${wrong.slice(0, 3).join('\n')}`);
}

async function readOne(i) {
	const { client, user, card } = others[i % OTHERS];
	const got = await client.get(`/api/cards/${card.id}`, { token: user.token });
	return got.status === 200 ? got.ms : Infinity;
}

const restarts = ({ workers }) => workers.reduce((sum, worker) => sum + worker.restarts, 0);
const quiet = [];

for (const [i, kind] of kinds().entries())
	if (KINDS.test(kind.name)) test(`${kind.name}: twelve others get no 5xx, and wait at most three times as long`, async (t) => {
		// What the kind before left behind is its own failure.
		await until('all is quiet', async () => (await atOnce(24, 12, readOne)).every((ms) => ms < 1000), 60_000);
		const most = watchBackends();
		let [hostile, without, with_, tries] = [];
		// The machine may have been another's for a moment: twice it is not.
		for (tries = 1; tries <= 2; tries++) {
			const before = await felt(() => pause(QUIET_S * 1000));
			isWell(before.wrong);
			quiet.push(...before.times);
			const during = await felt(async () => (hostile = await sendAll(i)));
			isWell(during.wrong);
			[without, with_] = [p99(quiet), p99(during.times)];
			t.diagnostic(
				`measured: ${kind.name}: ${hostile.sent} sent ${JSON.stringify(hostile.statuses)}; ` +
					`the others' p99 ${without.toFixed(0)} ms without, ${with_.toFixed(0)} ms with, of ${during.times.length}`,
			);
			if (with_ <= Math.max(3 * without, FLOOR_MS)) break;
		}
		const mib = most();
		t.diagnostic(`measured: ${kind.name}: largest backend ${mib.toFixed(0)} MiB`);
		assert.ok(tries <= 2, `p99 ${with_} ms, without ${without} ms, twice`);
		assert.ok(hostile.sent >= SECONDS * 10, `${hostile.sent} were sent`);
		assert.ok(mib < BACKEND_MIB, `a backend took ${mib} MiB`);
		assert.equal(restarts(await status()), 0, 'workers died');
	});

endsCleanly(stack);
