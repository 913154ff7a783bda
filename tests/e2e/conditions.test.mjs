// Conditional requests as RFC 9110 has them, and headers that come in several lines.
import { raw } from '../lib/client.mjs';
import { assert, isConflict, isProblem, shared, test } from '../lib/harness.mjs';

const { client, stack } = await shared();
const { token } = await client.register();

const path = (card) => `/api/cards/${card.id}`;
const get = (card, headers, method = 'GET') => client.request(method, path(card), { token, headers });
const read = async (card) => (await get(card)).json;

// Every write that names a version, on a card at version 2.
const writes = {
	patch: (card, headers) => client.patch(path(card), { version: 2, name: 'Mine' }, { token, headers }),
	'patch by If-Match': (card, headers) =>
		client.patch(path(card), { name: 'Mine' }, { token, headers: { 'If-Match': '"2"', ...headers } }),
	'patch by body': (card, headers) =>
		client.patch('/api/cards', { id: card.id, version: 2, name: 'Mine' }, { token, headers }),
	merge: (card, headers) =>
		client.patch(path(card), { version: 1, merge: true, is_public: false }, { token, headers }),
	revert: (card, headers) => client.post(`${path(card)}/revert`, { version: 2, to: 1 }, { token, headers }),
	delete: (card, headers) => client.delete(`${path(card)}?version=2`, { token, headers }),
};

async function second() {
	const card = await client.card(token, { name: 'One' });
	return (await client.patch(path(card), { version: 1, name: 'Two' }, { token })).json;
}

for (const [name, write] of Object.entries(writes)) {
	test(`${name}: If-None-Match that names what is there is 412, and nothing is applied`, async () => {
		const card = await second();
		for (const tag of ['*', '"2"', 'W/"2"', '"1", "2"', ', "2",'])
			isConflict(await write(card, { 'If-None-Match': tag }), 412, card);
		assert.deepEqual(await read(card), card);
	});

	test(`${name}: one that cannot be read is 400`, async () => {
		const card = await second();
		for (const tag of ['2', '"2', '"2" "3"'])
			isProblem(await write(card, { 'If-None-Match': tag }), 400, 'bad-header');
		assert.deepEqual(await read(card), card);
	});
	if (name === 'merge') continue;

	test(`${name}: one that names other versions is in nobody's way`, async () => {
		const got = await write(await second(), { 'If-None-Match': '"1", "3", "x"' });
		assert.ok([200, 204].includes(got.status), got.text);
	});
}

test('a merge looks past what is there, so with If-None-Match it is an ordinary update', async () => {
	const card = await second();
	isConflict(await writes.merge(card, { 'If-None-Match': '"7"' }), 409, card);
});

test('a first profile is written with If-None-Match: *, and never a second time', async () => {
	const ann = await client.register();
	for (const kind of ['personal', 'professional']) {
		const save = (version, field) => client.patch(`/api/profile/${kind}`, { version, [field]: 'https://a.example' },
			{ token: ann.token, headers: { 'If-None-Match': '*' } });
		const field = kind === 'personal' ? 'website' : 'company_website';
		assert.equal((await save(0, field)).status, 201);
		const { json: now } = await client.get(`/api/profile/${kind}`, { token: ann.token });
		for (const version of [0, 1]) isConflict(await save(version, field), 412, now);
	}
});

test('If-Match on a read: the version that it names, or 412 with what is there', async () => {
	const card = await second();
	for (const tag of ['"2"', '*', '"1", "2"', '"2",'])
		for (const method of ['GET', 'HEAD'])
			assert.equal((await get(card, { 'If-Match': tag }, method)).status, 200, tag);
	for (const tag of ['"1"', 'W/"2"', '"x"', ',']) {
		isConflict(await get(card, { 'If-Match': tag }), 412, card);
		assert.equal((await get(card, { 'If-Match': tag }, 'HEAD')).status, 412);
	}
	for (const tag of ['2', '"2', '"2" "3"'])
		isProblem(await get(card, { 'If-Match': tag }), 400, 'bad-header');
});

test('on a read If-Match is looked at before If-None-Match', async () => {
	const card = await second();
	isConflict(await get(card, { 'If-Match': '"1"', 'If-None-Match': '"2"' }), 412, card);
	assert.equal((await get(card, { 'If-Match': '"2"', 'If-None-Match': '"2"' })).status, 304);
	for (const kind of ['personal', 'professional']) {
		const profile = (headers) => client.get(`/api/profile/${kind}`, { token, headers });
		assert.equal((await profile({ 'If-Match': '"0"' })).status, 200);
		isProblem(await profile({ 'If-Match': '"1"' }), 412, 'precondition-failed');
	}
});

test('empty members of a list are passed over', async () => {
	const card = await second();
	assert.equal((await get(card, { 'If-None-Match': ', "1",, "2"' })).status, 304);
	const got = await client.patch(path(card), { name: 'Three' }, { token, headers: { 'If-Match': '"2",' } });
	assert.equal(got.headers.etag, '"3"', got.text);
	isConflict(await client.patch(path(card), { name: 'x' }, { token, headers: { 'If-Match': ',' } }), 412, got.json);
});

// What is sent line for line, as no HTTP library does it.
async function lines(start, headers, body = '') {
	const text = await raw(stack.port, [start, 'Host: x', `Authorization: Bearer ${token}`, ...headers,
		'Connection: close', `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
	return { status: Number(text.split(' ')[1]), text };
}

test('Prefer in several lines is one list', async () => {
	const card = await second();
	const patch = (version, ...headers) =>
		lines(`PATCH ${path(card)} HTTP/1.1`, headers, `{"version":${version},"is_public":false}`);
	const got = await patch(1, 'Prefer: return=representation', 'Prefer: conflict=merge');
	assert.equal(got.status, 200, got.text);
	assert.match(got.text, /Preference-Applied: conflict=merge\r\n/i);
	assert.match(got.text, /"merged":true/);
	const rows = await lines('GET /rest/v1/business_cards?select=id HTTP/1.1', ['Prefer: return=minimal', 'Prefer: count=exact']);
	assert.match(rows.text, /Content-Range: 0-\d+\/\d+\r\n/i);
});

test('Accept in several lines is one list', async () => {
	const card = await second();
	const rows = (...headers) => lines(`GET /rest/v1/business_cards?select=name&id=eq.${card.id} HTTP/1.1`, headers);
	const one = await rows('Accept: text/html', 'Accept: application/vnd.pgrst.object+json');
	assert.equal(one.status, 200, one.text);
	assert.match(one.text, /\r\n\{"name":"Two"\}/);
	assert.equal((await rows('Accept: text/html', 'Accept: text/csv')).status, 406);
});

test('If-Match and If-None-Match in several lines are one list, or 400: never half of it', async () => {
	const card = await second();
	const patch = (...headers) => lines(`PATCH ${path(card)} HTTP/1.1`, headers, '{"version":2,"name":"Three"}');
	for (const name of ['If-Match', 'If-None-Match']) {
		const got = await patch(`${name}: "1"`, `${name}: "2"`);
		assert.ok(got.status === 400 || got.status === (name === 'If-Match' ? 200 : 412), got.text);
	}
});

test('none of this was a fault of the service', () => {
	assert.deepEqual(stack.faults(), []);
});
