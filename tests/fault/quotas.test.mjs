// What an account may have and do, as clients are told of it, on both faces.
import { assert, endsCleanly, isProblem, own, test } from '../lib/harness.mjs';

const stack = await own();
const { client } = stack;
const ann = await client.register();
const limit = (set) => stack.sql(`update cardkeep.limits set ${set}`, 'super');
const judge = (kind) => stack.sql(`select cardkeep_api.judge_quota('${ann.id}', '${kind}')`, 'super');

test('a card too many is 422, and names the limit; a deletion makes room', async () => {
	await limit('cards = 2');
	const cards = [];
	for (const name of ['One', 'Two']) cards.push(await client.card(ann.token, { name }));
	await judge('cards');
	const got = await client.post('/api/cards', { name: 'Three' }, ann);
	isProblem(got, 422, 'quota');
	assert.equal(got.json.detail, 'an account has at most 2 cards');
	assert.equal(got.headers['retry-after'], undefined);
	const rest = await client.post('/rest/v1/rpc/create_business_card_atomic', { p_name: 'Three' }, ann);
	assert.equal(rest.status, 422, rest.text);
	assert.equal(rest.json.message, 'an account has at most 2 cards');
	assert.deepEqual(Object.keys(rest.json).sort(), ['code', 'details', 'hint', 'message']);
	assert.equal((await client.get('/api/cards', ann)).json.cards.length, 2);
	await client.delete(`/api/cards/${cards[0].id}?version=1`, ann);
	await limit('cards = 0');
	await judge('cards');
	assert.equal((await client.post('/api/cards', { name: 'Three' }, ann)).status, 201);
});

test('too many an hour is 429, with the time to wait', async () => {
	await limit('creations_an_hour = 2');
	await stack.sql(`select cardkeep_api.note_use('${ann.id}', 'creations', 2)`, 'super');
	const got = await client.post('/api/cards', { name: 'Four' }, ann);
	isProblem(got, 429, 'quota-spent');
	assert.equal(got.json.detail, 'an account creates at most 2 cards an hour');
	assert.ok(Number(got.headers['retry-after']) > 3500, got.headers['retry-after']);
	const rest = await client.post('/rest/v1/rpc/create_business_card_atomic', { p_name: 'Four' }, ann);
	assert.equal(rest.status, 429, rest.text);
	assert.ok(Number(rest.headers['retry-after']) > 3500);
	const bob = await client.register();
	assert.equal((await client.post('/api/cards', { name: 'His' }, bob)).status, 201, 'nobody else is concerned');
});

endsCleanly(stack);
