// Malformed, hostile and merely odd requests by the thousand, over HTTP and on the service's own sockets:
// nothing dies, nothing grows, and no 5xx is answered but those that are promised.
//
// CARDKEEP_MALFORMED says how many over HTTP (5000; a fifth as many more first, so that what is made once
// is there), CARDKEEP_MALFORMED_RAW how many on the sockets (1000), CARDKEEP_SEED with which dice.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { assert, atOnce, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { Dice, seedOf } from '../lib/random.mjs';
import { FATAL, fcgiBytes, httpBytes } from './malformed.mjs';

const HTTP = Number(process.env.CARDKEEP_MALFORMED ?? 5000);
const RAW = Number(process.env.CARDKEEP_MALFORMED_RAW ?? 1000);
const GROWTH_MIB = 20;
const WIDTH = 16;

const RAW_PATIENCE_MS = 250; // what is not answered by then waits for more that does not come
const END = Buffer.from([1, 3, 0, 1, 0, 8, 0, 0]); // the head of the record that ends a request

// Threads that wait for the rest of a record are not to keep others from what is whole.
const stack = await own({ env: { CARDKEEP_THREADS: '8' } });
const { client } = stack;
const { token } = await client.register();
const seed = seedOf();

// All that comes back for these bytes, after which nothing more is sent; over HTTP until the peer closes,
// which it must. One that hangs up amid them has answered.
function send({ patience = 30_000, ...to }, bytes) {
	const raw = to.path !== undefined;
	return new Promise((resolve) => {
		const parts = [];
		const socket = net.connect(to);
		const limit = setTimeout(() => socket.destroy(raw ? undefined : new Error('no end')), patience);
		let late = false;
		// For the service a peer that has closed its half is gone, and nothing more is read.
		socket.on('connect', () => (raw ? socket.write(bytes) : socket.end(bytes)));
		socket.on('data', (part) => {
			parts.push(part);
			if (raw && part.includes(END)) setTimeout(() => socket.destroy(), 20);
		});
		socket.on('error', (error) => (late ||= error.message === 'no end'));
		socket.on('close', () => {
			clearTimeout(limit);
			resolve({ text: Buffer.concat(parts).toString('latin1'), late });
		});
	});
}

// Each 5xx of a row of answers that is not promised: 503 that says when to come again, and 504 that says
// it is not known what became of it.
function unpromised(text) {
	return [...text.matchAll(/(?:^HTTP\/1\.[01]|Status:) (5\d\d)[^]*?\r\n\r\n/gm)]
		.filter(([head, status]) => !(['503', '504'].includes(status) && /^Retry-After: \d+\r$/m.test(head)))
		.map(([head]) => head);
}

// {pid: MiB of its own} of every process of the service, of nginx and of PostgreSQL.
function sizes() {
	const pids = [stack.daemon.pid, ...stack.children(stack.daemon.pid)];
	pids.push(stack.nginx.pid, ...stack.children(stack.nginx.pid), ...stack.databasePids());
	return new Map(pids.map((pid) => [pid, Number(/^RssAnon:\s+(\d+)/m.exec(readStatus(pid))?.[1] ?? 0) / 1024]));
}

function readStatus(pid) {
	try {
		return fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	} catch {
		return '';
	}
}

// Sends them, and judges what came of it: deaths, growth, late and wrong answers. `one(i)` is
// {to, bytes}; `as` has them sent by somebody else.
async function sendMany(t, count, one, as = (work) => work()) {
	const statuses = {};
	const wrong = [];
	const pids = [stack.daemon.pid, ...stack.children(stack.daemon.pid)].join();
	const before = sizes();
	const began = performance.now();
	await as(() => atOnce(count, WIDTH, async (i) => {
		const { to, bytes } = one(i);
		const { text, late } = await send(to, bytes);
		const status = /(?:^HTTP\/1\.[01]|Status:) (\d+)/m.exec(text)?.[1] ?? 'none';
		statuses[status] = (statuses[status] ?? 0) + 1;
		if (late || unpromised(text).length > 0)
			wrong.push(`${i}: ${JSON.stringify(bytes.toString('latin1').slice(0, 400))}: ${late ? 'no end' : unpromised(text)[0]}`);
	}));
	const seconds = (performance.now() - began) / 1000;
	await until('the service is well', async () => (await client.get('/api/users/me', { token })).status === 200);
	const grown = [...sizes()].filter(([pid]) => before.has(pid)).map(([pid, mib]) => [mib - before.get(pid), pid]);
	const [most, who] = grown.sort((a, b) => b[0] - a[0])[0];
	t.diagnostic(`measured: seed ${seed}: ${count} in ${seconds.toFixed(0)} s ${JSON.stringify(statuses)}; the one that grew most, by ${most.toFixed(1)} MiB`);
	assert.equal([stack.daemon.pid, ...stack.children(stack.daemon.pid)].join(), pids, `processes died, seed ${seed}: ${deaths()}`);
	assert.ok(wrong.length === 0, `${wrong.length} with seed ${seed}: ${wrong.slice(0, 3).join('\n')}`);
	assert.ok(most < GROWTH_MIB, `process ${who} grew by ${most} MiB: ${readStatus(who).split('\n')[0]}`);
}

const deaths = () =>
	stack.log().split('\n').filter((line) => /ended role=|broken invariant|stalled/.test(line)).slice(0, 5).join('\n');

const http = (salt) => (i) => ({ to: { port: stack.port, host: '127.0.0.1' }, bytes: httpBytes(new Dice(seed + salt + i * 7919), token) });
const raw = (socket) => (i) => ({
	to: { path: path.join(stack.dir, 'run', socket), patience: RAW_PATIENCE_MS },
	bytes: FATAL[i] ?? fcgiBytes(new Dice(seed + i * 104729), token),
});

test('malformed requests over HTTP: nothing dies or grows, and what is answered is promised', async (t) => {
	await atOnce(HTTP / 5, WIDTH, (i) => send(http(1)(i).to, http(1)(i).bytes));
	await sendMany(t, HTTP, http(2));
});

// As nginx's user, whom the sockets let in; where there is but one user, as that.
async function asNginx(work) {
	const { uid, gid } = stack.webUser;
	if (uid === undefined) return work();
	process.setegid(gid);
	process.seteuid(uid);
	try {
		await work();
	} finally {
		process.seteuid(0);
		process.setegid(0);
	}
}

test('malformed records on the socket of the workers: nothing dies or grows', (t) =>
	sendMany(t, RAW, raw('app.sock'), asNginx));

test('malformed records on the socket of the status process: nothing dies or grows', (t) =>
	sendMany(t, Math.ceil(RAW / 4), raw('status.sock'), asNginx));

endsCleanly(stack);
