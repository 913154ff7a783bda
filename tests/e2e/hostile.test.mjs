// Requests that are made to cost: what anybody may send without an account, and what an account may
// send that wants to harm others. Each is told what is wrong with it, at once, and costs the database
// nothing but the look-up of its session.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';

import { assert, shared, test, top } from '../lib/harness.mjs';

const { client } = await shared();

const LIMIT = 256 * 1024;
const OWN_TIME_MS = 50;
const MADE_UP = `ck_${randomBytes(32).toString('base64url')}`;
const ID = '00000000-0000-4000-8000-000000000000';

// As many of `part` as fit between the two ends.
const full = (head, part, tail) =>
	head + part.repeat(Math.floor((LIMIT - Buffer.byteLength(head + tail)) / Buffer.byteLength(part))) + tail;
const keys = () => {
	let text = '{"a":1';
	for (let i = 0; text.length < LIMIT - 20; i++) text += `,"k${i.toString(36)}":1`;
	return `${text}}`;
};

// The worst that a body within its limits can hold, by what it is meant to make quadratic or to expand.
const bodies = {
	'marks in the wrong order': full('{"p_name":"e', '\u0301\u0316', '"}'),
	'one mark after many others': full('{"name":"e', '\u0301', `${'\u0316'.repeat(9)}"}`),
	'numbers that are long when written out': full('{"p_fields_config":[1', ',1e-16383', ']}'),
	'numbers for a text': full('{"p_name":[1', ',1e300', ']}'),
	'unknown members': keys(),
	'letters that decompose': full('{"p_full_name":"', '\ufdfa', '"}'),
	'escapes': full('{"name":"', '\\ud83d\\ude00', '"}'),
	'brackets': full('{"name":[[]', ',[[[[[[]]]]]]', ']}'),
	'no JSON': full('{"name":"', 'x', ''),
	'bytes': Buffer.alloc(LIMIT, 0xc3),
	'more than the limit': full('{"name":"', 'x', `${'x'.repeat(99)}"}`),
};

// [method, path] of every route that needs a session, with something in the place of {}.
const routes = [...readFileSync(path.join(top, 'src/api/routes.def'), 'utf8').matchAll(
	/^ROUTE\(\w+, (\w+), "([^"]+)",\s+TOKEN/gm,
)].map(([, method, route]) => [method, route.replace('{}', ID)]);

// Calls by function since the service began; without those that a thread makes of its own accord.
async function calls() {
	const { text } = await client.get('/metrics');
	const found = text.matchAll(/^cardkeep_db_call_duration_seconds_count\{function="(\w+)"\} (\d+)/gm);
	return new Map([...found].map(([, name, count]) => [name, Number(count)])
		.filter(([name]) => name !== 'touch_sessions' && name !== 'sweep_writes'));
}

async function callsSince(before) {
	const now = await calls();
	return Object.fromEntries([...now].map(([name, count]) => [name, count - (before.get(name) ?? 0)])
		.filter(([, count]) => count > 0));
}

test('the list of routes that need a session is read', () => {
	assert.ok(routes.length > 30, `${routes.length}`);
});

for (const [kind, body] of Object.entries(bodies))
	test(`a made-up token is 401 on every route within ${OWN_TIME_MS} ms after one look-up: ${kind}`, async () => {
		for (const [method, route] of routes) {
			const before = await calls();
			const took = [];
			for (let i = 0; i < 3; i++) {
				const got = await client.request(method, route, { token: MADE_UP, body });
				assert.equal(got.status, 401, `${method} ${route}: ${got.text}`);
				assert.ok(got.text.length < 1000, `${method} ${route}: ${got.text.length}`);
				took.push(got.ms);
			}
			assert.ok(Math.min(...took) < OWN_TIME_MS, `${method} ${route}: ${took.map(Math.round)} ms`);
			assert.deepEqual(await callsSince(before), { check_session: 3 }, `${method} ${route}`);
		}
	});

test('a made-up token is 401 whatever else is wrong with its path, method, query and headers', async () => {
	const before = await calls();
	const asked = [
		['GET', '/api/nowhere'],
		['PUT', '/api/cards'],
		['PATCH', '/api/cards/7'],
		['POST', '/rest/v1/rpc/nothing'],
		['GET', `/rest/v1/business_cards?${'fields_config=neq.1&'.repeat(300)}`],
		['GET', `/rest/v1/business_cards?select=${'id,'.repeat(1000)}id`],
		['GET', `/api/cards?limit=0&after=${'x'.repeat(5000)}`],
		['DELETE', `/api/cards/${ID}?version=nonsense`],
	];
	for (const [method, route] of asked) {
		const got = await client.request(method, route, {
			token: MADE_UP,
			body: method === 'GET' ? undefined : '{"a":',
			headers: { 'Idempotency-Key': 'a key, with a comma', 'If-Match': '"1", "2"', Prefer: 'x=y' },
		});
		assert.equal(got.status, 401, `${method} ${route}: ${got.text}`);
	}
	assert.deepEqual(await callsSince(before), { check_session: asked.length });
});

test('a session is looked up apart from its request once, and not again', async () => {
	const { token } = await client.register();
	for (let i = 0; i < 40; i++) await client.get('/api/users/me', { token });
	const before = await calls();
	for (let i = 0; i < 40; i++) assert.equal((await client.get('/api/users/me', { token })).status, 200);
	assert.deepEqual(await callsSince(before), { read_user: 40 });
});

test('a token that was good once goes to its call with a write, and no further with a read', async () => {
	const { token } = await client.register();
	assert.equal((await client.delete('/api/sessions/current', { token })).status, 204);
	for (let i = 0; i < 10; i++) assert.equal((await client.get('/api/cards', { token })).status, 401);
	const before = await calls();
	assert.equal((await client.get('/api/cards', { token })).status, 401);
	assert.deepEqual(await callsSince(before), { check_session: 1 });
	assert.equal((await client.post('/api/cards', { name: 'A' }, { token })).status, 401);
	assert.deepEqual(await callsSince(before), { check_session: 2, create_card: 1 });
});
