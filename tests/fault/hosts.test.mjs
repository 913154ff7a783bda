// A database of several hosts whose first one is silent, in every way that a host can be: it is passed,
// nobody else waits meanwhile, and whoever needs no database is answered at once.
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

import { after, assert, atOnce, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';
import { freePort } from '../lib/stack.mjs';
import { stop } from '../lib/wait.mjs';

const FIRST_WRITE_MS = 3000;
const DEADLINE_MS = 5000;
const plain = process.env.CK_VARIANT === 'gcc' ? {} : { skip: 'a sanitizer wants to be loaded first' };

const stack = await own({ proxied: true });
const { token } = await stack.client.register();
const here = path.join(stack.dir, 'db/run');
const children = [];
const servers = [];
after(() => {
	for (const child of children) child.kill('SIGKILL');
	for (const server of servers) server.close();
});

// Takes connections, and never says a word: the machine lives, and its postmaster does not.
let calls = 0;
async function mute(...where) {
	const server = net.createServer((socket) => {
		calls++;
		socket.on('error', () => {});
	}).listen(...where);
	servers.push(server);
	await once(server, 'listening');
	return server.address();
}

// Does not even take them: as a machine without power, or behind a wall that drops.
async function fullQueue() {
	const port = await freePort();
	const child = spawn(process.execPath, ['-e', `require('net').createServer().listen({ port: ${port}, host: '127.0.0.1', backlog: 1 }, () => console.log('open'))`]);
	children.push(child);
	await once(child.stdout, 'data');
	await stop(child.pid);
	// Until one waits in vain for its turn.
	for (let full = false; !full; ) {
		const socket = net.connect(port, '127.0.0.1').on('error', () => {});
		servers.push({ close: () => socket.destroy() });
		full = await Promise.race([once(socket, 'connect').then(() => false), pause(500).then(() => true)]);
	}
	return port;
}

// A way by TCP to the cluster.
async function door(host, port) {
	const program = path.join(stack.dir, 'proxy/door.mjs');
	fs.copyFileSync(new URL('../lib/door.mjs', import.meta.url), program);
	const child = fork(program, [host, String(port), path.join(here, '.s.PGSQL.5432')], { ...stack.user, cwd: path.dirname(program) });
	children.push(child);
	await once(child, 'message');
	return child;
}

// The daemon anew, with these hosts, which have done nothing to it yet.
async function restart(hosts, env = {}) {
	await stack.stopDaemon();
	for (const name of Object.keys(stack.env)) if (/^(LD_PRELOAD|CARDKEEP_DATABASE)$/.test(name)) delete stack.env[name];
	Object.assign(stack.env, env, { CARDKEEP_DATABASE: `${hosts} dbname=cardkeep user=cardkeep_runtime` });
	await stack.startDaemon();
}

// A request that needs no database, asked again and again until the returned function is called.
function bystander() {
	const took = [];
	let going = true;
	const done = (async () => {
		while (going) {
			const got = await stack.client.get('/api/users/me');
			if (got.status === 401) took.push(got.ms);
			else took.push(Infinity);
			await pause(10);
		}
	})();
	return async () => {
		going = false;
		await done;
		return took.sort((a, b) => a - b);
	};
}

// The first write is there in time, however many wait for it, and 401 is told at once meanwhile.
async function passes(t) {
	const began = performance.now();
	const end = bystander();
	const writes = await atOnce(8, 8, (i) => stack.client.post('/api/cards', { name: `Past silence ${i}` }, { token }));
	const first = performance.now() - began;
	const took = await end();
	assert.deepEqual([...new Set(writes.map(({ status }) => status))], [201], stack.log().slice(-2000));
	const fastest = Math.min(...writes.map(({ ms }) => ms));
	assert.ok(fastest < FIRST_WRITE_MS, `the first write took ${fastest} ms`);
	assert.ok(first < DEADLINE_MS, `all of them took ${first} ms`);
	const most = took[Math.floor(took.length * 0.95)];
	assert.ok(most < 50, `401 took ${took.map((ms) => ms.toFixed(0))} ms`);
	t.diagnostic(`measured: first write ${fastest.toFixed(0)} ms, 401 ${most.toFixed(0)} ms at the 95th percentile of ${took.length}`);
}

test('a first host that takes connections and says nothing is passed', async (t) => {
	const dir = path.join(stack.dir, 'mute');
	fs.mkdirSync(dir);
	await mute(path.join(dir, '.s.PGSQL.5432'));
	fs.chmodSync(path.join(dir, '.s.PGSQL.5432'), 0o777);
	await restart(`host=${dir},${here}`);
	await passes(t);
	assert.match(stack.log(), /database host passed host="[^"]*mute" port=5432 code=08001 error="no answer in time from /);
});

test('a first host whose queue is full is passed', async (t) => {
	await restart(`host=127.0.0.1,${here} port=${await fullQueue()},5432`);
	await passes(t);
});

test('a name whose first address is silent leads to the second one', plain, async (t) => {
	const library = path.join(stack.dir, 'names.so');
	execFileSync('gcc', ['-shared', '-fPIC', '-o', library, new URL('names.c', import.meta.url).pathname]);
	const port = await freePort();
	await mute(port, '127.0.0.9');
	await door('127.0.0.1', port);
	await restart(`host=two.example port=${port}`, { LD_PRELOAD: library });
	await passes(t);
});

test('a name server that says nothing is passed', plain, async (t) => {
	await restart(`host=silent.example,${here}`, { LD_PRELOAD: path.join(stack.dir, 'names.so') });
	await passes(t);
	assert.match(stack.log(), /no address of \\"silent.example\\" in time/);
});

test('a silent name server alone: 503 within the deadline, 401 at once, and no worker is lost', plain, async () => {
	const mark = stack.logMark();
	await restart('host=silent.example', { LD_PRELOAD: path.join(stack.dir, 'names.so') });
	const end = bystander();
	const got = await atOnce(4, 4, () => stack.client.post('/api/cards', { name: 'Nowhere' }, { token }));
	const took = await end();
	for (const { status, ms } of got) {
		assert.equal(status, 503);
		assert.ok(ms < DEADLINE_MS + 500, `${ms} ms`);
	}
	assert.ok(took[Math.floor(took.length * 0.95)] < 50, `401 took ${took.map((ms) => ms.toFixed(0))} ms`);
	const ready = await stack.client.get('/readyz');
	assert.equal(ready.status, 503);
	assert.match(ready.json.detail, /last SQLSTATE: 08001 \(no server answers\)/);
	assert.doesNotMatch(stack.logSince(mark), /stalled|reason=(crash|stalled)/);
});

test('a host that falls silent with connections open is left: what it had in flight is asked elsewhere', async (t) => {
	await restart(`host=${path.join(stack.dir, 'proxy')},${here}`);
	await stack.ready();
	assert.equal((await stack.client.post('/api/cards', { name: 'Before' }, { token })).status, 201);
	await stack.proxy({ hold: true });
	try {
		const got = await atOnce(8, 8, (i) => stack.client.post('/api/cards', { name: `Held ${i}` }, { token }));
		assert.deepEqual([...new Set(got.map(({ status }) => status))], [201], stack.log().slice(-2000));
		const fastest = Math.min(...got.map(({ ms }) => ms));
		assert.ok(fastest < FIRST_WRITE_MS, `the first write took ${fastest} ms`);
		t.diagnostic(`measured: first write ${fastest.toFixed(0)} ms after the silence began`);
		const [copies] = await stack.sql("select count(*) from cardkeep.business_cards where name like 'Held %'", 'super');
		assert.equal(copies, '8');
	} finally {
		await stack.proxy({ hold: false });
	}
});

test('asked to end while it waits for a silent host, the daemon ends', async () => {
	const before = calls;
	await restart(`host=${path.join(stack.dir, 'mute')}`, { CARDKEEP_CONNECT_TIMEOUT_MS: '60000' });
	await until('it dials', () => calls > before);
	const began = performance.now();
	assert.equal(await stack.stopDaemon(), 0);
	assert.ok(performance.now() - began < 8000);
	delete stack.env.CARDKEEP_CONNECT_TIMEOUT_MS;
	await restart(`host=${here}`);
	await stack.ready();
});

endsCleanly(stack);
