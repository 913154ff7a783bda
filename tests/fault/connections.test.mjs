// One client that opens thousands of connections and says half a sentence on each.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { once } from 'node:events';

import { Client, assert, after, atOnce, endsCleanly, own, test, until } from '../lib/harness.mjs';

const HALF = 8000;
const stack = await own();
const ada = await stack.client.register();
const open = new Set();
after(() => open.forEach((socket) => socket.destroy()));

async function half(bytes) {
	const socket = net.connect(stack.port, '127.0.0.1');
	open.add(socket);
	socket.on('error', () => {}).on('close', () => open.delete(socket)).resume();
	await once(socket, 'connect');
	socket.write(bytes);
}

const statusListener = (path) => new Promise((resolve, reject) => {
	const socket = net.connect(stack.port, '127.0.0.2', () =>
		socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.2:${stack.port}\r\nConnection: close\r\n\r\n`));
	let text = '';
	socket.setEncoding('latin1').on('data', (part) => (text += part)).on('error', reject)
		.on('close', () => resolve(text));
});

// Starts nginx anew with headers given so long: opening thousands takes a busy machine some time.
async function patience(from, to) {
	await stack.stopNginx();
	await stack.startNginx((conf) => {
		const file = path.join(conf, 'site.conf');
		const text = fs.readFileSync(file, 'utf8');
		assert.ok(text.includes(from));
		fs.writeFileSync(file, text.replaceAll(from, to));
	});
}

test('8,000 half requests: everybody else is served, and health is told on both listeners', async (t) => {
	await patience('client_header_timeout 5s', 'client_header_timeout 120s');
	await atOnce(HALF, 200, () => half('GET /api/cards HTTP/1.1\r\nHost: a\r\nX-'));
	const held = open.size;
	assert.ok(held > HALF * 0.9, `${held} are open`);
	// Connections of their own each time: a kept one would not show it.
	const fresh = new Client(stack.port, { width: 8 });
	const got = await atOnce(20, 4, (i) =>
		fresh.get(i % 2 ? '/livez' : '/api/users/me', { token: ada.token, headers: { Connection: 'close' }, timeout: 5000 }));
	fresh.close();
	assert.deepEqual([...new Set(got.map(({ status }) => status))], [200]);
	assert.match(await statusListener('/livez'), /^HTTP\/1\.1 200 /);
	assert.doesNotMatch(stack.nginxLog(), /worker_connections are not enough/);
	t.diagnostic(`measured: ${held} half requests open, the slowest other took ${Math.max(...got.map(({ ms }) => ms)).toFixed(0)} ms`);
});

test('half a request has five seconds to become whole, and then its connection is free again', async () => {
	open.forEach((socket) => socket.destroy());
	await until('they are gone', () => open.size === 0);
	await patience('client_header_timeout 5s', 'client_header_timeout 5s'); // as shipped
	await atOnce(100, 20, () => half('GET /api/cards HTTP/1.1\r\nHost: a\r\nX-'));
	await until('nginx has ended them', () => open.size === 0, 30_000);
});

test('half a body has five seconds too, and a whole answer takes no longer', async () => {
	const began = performance.now();
	await half('POST /api/sessions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{"email"');
	await until('nginx has ended it', () => open.size === 0, 20_000);
	assert.ok(performance.now() - began < 15_000);
});

endsCleanly(stack);
