// Somebody holds a card's row: others do not notice, and its own requests end in time.
import { measure } from './row-lock.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const stack = await own();
let figures;

test('while a row is held, updates of other cards go on and none fails', async () => {
	figures = await measure(stack, { seconds: 1, rounds: 2 });
	assert.equal(figures.bad, 0);
	// Loose on purpose: tests/fault/row-lock.mjs is what measures.
	assert.ok(figures.rateRatio > 0.3, `${figures.rateRatio}`);
});

test("the held card's own requests end as 200, 409 or 503 within the deadline", () => {
	assert.ok(figures.answers.length > 0);
	for (const { status, ms, text } of figures.answers) {
		assert.ok([200, 409, 503].includes(status), `${status} ${text}`);
		assert.ok(ms < 6000, `${ms} ms`);
	}
});

test('a stale version of the held card is refused at once, without its lock', () => {
	const refused = figures.answers.filter(({ status }) => status === 409);
	assert.ok(refused.length >= 2);
	assert.ok(refused.some(({ ms }) => ms < 1000));
});

test('a row that is let go in time gets its update through', async () => {
	const { token } = await stack.client.register();
	const card = await stack.client.card(token);
	const holder = stack.session('super');
	await holder.run(`begin; select id from cardkeep.business_cards where id = '${card.id}' for update`);
	const answer = stack.client.patch(`/api/cards/${card.id}`, { version: 1, name: 'Patient' }, { token });
	await until('something else is answered meanwhile', async () =>
		(await stack.client.get(`/api/cards/${card.id}`, { token })).status === 200);
	await holder.run('commit');
	const got = await answer;
	assert.equal(got.status, 200, got.text);
	await holder.close();
});

endsCleanly(stack);
