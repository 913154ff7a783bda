// The order of checks: a request that breaks several rules is told of the first.
import { assert, shared, test } from '../lib/harness.mjs';

const { client } = await shared();
const { token } = await client.register();
const eve = await client.register();
const NOBODY = '00000000-0000-4000-8000-000000000000';

const card = await client.card(token);
await client.patch(`/api/cards/${card.id}`, { version: 1, name: 'Second' }, { token });
const BIG = `{"name":"A","fields_config":{"a":"${'x'.repeat(300_000)}"}}`;

// Each rule, and how a request for one card breaks it. Those that live in the body replace it.
const rules = [
	[401, { token: 'ck_unknown' }],
	[404, { path: `/api/cards/${NOBODY}` }],
	[405, { method: 'PUT' }],
	[413, { body: BIG }],
	[415, { type: 'text/html' }],
	[400, { body: '{"name":' }],
	[428, { body: '{"name":"A"}', headers: {} }],
	[422, { body: '{"name":"","version":2}' }],
	[409, { body: '{"name":"A","version":1}' }],
];
const inOne = {
	'428+422': { body: '{"name":""}' },
	'422+409': { body: '{"name":"","version":1}' },
};

function ask(...broken) {
	const request = Object.assign(
		{ method: 'PATCH', path: `/api/cards/${card.id}`, token, type: 'application/json', body: '{"name":"B","version":2}' },
		...broken,
	);
	return client.request(request.method, request.path, {
		token: request.token,
		body: request.body,
		headers: { 'Content-Type': request.type },
	});
}

for (const [i, [status, broken]] of rules.entries()) {
	test(`a request that breaks only one rule is told ${status}`, async () => {
		const got = await ask(broken);
		assert.equal(got.status, status, got.text);
	});
	for (const [later, worse] of rules.slice(i + 1)) {
		const both = inOne[`${status}+${later}`];
		if (broken.body && worse.body && !both) continue;
		test(`${status} comes before ${later}`, async () => {
			const got = await (both ? ask(both) : ask(worse, broken));
			assert.equal(got.status, status, got.text);
		});
	}
}

test('a request that breaks every rule is told 401', async () => {
	const got = await ask(...rules.map(([, broken]) => broken).reverse());
	assert.equal(got.status, 401, got.text);
});

test("somebody else's card is 404 whatever else is wrong with the request", async () => {
	for (const [status, broken] of rules.slice(2)) {
		const got = await ask(broken, { token: eve.token });
		assert.equal(got.status, 404, `${status}: ${got.text}`);
	}
});

test('a card named in the body is looked for before the request is judged further', async () => {
	for (const fields of [{}, { name: '' }, { name: 'A' }, { name: 'A', version: 1 }, { version: 2 }]) {
		const got = await client.patch('/api/cards', { id: card.id, ...fields }, { token: eve.token });
		assert.equal(got.status, 404, got.text);
	}
});

test('an update without an id names the field that is missing', async () => {
	const got = await client.patch('/api/cards', { version: 1, name: 'A' }, { token });
	assert.equal(got.status, 422, got.text);
	assert.ok(got.json.errors.some((error) => error.field === 'id'));
});

test('signing up and in needs no token, and a wrong one does no harm', async () => {
	for (const path of ['/api/users', '/api/sessions'])
		for (const each of [undefined, 'ck_unknown']) {
			const got = await client.post(path, {}, { token: each });
			assert.equal(got.status, 422, got.text);
		}
});

test('without a token nobody learns which paths and cards there are', async () => {
	for (const path of ['/api/nowhere', '/api/cards', `/api/cards/${card.id}`, `/api/cards/${NOBODY}`, '/api/cards/x'])
		assert.equal((await client.get(path)).status, 401, path);
});

test('405 names the methods that the path has', async () => {
	const allowed = {
		'/api/cards': ['GET', 'HEAD', 'PATCH', 'POST'],
		[`/api/cards/${card.id}`]: ['DELETE', 'GET', 'HEAD', 'PATCH'],
		'/api/users/me': ['GET', 'HEAD'],
		'/api/profile/personal': ['GET', 'HEAD', 'PATCH'],
	};
	for (const [path, methods] of Object.entries(allowed)) {
		const got = await client.request('PROPFIND', path, { token });
		assert.equal(got.status, 405, `${path} ${got.text}`);
		const names = got.headers.allow.split(/, */);
		for (const method of methods) assert.ok(names.includes(method), `${path}: ${got.headers.allow}`);
	}
});
