// Who may see the status pages: from this machine, under its own names, and not through a proxy that
// nginx was not told of.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { assert, endsCleanly, isProblem, own, test } from '../lib/harness.mjs';

const stack = await own({ env: { CARDKEEP_STATUS_HOSTS: 'ops.example.org 10.9.8.7' } });
const { client } = stack;
const PAGES = ['/livez', '/readyz', '/metrics', '/status', '/status.json', '/status/history.json'];
const HEADERS = ['X-Forwarded-For', 'Forwarded', 'X-Real-IP'];

function look(page, headers, { host = '127.0.0.1', method = 'GET' } = {}) {
	return new Promise((resolve, reject) => {
		const to = { host, port: stack.port, path: page, method, headers, setHost: false, agent: false };
		http.request(to, (response) => {
			let text = '';
			response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => {
				const json = /json/.test(response.headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) : undefined;
				resolve({ status: response.statusCode, headers: response.headers, text, json });
			});
		}).on('error', reject).end();
	});
}

test('under the names of this machine, and those configured, every page is there', async () => {
	const hosts = [`127.0.0.1:${stack.port}`, 'localhost', `LOCALHOST:${stack.port}`, '[::1]:80', 'ops.example.org', '10.9.8.7:443'];
	for (const page of PAGES)
		for (const Host of hosts) assert.equal((await look(page, { Host })).status, 200, `${page} ${Host}`);
});

test('under any other name none is: a page that leads its own name here sees nothing', async () => {
	for (const page of PAGES)
		for (const Host of ['evil.example', `evil.example:${stack.port}`, '127.0.0.1.evil.example', 'ops.example.org.evil.example'])
			isProblem(await look(page, { Host }), 421, 'misdirected');
	assert.equal((await look('/status.json', { Host: 'evil.example' }, { method: 'HEAD' })).status, 421);
	isProblem(await look('/status/nothing.css', { Host: 'evil.example' }), 421, 'misdirected');
});

test('through a proxy that nginx was not told of none is', async () => {
	for (const page of PAGES)
		for (const name of HEADERS)
			isProblem(await look(page, { Host: 'localhost', [name]: '8.8.8.8' }), 403, 'undeclared-proxy');
	// A client's own, sent empty before the proxy's, hides nothing.
	isProblem(await look('/metrics', { Host: 'localhost', 'X-Forwarded-For': '' }), 403, 'undeclared-proxy');
});

test('the API is there under any name and through any proxy', async () => {
	const { token } = await client.register();
	const headers = { Host: 'cards.example.org', 'X-Forwarded-For': '8.8.8.8', Authorization: `Bearer ${token}` };
	assert.equal((await look('/api/users/me', headers)).status, 200);
});

test('the status pages have a listener of their own, and nothing else is there', async () => {
	const there = (page, headers) => look(page, { Host: `127.0.0.2:${stack.port}`, ...headers }, { host: '127.0.0.2' });
	for (const page of ['/livez', '/readyz', '/metrics', '/status', '/status.json'])
		assert.equal((await there(page)).status, 200, page);
	for (const page of ['/api/users/me', '/cardkeep.js', '/', '/rest/v1/business_cards'])
		isProblem(await there(page), 404, 'not-found');
	isProblem(await there('/status.json', { Host: 'evil.example' }), 421, 'misdirected');
	isProblem(await there('/status.json', { 'X-Forwarded-For': '8.8.8.8' }), 403, 'undeclared-proxy');
});

// Starts nginx anew with its files as shipped, but for `edits` ([file, from, to]).
async function nginx(...edits) {
	await stack.stopNginx();
	await stack.startNginx((conf) => {
		for (const [name, from, to] of edits) {
			const file = path.join(conf, `${name}.conf`);
			const text = fs.readFileSync(file, 'utf8');
			assert.ok(text.includes(from), `${file} has ${from}`);
			fs.writeFileSync(file, text.replaceAll(from, to));
		}
	});
}

test('all that comes through an undeclared proxy is counted as one client, and this machine itself is not', async () => {
	await nginx(['limits', 'rate=100r/s', 'rate=1r/m'], ['site', 'burst=1000', 'burst=5']);
	const statuses = [];
	for (let i = 0; i < 10; i++)
		statuses.push((await look('/api/users/me', { Host: 'a', 'X-Forwarded-For': `8.8.8.${i}` })).status);
	assert.deepEqual(statuses, [...Array(6).fill(401), ...Array(4).fill(429)]);
	for (let i = 0; i < 10; i++) assert.equal((await look('/api/users/me', { Host: 'a' })).status, 401);
});

test('of a declared proxy each /24 and each /64 is one client, and the status pages judge by its address', async () => {
	await nginx(
		['limits', 'rate=100r/s', 'rate=1r/m'], ['site', 'burst=1000', 'burst=2'],
		['site', 'server_tokens off;', 'server_tokens off; set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;'],
	);
	const served = async (addresses) => {
		const statuses = [];
		for (const address of addresses)
			statuses.push((await look('/api/users/me', { Host: 'a', 'X-Forwarded-For': address })).status);
		return statuses.filter((status) => status === 401).length;
	};
	const many = (make) => Array.from({ length: 6 }, (_, i) => make(i));
	assert.equal(await served(many((i) => `192.0.2.${i}`)), 3, 'one /24');
	assert.equal(await served(many((i) => `192.0.${i + 10}.1`)), 6, 'six of them');
	assert.equal(await served(many((i) => `2001:db8:1:2:${i}::${i}`)), 3, 'one /64');
	assert.equal(await served(many((i) => `2001:db8:1:${i + 10}::1`)), 6, 'six of them');
	assert.equal(await served(many((i) => `::ffff:198.51.100.${i}`)), 3, 'one /24, written as IPv6');
	assert.equal(await served(many((i) => `::ffff:198.51.${i}.1`)), 6, 'six of them, written so');
	assert.equal((await look('/status.json', { Host: 'localhost', 'X-Forwarded-For': '8.8.8.8' })).status, 403);
	assert.equal((await look('/status.json', { Host: 'localhost' })).status, 200);
});

endsCleanly(stack);
