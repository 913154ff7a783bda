// Requests that are made to cost: what anybody may send without an account, and what an account may
// send that wants to harm others. Each is told what is wrong with it, at once, and costs the database
// nothing but the look-up of its session.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';

import { assert, isInvalid, shared, test, top } from '../lib/harness.mjs';

const { client, stack } = await shared();
const { token } = await client.register();
const card = await client.card(token);

const LIMIT = 256 * 1024;
const OWN_TIME_MS = 50;
const SLOWER = stack.variant === 'gcc' ? 1 : 10; // what a sanitizer may add
const MADE_UP = `ck_${randomBytes(32).toString('base64url')}`;
const ID = '00000000-0000-4000-8000-000000000000';

// As many of `part` as fit between the two ends.
const full = (head, part, tail) =>
	head + part.repeat(Math.floor((LIMIT - Buffer.byteLength(head + tail)) / Buffer.byteLength(part))) + tail;
const keys = (limit = LIMIT) => {
	let text = '{"a":1';
	for (let i = 0; text.length < limit - 20; i++) text += `,"k${i.toString(36)}":1`;
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
const routes = [...readFileSync(path.join(top, 'src/catalog/routes.def'), 'utf8').matchAll(
	/^ROUTE(?:_ALSO)?\(\w+, (?:"[^"]+", )?(\w+), "([^"]+)",\s+TOKEN/gm,
)].map(([, method, route]) => [method, route.replace('{}', ID)]);

// What a thread calls of its own accord, between its waves.
const CHORES = ['touch_sessions', 'sweep_writes', 'erase_step'];

// Calls by function since the service began, without those.
async function calls() {
	const { text } = await client.get('/metrics');
	const found = text.matchAll(/^cardkeep_db_call_duration_seconds_count\{function="(\w+)"\} (\d+)/gm);
	return new Map([...found].map(([, name, count]) => [name, Number(count)])
		.filter(([name]) => !CHORES.includes(name)));
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
			assert.ok(Math.min(...took) < OWN_TIME_MS * SLOWER, `${method} ${route}: ${took.map(Math.round)} ms`);
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

// ---- what needs no token at all ----------------------------------------------------------------------

const MARKS = '\u0301\u0316';
const text = (size) => `e${MARKS.repeat(Math.floor(size / 4))}`;

// The best of three: what is measured is the service, on a machine that others use too.
async function quick(send, within = 300) {
	const took = [];
	for (let i = 0; i < 3; i++) {
		const began = performance.now();
		await send();
		took.push(performance.now() - began);
	}
	assert.ok(Math.min(...took) < within * SLOWER, `${took.map(Math.round)} ms`);
}

test('a text that is too long is told so before it is normalised: accounts, without a session', async () => {
	for (const route of ['/api/users', '/api/sessions'])
		for (const field of ['email', 'device_name'])
			await quick(async () => {
				const body = { email: 'ann@example.org', password: '12345678', [field]: text(250_000) };
				const problem = isInvalid(await client.post(route, body), field);
				assert.match(problem.errors[0].message, /at most \d+ characters/);
			});
});

test('a list of faults ends at the fiftieth, and says so', async () => {
	for (const route of ['/api/users', '/api/sessions']) {
		const unknown = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`unknown${i}`, i]));
		const got = await client.post(route, { [`long${'x'.repeat(100_000)}`]: 1, ...unknown });
		const problem = isInvalid(got);
		assert.equal(problem.errors.length, 50);
		assert.match(problem.detail, /the first 50 of 3003$/);
		assert.ok(got.text.length < 8000, `${got.text.length} bytes`);
	}
	const one = isInvalid(await client.post('/api/users', { email: 'a@example.org', password: '12345678', x: 1 }), 'x');
	assert.doesNotMatch(one.detail, /the first/);
});

test('a body with more keys than a form could have is refused as a whole, without a session too', async () => {
	for (const route of ['/api/users', '/api/sessions'])
		await quick(async () => {
			const got = await client.post(route, keys());
			assert.match(isInvalid(got, 'body').errors[0].message, /more than 4000 keys/);
			assert.ok(got.text.length < 1000, `${got.text.length} bytes`);
		});
});

// ---- what an account may send ------------------------------------------------------------------------

const rpc = (name, args) => client.post(`/rpc/${name}`, args, { token });

// [what, how it is sent with a text]: every place of the service that takes a text.
const places = [
	['name', (value) => client.post('/api/cards', { name: value }, { token })],
	['name', (value) => client.patch(`/api/cards/${card.id}`, { version: 1, name: value }, { token })],
	['base_slug', (value) => client.post('/api/cards', { name: 'A', base_slug: value }, { token })],
	...['full_name', 'primary_email', 'secondary_email', 'primary_phone', 'secondary_phone', 'website', 'address'].map(
		(field) => [field, (value) => client.patch('/api/profile/personal', { version: 0, [field]: value }, { token })]),
	...['job_title', 'company_name', 'department', 'work_email', 'work_phone', 'work_address', 'company_website',
		'linkedin_url'].map(
		(field) => [field, (value) => client.patch('/api/profile/professional', { version: 0, [field]: value }, { token })]),
];
const restPlaces = [
	['p_name', (value) => rpc('create_business_card_atomic', { p_name: value })],
	['p_base_slug', (value) => rpc('create_business_card_atomic', { p_name: 'A', p_base_slug: value })],
	['p_template_type', (value) => rpc('create_business_card_atomic', { p_name: 'A', p_template_type: value })],
	['p_name', (value) => rpc('update_business_card_optimistic', { p_card_id: card.id, p_expected_version: 1, p_name: value })],
	['p_full_name', (value) => rpc('upsert_personal_info_optimistic', { p_expected_version: 0, p_full_name: value })],
	['p_job_title', (value) => rpc('upsert_professional_info_optimistic', { p_expected_version: 0, p_job_title: value })],
];

test('a text of a whole body is told to be too long at once, wherever it stands', async () => {
	for (const [field, send] of places)
		await quick(async () => isInvalid(await send(text(250_000)), field));
	for (const [field, send] of restPlaces)
		await quick(async () => {
			const got = await send(text(250_000));
			assert.equal(got.status, 400, `${field}: ${got.text}`);
			assert.ok(['22023', '23514'].includes(got.json.code), `${field}: ${got.text}`);
			assert.ok(got.text.length < 1000, `${field}: ${got.text.length}`);
		});
});

test('a text within its length is not taken with hundreds of marks on a letter', async () => {
	for (const [field, send] of places.filter(([name]) => !/email|web|url/.test(name)))
		assert.match(isInvalid(await send(`e${'\u0301'.repeat(31)}`), field).errors[0].message, /30 marks/);
});

// M of the reports: whole names that nobody can see.
const UNSEEN = ['\u200b', '\u2060', '\ufeff', '\u3164', '\uffa0', '\u115f', '\u00ad', '\u2800', '\ufe0f', '\u202e', '\u0301',
	'\u200b \u200b', '\u200e\u2066\u2069', '\u{e0020}', '\u180e'];

test('a name that nobody can see is no name, wherever one is taken', async () => {
	for (const [field, send] of places.filter(([name]) => !/email|web|url/.test(name)))
		for (const value of UNSEEN) isInvalid(await send(value), field);
	for (const value of UNSEEN) {
		isInvalid(await client.post('/api/sessions', { email: 'a@example.org', password: '12345678', device_name: value }),
			'device_name');
		for (const [field, send] of restPlaces) {
			const got = await send(value);
			assert.equal(got.status, 400, `${field} ${JSON.stringify(value)}: ${got.text}`);
		}
	}
});

test('by rpc a name is what the API makes of it, and can be sent back', async () => {
	for (const value of ['\u00a0', '\u202f', '\u2007', ' \u3000 ', 'An\u2028n', 'a\u2029b', 'a\u0007'])
		assert.equal((await rpc('create_business_card_atomic', { p_name: value })).status, 400, JSON.stringify(value));
	const [made] = (await rpc('create_business_card_atomic', { p_name: '\u00a0Anne\u0301\u2003' })).json;
	assert.equal(made.name, 'Ann\u00e9');
	const [number] = (await rpc('create_business_card_atomic', { p_name: 7, p_base_slug: '' })).json;
	assert.equal(number.name, '7');
	assert.match(number.slug, /^7(-[a-z0-9]{6})?$/);
	const got = await rpc('update_business_card_optimistic', { p_card_id: made.id, p_expected_version: 1, p_name: ' Anna\u2007' });
	assert.equal(got.json[0].success, true);
	const read = await client.get(`/api/cards/${made.id}`, { token });
	assert.equal(read.json.name, 'Anna');
	assert.equal((await client.patch(`/api/cards/${made.id}`, { ...read.json, is_public: false }, { token })).status, 200);
});

test('an argument of rpc that is no text, or no short value, is told so, and not printed', async () => {
	const numbers = `[${Array(20_000).fill('1e-16383')}]`;
	const asked = [
		['create_business_card_atomic', `{"p_name":${numbers}}`],
		['create_business_card_atomic', '{"p_name":["a"]}'],
		['create_business_card_atomic', '{"p_name":{"a":1}}'],
		['create_business_card_atomic', `{"p_name":"A","p_user_id":${numbers}}`],
		['create_business_card_atomic', `{"p_name":"A","p_fields_config":${numbers}}`],
		['create_business_card_atomic', `{"p_name":"A","p_fields_config":{"a":${numbers}}}`],
		['create_business_card_atomic', `{"p_name":"A","p_base_slug":${numbers}}`],
		['update_business_card_optimistic', `{"p_card_id":"${'x'.repeat(200_000)}","p_expected_version":1}`],
		['update_business_card_optimistic', `{"p_card_id":"${card.id}","p_expected_version":${'9'.repeat(200_000)}}`],
		['update_business_card_optimistic', `{"p_card_id":"${card.id}","p_expected_version":1,"p_is_public":"${'t'.repeat(200_000)}"}`],
		['upsert_personal_info_optimistic', `{"p_expected_version":0,"p_full_name":${numbers}}`],
		['upsert_personal_info_optimistic', `{"p_expected_version":0,"p_full_name":["a"]}`],
		['generate_unique_slug', `{"base_slug":${numbers}}`],
		['generate_unique_slug', `{"base_slug":"a","max_attempts":${numbers}}`],
		['generate_unique_slug', `{"base_slug":"a","${'x'.repeat(200_000)}":1}`],
		['create_business_card_atomic', `{"p_name":"A","p_fields_config":${keys(LIMIT - 100)}}`],
	];
	for (const [name, body] of asked) {
		const before = await calls();
		const got = await rpc(name, body);
		const what = `${name} ${body.slice(0, 60)}: ${got.text.slice(0, 300)}`;
		assert.ok([400, 404].includes(got.status), what);
		assert.deepEqual(Object.keys(got.json), ['code', 'message', 'details', 'hint'], what);
		assert.ok(got.text.length < 5000, what);
		assert.deepEqual(await callsSince(before), { check_session: 1 }, what);
	}
	assert.equal((await client.get(`/api/cards/${card.id}`, { token })).json.version, 1);
});

test('numbers of a body take at most 256 KiB more when they are written out, on every face', async () => {
	const numbers = (count) => `[${Array(count).fill('1e-16383')}]`;
	for (const [method, route, body] of [
		['POST', '/api/cards', `{"name":"A","fields_config":{"a":${numbers(9)}},"design_config":{"a":${numbers(9)}}}`],
		['PATCH', `/api/cards/${card.id}`, `{"version":1,"fields_config":{"a":${numbers(9)}},"design_config":{"a":${numbers(9)}}}`],
		['PATCH', '/api/profile/personal', `{"version":0,"full_name":"A","created_at":${numbers(17)}}`],
		['POST', '/api/users', `{"email":"a@example.org","password":"12345678","cookie":${numbers(17)}}`],
	])
		isInvalid(await client.request(method, route, { token, body }));
});

test('a version is named at most twenty times', async () => {
	const url = `/api/cards/${card.id}`;
	const tags = (count) => Array.from({ length: count }, (_, i) => `"${i + 2}"`).join(', ');
	const patch = (ifMatch) => client.patch(url, { name: 'B' }, { token, headers: { 'If-Match': ifMatch } });
	assert.equal((await patch(tags(20))).status, 412);
	assert.equal((await patch(tags(21))).status, 400);
});
