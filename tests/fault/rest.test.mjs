// The REST face while things fail: 503 says that nothing was applied, 504 that nobody knows, and a
// write whose answer from the database got lost is there once.
import { randomUUID } from 'node:crypto';

import { assert, endsCleanly, isRestError, own, test, until } from '../lib/harness.mjs';

const ROUNDS = process.env.CK_VARIANT === 'gcc' ? 20 : 5;
const stack = await own({
	proxied: true,
	env: { CARDKEEP_RETRY_BASE_MS: '10', CARDKEEP_REQUEST_DEADLINE_MS: '2000' },
});
const { client } = stack;
const { token } = await client.register();
const rpc = (name, args, headers) => client.post(`/rest/v1/rpc/${name}`, args, { token, headers });
const number = async (text) => Number((await stack.sql(text))[0]);

// Sends one call whose answer from the database is cut; resolves to what the client was told.
async function cutOnce(send) {
	const before = await stack.proxy({ cut: 'answer', count: 1 });
	const got = await send();
	assert.equal(await stack.proxy(), before + 1, `nothing was cut: ${got.status} ${got.text}`);
	if (got.status !== 200) isRestError(got, 504, 'outcome-unknown');
	return got;
}

test(`${ROUNDS} calls of each function that are cut after their commit are applied once`, async () => {
	let told = 0;
	for (let i = 0; i < ROUNDS; i++) {
		const made = await cutOnce(() => rpc('create_business_card_atomic', { p_name: `Cut ${i}` }));
		assert.equal(await number(`select count(*) from cardkeep.business_cards where name = 'Cut ${i}'`), 1);
		const { id } = made.json[0] ?? (await stack.sql(`select json_build_object('id', id)
			from cardkeep.business_cards where name = 'Cut ${i}'`)).map(JSON.parse)[0];
		const args = { p_card_id: id, p_expected_version: 1, p_name: `Cut ${i} twice` };
		const updated = await cutOnce(() => rpc('update_business_card_optimistic', args));
		assert.equal(await number(`select version from cardkeep.business_cards where id = '${id}'`), 2);
		const saved = await cutOnce(() =>
			rpc('upsert_personal_info_optimistic', { p_expected_version: i, p_full_name: `Ada ${i}` }));
		assert.equal(await number('select version from cardkeep.personal_info'), i + 1);
		for (const { status, json } of [updated, saved])
			if (status === 200) assert.equal(json[0].success, true);
		told += [made, updated, saved].filter(({ status }) => status === 200).length;
	}
	assert.ok(told > ROUNDS, `${told} of ${3 * ROUNDS} were told what came of them`);
});

test('what was cut is found again by its key', async () => {
	const key = { 'idempotency-key': randomUUID() };
	await cutOnce(() => rpc('create_business_card_atomic', { p_name: 'Keyed' }, key));
	const again = await rpc('create_business_card_atomic', { p_name: 'Keyed' }, key);
	assert.equal(again.status, 200, again.text);
	assert.equal(again.headers['idempotent-replayed'], 'true');
	assert.equal(await number("select count(*) from cardkeep.business_cards where name = 'Keyed'"), 1);
});

test('a card that stays locked is 503 at the deadline, in the words of the face, and nothing was applied', async () => {
	const card = await client.card(token);
	const holder = stack.session('super');
	await holder.run(`begin; select id from cardkeep.business_cards where id = '${card.id}' for update`);
	const args = { p_card_id: card.id, p_expected_version: 1, p_name: 'Held' };
	isRestError(await rpc('update_business_card_optimistic', args), 503, 'unavailable');
	await holder.run('rollback');
	await holder.close();
	assert.equal(await number(`select version from cardkeep.business_cards where id = '${card.id}'`), 1);
	assert.equal((await rpc('update_business_card_optimistic', args)).json[0].new_version, 2);
});

test('an unwanted call costs the others of its wave nothing', async () => {
	const splits = async () => {
		const { text } = await client.get('/metrics');
		return [...text.matchAll(/^cardkeep_wave_splits_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
	};
	const before = await splits();
	const got = await Promise.all(Array.from({ length: 64 }, (_, i) =>
		i % 2 === 0
			? rpc('create_business_card_atomic', { p_name: `Good ${i}` })
			: rpc('create_business_card_atomic', { p_name: `Bad ${i}`, p_fields_config: [i] })));
	for (const [i, each] of got.entries())
		if (i % 2 === 0) assert.equal(each.status, 200, each.text);
		else isRestError(each, 400, '23514');
	assert.equal(await splits(), before);
});

test('while PostgreSQL is down a call is 503, and once it is up again it is not', async () => {
	await stack.stopDatabase('immediate');
	isRestError(await rpc('create_business_card_atomic', { p_name: 'Down' }), 503, 'unavailable');
	isRestError(await client.get('/rest/v1/business_cards', { token }), 503, 'unavailable');
	await stack.startDatabase();
	await until('it serves again', async () => (await client.get('/rest/v1/business_cards', { token })).status === 200, 20_000);
	assert.equal(await number("select count(*) from cardkeep.business_cards where name = 'Down'"), 0);
});

test('while no worker is there nginx says 503 in the same words', async () => {
	await stack.stopDaemon();
	isRestError(await rpc('create_business_card_atomic', { p_name: 'Nobody' }), 503, 'unavailable');
	isRestError(await client.get('/rpc/x', { token }), 503, 'unavailable');
	await stack.startDaemon();
	await stack.ready();
});

endsCleanly(stack);
