// Numbers in documents: kept to the digit, and bounded by what they take when they are written out.
import { assert, isInvalid, shared, test } from '../lib/harness.mjs';

const { client } = await shared();
const { token } = await client.register();
const KIB = 1024;

// A body whose `field` holds `count` times `number`; no number of JavaScript's own would do.
const body = (field, number, count, more = '') =>
	`{"name":"Numbers",${more}"${field}":{"n":[${Array(count).fill(number).join(',')}]}}`;
const create = (text) => client.post('/api/cards', text, { token });

test('a number is kept to the digit, and answered without an exponent', async () => {
	const got = await create(body('fields_config', '1.50e3,1e-3,1e300,12345678901234567890.10', 1));
	assert.equal(got.status, 201, got.text);
	assert.ok(got.text.includes(`[1500, 0.001, 1${'0'.repeat(300)}, 12345678901234567890.10]`), got.text);
});

test('a number that is only written otherwise is a change: history, replays and reverts have each spelling', async () => {
	const text = (numbers, more) => `{${more},"fields_config":${numbers},"design_config":${numbers}}`;
	const has = (got, numbers) => {
		assert.ok(got.status < 300, got.text);
		for (const name of ['fields_config', 'design_config']) assert.ok(got.text.includes(`"${name}":${numbers}`), got.text);
	};
	const first = '{"n": 1, "price": 1.50}';
	const second = '{"n": 1.0, "price": 1.5}';
	const key = { token, headers: { 'Idempotency-Key': '"spelt"' } };
	const made = await client.post('/api/cards', text(first, '"name":"Spell"'), key);
	has(made, first);
	const url = `/api/cards/${made.json.id}`;
	const write = (numbers, version, more = '') => client.patch(url, text(numbers, `"version":${version}${more}`), { token });
	has(await write(first, 1, ',"name":"Spell"'), first);
	assert.equal((await client.get(url, { token })).json.version, 1);
	has(await write(second, 1, ',"name":"Spell 2"'), second);
	has(await client.post('/api/cards', text(first, '"name":"Spell"'), key), first);
	const { json: { history: [two, one] }, text: told } = await client.get(`${url}/history`, { token });
	assert.deepEqual(two.changed, ['design_config', 'fields_config', 'name']);
	assert.equal(one.version, 1);
	for (const side of [`"before":{"name": "Spell", "design_config": ${first}`, `"after":{"name": "Spell 2", "design_config": ${second}`])
		assert.ok(told.includes(side), told);
	has(await client.post(`${url}/revert`, { version: 2, to: 1 }, { token }), first);
	has(await client.get(url, { token }), first);
	has(await write(second, 3), second);
	// A merge takes the spelling of the side that has another one; the value decides what a conflict is.
	await write('{"n": 7, "price": 1.5}', 4);
	const merged = await write('{"n": 1.0, "price": 1.500}', 4, ',"merge":true');
	assert.equal(merged.json.merged, true, merged.text);
	has(merged, '{"n": 7, "price": 1.500}');
});

test('over REST, too, a number that is only written otherwise is a change', async () => {
	const { json: card } = await client.post('/api/cards', '{"name":"R","fields_config":{"p":1.50}}', { token });
	const update = async (version, numbers) =>
		(await client.post('/rest/v1/rpc/update_business_card_optimistic',
			`{"p_card_id":"${card.id}","p_expected_version":${version},"p_fields_config":${numbers}}`, { token })).json[0];
	assert.equal((await update(1, '{"p":1.50}')).new_version, 1);
	assert.equal((await update(1, '{"p":1.5}')).new_version, 2);
	const { text } = await client.get(`/api/cards/${card.id}/history`, { token });
	assert.ok(text.includes('"before":{"fields_config": {"p": 1.50}},"after":{"fields_config": {"p": 1.5}}'), text);
});

test('a document that takes more than 256 KiB with its numbers written out is 422, and nothing is kept', async () => {
	const before = (await client.get('/api/cards', { token })).json.cards.length;
	for (const field of ['fields_config', 'design_config'])
		for (const [number, count] of [['1e300', 40_000], ['1e300', 880], ['-1e-300', 870], ['1e-16383', 17]])
			isInvalid(await create(body(field, number, count)), field);
	assert.equal((await client.get('/api/cards', { token })).json.cards.length, before);
});

test('a document that just fits is taken, and an update, a merge and a revert go by the same rule', async () => {
	const { json: card } = await create(body('fields_config', '1e300', 860));
	const url = `/api/cards/${card.id}`;
	const patch = (text) => client.patch(url, text, { token });
	isInvalid(await patch(body('design_config', '1e300', 880, '"version":1,')), 'design_config');
	isInvalid(await patch(body('design_config', '1e300', 880, '"version":1,"merge":true,')), 'design_config');
	assert.equal((await patch({ version: 1, fields_config: {} })).status, 200);
	const back = await client.post(`${url}/revert`, { version: 2, to: 1 }, { token });
	assert.equal(back.status, 200);
	assert.ok(back.text.length > 250 * KIB, `${back.text.length} bytes`);
});

test('without exponents a body of 256 KiB is a document that fits', async () => {
	const most = 256 * KIB;
	const text = body('fields_config', '1', (most - 100) / 2);
	const got = await create(text + ' '.repeat(most - text.length));
	assert.equal(got.status, 201, got.text.slice(0, 300));
});

test('a merge that would make too large a document is 422, and nothing is applied', async () => {
	const card = await client.card(token);
	const url = `/api/cards/${card.id}`;
	const grow = (key) =>
		client.patch(url, { version: 1, merge: true, fields_config: { [key]: 'x'.repeat(255 * KIB) } }, { token });
	assert.equal((await grow('a')).status, 200);
	assert.equal((await grow('b')).json.merged, true);
	isInvalid(await grow('c'), 'fields_config');
	assert.equal((await client.get(url, { token })).json.version, 3);
});
