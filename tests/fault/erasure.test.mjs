// An account that holds very much goes: closed at once, erased by the wave threads between their
// waves, while others are served.
//
// CARDKEEP_ERASE_CARDS and CARDKEEP_ERASE_MIB: how many cards, and how much history. 100000 and 2048
// are what is promised to go within a second, and within an hour.
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const CARDS = Number(process.env.CARDKEEP_ERASE_CARDS ?? 3000);
const MIB = Number(process.env.CARDKEEP_ERASE_MIB ?? 40);
const LIMIT_MS = 3_600_000 * Math.max(CARDS / 100_000, MIB / 2048, 0.05);
const DELETION_MS = 1000;

const stack = await own();
const { client } = stack;
const big = await client.register();
// Past the triggers, which would take minutes; as it is, so that the figure is what is stored.
await stack.sql(
	`set session_replication_role = replica;
	alter table cardkeep.business_card_versions alter column b_fields_config set storage external;
	insert into cardkeep.business_cards (id, user_id, name, slug, last_write, created_at)
	select md5('big' || i)::uuid, '${big.id}', 'Big', 'big-' || i, md5('big' || i)::uuid,
		now() - interval '1 day' from generate_series(1, ${CARDS}) i;
	insert into cardkeep.business_card_versions (card_id, version, write_id, at)
	select md5('big' || i)::uuid, 1, md5('big' || i)::uuid, now() from generate_series(1, ${CARDS}) i;
	insert into cardkeep.business_card_versions (card_id, version, write_id, at, b_fields_config)
	select md5('big1')::uuid, 1 + i, md5('w' || i)::uuid, now(),
		jsonb_build_object('a', repeat('x', 262144)) from generate_series(1, ${MIB} * 4) i`,
	'super');

// What of it is still to be written is none of the erasure's.
await stack.sql('checkpoint', 'super');

// Eight people who change a card each, over and over, until told to stop.
const people = await Promise.all(Array.from({ length: 8 }, async () => {
	const person = await client.register();
	return { ...person, card: await client.card(person.token, { name: 'Theirs' }) };
}));

async function load(ms) {
	const end = performance.now() + ms;
	const told = { statuses: new Map(), ms: [], pause: 0 };
	let last = performance.now();
	await Promise.all(people.map(async (person) => {
		while (performance.now() < end) {
			const got = await client.patch(`/api/cards/${person.card.id}`,
				{ version: person.card.version, name: `At ${person.card.version}` }, person);
			if (got.status === 200) person.card = got.json;
			told.statuses.set(got.status, (told.statuses.get(got.status) ?? 0) + 1);
			told.ms.push(got.ms);
			const now = performance.now();
			told.pause = Math.max(told.pause, now - last);
			last = now;
		}
	}));
	return told;
}
const left = async () => Number(await stack.sql(
	`select (select count(*) from cardkeep.users where id = '${big.id}')
		+ (select count(*) from cardkeep.business_cards where user_id = '${big.id}')
		+ (select count(*) from cardkeep.business_card_versions where card_id = md5('big1')::uuid)`, 'super'));

test('a deletion of any size is answered within a second', async () => {
	const got = await client.request('DELETE', '/api/users/me',
		{ token: big.token, body: { password: big.password } });
	assert.equal(got.status, 204, got.text);
	assert.ok(got.ms < DELETION_MS, `${got.ms} ms`);
	assert.equal((await client.get('/api/users/me', big)).status, 401);
});

test('others are served all the time while it is erased', async () => {
	await until('the first step is taken', async () =>
		/^cardkeep_rows_erased_total [1-9]/m.test((await client.get('/metrics')).text), 60_000);
	const during = await load(5000);
	assert.ok((await left()) > 0 || CARDS < 10_000, 'it was under way');
	await until('all is gone', async () => (await left()) === 0, LIMIT_MS);
	assert.deepEqual([...during.statuses.keys()], [200], 'each change is applied');
	// Whatever else the machine does: a step that held every thread, or a lock, would show as a pause.
	assert.ok(during.pause < 1000, `none of ${during.ms.length} changes was applied for ${during.pause} ms`);
	assert.ok(Math.max(...during.ms) < 1500, `the slowest took ${Math.max(...during.ms)} ms`);
});

test('nothing of it is left, but its slugs', async () => {
	assert.deepEqual(await stack.sql(`select count(*) from cardkeep.retired_slugs
		where slug like 'big-%' and user_id is null`, 'super'), [String(CARDS)]);
	assert.deepEqual(await stack.sql(`select count(*) from cardkeep.business_card_versions h
		where h.card_id not in (select id from cardkeep.business_cards)`, 'super'), ['0']);
});

endsCleanly(stack);
