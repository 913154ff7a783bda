// Cards: make, read, list, delete.
import { assert, atOnce, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { id: user_id, token } = await client.register();
const eve = await client.register();
const NOBODY = '00000000-0000-4000-8000-000000000000';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/;

test('a name is all that a card needs; the rest has defaults', async () => {
	const got = await client.post('/api/cards', { name: 'Ada Lovelace' }, { token });
	assert.equal(got.status, 201, got.text);
	assert.equal(got.headers.etag, '"1"');
	assert.equal(got.headers.location, `/api/cards/${got.json.id}`);
	const { id, slug, created_at, updated_at, ...rest } = got.json;
	assert.deepEqual(rest, {
		user_id, name: 'Ada Lovelace', template_type: 'personal-small', fields_config: {},
		design_config: {}, is_public: true, version: 1,
	});
	assert.match(id, UUID);
	assert.match(slug, /^ada-lovelace(-[a-z0-9]{6})?$/);
	assert.match(created_at, TIME);
	assert.equal(updated_at, created_at);
});

test('a card keeps what it is given', async () => {
	const fields = {
		name: 'Given', template_type: 'business-2', is_public: false,
		fields_config: { phone: { show: true, order: [1, 2.5, null] }, 'ключ': '値' },
		design_config: { colour: '#aabbcc', empty: {}, none: [] },
	};
	const got = await client.post('/api/cards', fields, { token });
	assert.equal(got.status, 201, got.text);
	for (const [name, value] of Object.entries(fields)) assert.deepEqual(got.json[name], value, name);
	const read = await client.get(`/api/cards/${got.json.id}`, { token });
	assert.equal(read.status, 200);
	assert.deepEqual(read.json, got.json);
	assert.equal(read.headers.etag, '"1"');
});

test('a name is trimmed and normalised, and has at most 200 code points', async () => {
	const card = await client.card(token, { name: '\u00a0 Cafe\u0301 \u2003' });
	assert.equal(card.name, 'Café');
	assert.equal((await client.card(token, { name: '😀'.repeat(200) })).name, '😀'.repeat(200));
	for (const name of ['😀'.repeat(201), '', '   ', '\u2003', 'a\nb', 'a\u0007b'])
		isInvalid(await client.post('/api/cards', { name }, { token }), 'name');
});

test('what has the wrong type or form is 422, field by field', async () => {
	const wrong = {
		name: [7, null, {}, [], true],
		template_type: ['', 'Upper', 'with space', 'ünï', 'a'.repeat(65), 7, 'a_b'],
		fields_config: [7, 'text', [], true],
		design_config: [7, 'text', [], false],
		is_public: ['yes', 1, 'true', {}],
		base_slug: [7, {}, true],
	};
	for (const [field, values] of Object.entries(wrong))
		for (const value of values)
			isInvalid(await client.post('/api/cards', { name: 'A', [field]: value }, { token }), field);
});

test('every wrong field is named at once', async () => {
	const got = await client.post('/api/cards', { name: '', template_type: 'X', is_public: 3 }, { token });
	const { errors } = isInvalid(got);
	assert.deepEqual(errors.map((error) => error.field).sort(), ['is_public', 'name', 'template_type']);
});

test("somebody else's card and no card look the same", async () => {
	const card = await client.card(token);
	for (const id of [card.id, NOBODY, 'nonsense', '%20', `${card.id}x`])
		for (const [method, path, body] of [
			['GET', `/api/cards/${id}`],
			['PATCH', `/api/cards/${id}`, { version: 1, name: 'Mine' }],
			['DELETE', `/api/cards/${id}?version=1`],
		])
			isProblem(await client.request(method, path, { token: eve.token, body }), 404, 'not-found');
	assert.equal((await client.get(`/api/cards/${card.id}`, { token })).json.version, 1);
});

test("the list holds one's own cards, newest first", async () => {
	const ada = await client.register();
	const made = [];
	for (const name of ['One', 'Two', 'Three']) made.unshift(await client.card(ada.token, { name }));
	const got = await client.get('/api/cards', { token: ada.token });
	assert.equal(got.status, 200);
	assert.deepEqual(got.json, { cards: made, next: null });
	assert.equal(got.headers.link, undefined);
	assert.equal(got.headers['cache-control'], 'no-store');
});

test('pages follow each other without a gap, whatever is made meanwhile', async () => {
	const ada = await client.register();
	await atOnce(25, 8, (i) => client.card(ada.token, { name: `Card ${i}` }));
	const all = (await client.get('/api/cards?limit=100', { token: ada.token })).json.cards;
	assert.equal(all.length, 25);
	const seen = [];
	let path = '/api/cards?limit=10';
	while (path) {
		const got = await client.get(path, { token: ada.token });
		assert.equal(got.status, 200, got.text);
		seen.push(...got.json.cards);
		await client.card(ada.token, { name: 'Meanwhile' });
		const link = /^<([^>]+)>; ?rel="next"$/.exec(got.headers.link ?? '');
		assert.equal(Boolean(link), got.json.next !== null);
		path = link?.[1];
		if (path) assert.equal(new URL(path, 'http://x').searchParams.get('after'), got.json.next);
	}
	assert.deepEqual(seen, all);
});

test('a page holds at most 100 cards and 1 MiB', async () => {
	const ada = await client.register();
	const big = { text: 'x'.repeat(200_000) };
	await atOnce(8, 4, () => client.card(ada.token, { fields_config: big }));
	const got = await client.get('/api/cards?limit=100', { token: ada.token });
	assert.ok(Buffer.byteLength(got.text) <= (1 << 20) + 4096, `${got.text.length}`);
	assert.ok(got.json.cards.length >= 4 && got.json.cards.length < 8);
	assert.ok(got.json.next);
	await atOnce(101, 16, () => client.card(eve.token));
	const page = await client.get('/api/cards?limit=100', { token: eve.token });
	assert.equal(page.json.cards.length, 100);
});

test('pages go on behind cards from before the epoch, and from far ahead', async () => {
	const ann = await client.register();
	const times = ['9999-12-31 23:59:59.999999+00', '9000-01-01 00:00:00.123457+00', '9000-01-01 00:00:00.123456+00',
		'2300-07-07 07:07:07.654321+00', '1970-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '1960-05-05 05:05:05.000001+00',
		'0001-01-01 00:00:00+00'];
	for (const [i, at] of times.entries())
		await stack.sql(`insert into cardkeep.business_cards (user_id, name, slug, created_at)
			values ('${ann.id}', '${i}', 'old-${i}-${ann.id.slice(0, 8)}', '${at}')`, 'super');
	const found = [];
	for (let after = ''; after !== null; ) {
		const got = await client.get(`/api/cards?limit=1${after && `&after=${after}`}`, { token: ann.token });
		assert.equal(got.status, 200, `${after}: ${got.text}`);
		found.push(...got.json.cards.map(({ name }) => name));
		after = got.json.next;
	}
	assert.deepEqual(found, times.map((_, i) => String(i)));
});

test('a limit or cursor that is none is 4xx', async () => {
	for (const query of ['limit=0', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'limit=1&limit=2', 'after=x', 'after=%ff', 'after=1-2', `after=--1-${NOBODY}`, `after=-${NOBODY}`, `after=-1${NOBODY}`, `after=-${'9'.repeat(18)}-${NOBODY}`, `after=${'9'.repeat(30)}-${NOBODY}`]) {
		const got = await client.get(`/api/cards?${query}`, { token });
		assert.ok([400, 422].includes(got.status), `${query}: ${got.status} ${got.text}`);
	}
});

test('a deleted card is gone, and answers 404 from then on', async () => {
	const card = await client.card(token);
	const got = await client.delete(`/api/cards/${card.id}?version=1`, { token });
	assert.equal(got.status, 204, got.text);
	assert.equal(got.text, '');
	isProblem(await client.get(`/api/cards/${card.id}`, { token }), 404, 'not-found');
	isProblem(await client.delete(`/api/cards/${card.id}?version=1`, { token }), 404, 'not-found');
	isProblem(await client.patch(`/api/cards/${card.id}`, { version: 1, name: 'B' }, { token }), 404, 'not-found');
	const rows = await stack.sql(`select count(*) from cardkeep.business_cards where id = '${card.id}'`, 'super');
	assert.deepEqual(rows, ['0']);
});

test('deleting by If-Match works as by ?version=', async () => {
	const card = await client.card(token);
	const got = await client.delete(`/api/cards/${card.id}`, { token, headers: { 'If-Match': '"1"' } });
	assert.equal(got.status, 204, got.text);
});

test('64 simultaneous creates of one name all succeed, each with a slug of its own', async () => {
	const got = await atOnce(64, 64, (i) =>
		client.post('/api/cards', { name: 'Rush Hour Card' }, { token: i % 2 ? token : eve.token }));
	for (const answer of got) assert.equal(answer.status, 201, answer.text);
	const slugs = new Set(got.map((answer) => answer.json.slug));
	assert.equal(slugs.size, 64);
	assert.ok(slugs.delete('rush-hour-card'));
	for (const slug of slugs) assert.match(slug, /^rush-hour-card-[a-z0-9]{6}$/);
});
