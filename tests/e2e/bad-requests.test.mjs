// Thirty and more kinds of bad requests: each its 4xx, none a 5xx, none a crash.
import { randomBytes } from 'node:crypto';

import { assert, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { token, email } = await client.register();
const card = await client.card(token);
const path = `/api/cards/${card.id}`;
const big = 'x'.repeat(300_000);

// [what, status, name, method, path, body, headers]; the token is sent unless headers say otherwise.
const kinds = [
	['no token', 401, 'unauthorized', 'GET', '/api/cards', undefined, { Authorization: undefined }],
	['an unknown token', 401, 'unauthorized', 'GET', '/api/cards', undefined, { Authorization: `Bearer ck_${'A'.repeat(43)}` }],
	['another scheme', 401, 'unauthorized', 'GET', '/api/cards', undefined, { Authorization: 'Basic YTpi' }],
	['a wrong password', 401, 'unauthorized', 'POST', '/api/sessions', { email, password: 'wrong horse' }],
	['an unknown path', 404, 'not-found', 'GET', '/api/nowhere'],
	['a path with more behind it', 404, 'not-found', 'GET', `${path}/more`],
	['a path with an encoded slash', 404, 'not-found', 'GET', `/api%2Fcards`],
	['an id that is none', 404, 'not-found', 'GET', '/api/cards/nonsense'],
	['SQL for an id', 404, 'not-found', 'GET', `/api/cards/${encodeURIComponent("' or 1=1 --")}`],
	['an unknown card', 404, 'not-found', 'DELETE', '/api/cards/00000000-0000-4000-8000-000000000000?version=1'],
	['an unknown profile', 404, 'not-found', 'GET', '/api/profile/secret'],
	['a wrong method', 405, 'method-not-allowed', 'PUT', '/api/cards', { name: 'A' }],
	['a method nobody has', 405, 'method-not-allowed', 'PROPFIND', path],
	['deleting all cards', 405, 'method-not-allowed', 'DELETE', '/api/cards'],
	['an address that is taken', 409, 'address-taken', 'POST', '/api/users', { email, password: 'correct horse' }],
	['a version from the future', 409, 'version-conflict', 'PATCH', path, { version: 99, name: 'B' }],
	['a tag from the future', 412, 'precondition-failed', 'PATCH', path, { name: 'B' }, { 'If-Match': '"99"' }],
	['a body too large', 413, 'too-large', 'POST', '/api/cards', { name: 'A', fields_config: { big } }],
	['a form', 415, 'unsupported-type', 'POST', '/api/cards', 'name=A', { 'Content-Type': 'multipart/form-data; boundary=a' }],
	['a form in disguise', 400, 'bad-json', 'POST', '/api/cards', 'name=A', { 'Content-Type': 'application/x-www-form-urlencoded' }],
	['an empty body', 400, 'bad-json', 'POST', '/api/cards', ''],
	['no body at all', 400, 'bad-json', 'POST', '/api/cards'],
	['half a body', 400, 'bad-json', 'PATCH', path, '{"version":1,'],
	['a contradiction', 400, 'bad-header', 'PATCH', path, { version: 1, name: 'B' }, { 'If-Match': '"2"' }],
	['no version', 428, 'version-required', 'PATCH', path, { name: 'B' }],
	['no version to delete', 428, 'version-required', 'DELETE', path],
	['no name', 422, 'validation', 'POST', '/api/cards', {}],
	['a name of the wrong type', 422, 'validation', 'POST', '/api/cards', { name: 7 }],
	['a name too long', 422, 'validation', 'POST', '/api/cards', { name: 'x'.repeat(201) }],
	['a template that is none', 422, 'validation', 'POST', '/api/cards', { name: 'A', template_type: '<b>' }],
	['an array for a document', 422, 'validation', 'POST', '/api/cards', { name: 'A', design_config: [] }],
	['an update of nothing', 422, 'validation', 'PATCH', path, { version: 1 }],
	['a version as text', 422, 'validation', 'PATCH', path, { version: '1', name: 'B' }],
	['an update without an id', 422, 'validation', 'PATCH', '/api/cards', { version: 1, name: 'B' }],
	['a link that runs', 422, 'validation', 'PATCH', '/api/profile/personal', { version: 0, website: 'javascript:alert(1)' }],
	['an address without a host', 422, 'validation', 'POST', '/api/users', { email: 'ada@', password: 'correct horse' }],
	['a short password', 422, 'validation', 'POST', '/api/users', { email: 'a@example.org', password: 'short' }],
	['a registration without fields', 422, 'validation', 'POST', '/api/users', {}],
	['a sign-in without fields', 422, 'validation', 'POST', '/api/sessions', {}],
];

for (const [what, status, name, method, at, body, headers = {}] of kinds)
	test(`${what}: ${status} ${name}`, async () => {
		const all = { Authorization: `Bearer ${token}`, ...headers };
		isProblem(await client.request(method, at, { body, headers: all }), status, name);
	});

test('words that mean something to SQL, HTML or a shell are kept as they are', async () => {
	const names = [
		"Robert'); drop table users; --", '<script>alert(1)</script>', '$(reboot)', '%s%n', '\\', '"', "''",
		'\u202eright to left', '{"a":1}', '${jndi:ldap://x}', 'a\\u0000b',
	];
	for (const name of names) {
		const made = await client.card(token, { name, fields_config: { [name]: name } });
		assert.equal(made.name, name);
		assert.deepEqual(made.fields_config, { [name]: name });
	}
});

test('noise in any header or parameter is never a 5xx', async () => {
	const names = ['Authorization', 'If-Match', 'If-None-Match', 'Content-Type', 'Prefer', 'User-Agent', 'Cookie', 'Accept', 'Idempotency-Key', 'Origin'];
	for (let i = 0; i < 200; i++) {
		const noise = randomBytes(1 + (i % 40)).toString('latin1').replace(/[^\x20-\x7e\x80-\xff]/g, '?');
		const headers = { Authorization: `Bearer ${token}`, [names[i % names.length]]: noise };
		const query = i % 2 ? `?version=${encodeURIComponent(noise)}&limit=${encodeURIComponent(noise)}` : '';
		const method = ['GET', 'DELETE', 'PATCH'][i % 3];
		const got = await client.request(method, `${i % 4 ? '/api/cards' : path}${query}`, {
			headers,
			body: method === 'PATCH' ? noise : undefined,
		});
		assert.ok(got.status < 500, `${method} ${JSON.stringify(headers)} ${query}: ${got.status} ${got.text}`);
	}
});

test('the card is as it was, and the service had no fault of its own', async () => {
	assert.equal((await client.get(path, { token })).json.version, 1);
	assert.deepEqual(stack.faults(), []);
});
