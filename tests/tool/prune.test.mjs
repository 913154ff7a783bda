// cardkeep prune: old versions go where the configuration says so, and the rest is as it was.
import { assert, endsCleanly, own, test } from '../lib/harness.mjs';
import { cardkeep } from './tool.mjs';

const stack = await own();
const { client } = stack;
const ann = await client.register();
const prune = (env, ...args) =>
	cardkeep(stack, ['prune', '--database', stack.conninfo.admin, ...args], { env });
const verify = () => cardkeep(stack, ['verify', '--database', stack.conninfo.admin]);

// A card and a profile with five versions each, a week old.
const card = await client.card(ann.token, { name: 'Version 1' });
for (const version of [1, 2, 3, 4])
	await client.patch(`/api/cards/${card.id}`, { version, name: `Version ${version + 1}` }, ann);
for (const version of [0, 1, 2, 3, 4])
	await client.patch('/api/profile/personal', { version, full_name: `Version ${version + 1}` }, ann);
await stack.sql(
	`set session_replication_role = replica;
	update cardkeep.business_cards set updated_at = updated_at - interval '7 days', created_at = created_at - interval '7 days';
	update cardkeep.personal_info set updated_at = updated_at - interval '7 days', created_at = created_at - interval '7 days';
	update cardkeep.business_card_versions set at = at - interval '7 days';
	update cardkeep.personal_info_versions set at = at - interval '7 days'`, 'super');

const versions = async (path) =>
	(await client.get(`${path}/history`, ann)).json.history.map(({ version }) => version);

test('told to keep everything it deletes nothing, and says so', async () => {
	const got = await prune({ CARDKEEP_HISTORY_KEEP_VERSIONS: '0' });
	assert.equal(got.status, 0, got.err);
	assert.equal(got.out, 'history_keep_versions and history_keep_days say to keep everything\n');
	assert.deepEqual(await versions(`/api/cards/${card.id}`), [5, 4, 3, 2, 1]);
});

// A card that was written too often (H6), made past the triggers; and closed again, for what follows.
test('where nothing is configured it keeps the latest 1000 of each', async () => {
	const busy = await client.register();
	await stack.sql(`set session_replication_role = replica;
		insert into cardkeep.business_cards (id, user_id, name, slug, version, last_write, created_at)
		values (md5('busy')::uuid, '${busy.id}', 'Busy', 'busy-card', 1003, md5('busy1003')::uuid, now() - interval '7 days');
		insert into cardkeep.business_card_versions (card_id, version, write_id, at)
		select md5('busy')::uuid, i, md5('busy' || i)::uuid, now() - interval '7 days' from generate_series(1, 1003) i`,
	'super');
	const got = await prune({});
	assert.equal(got.out, '3 versions of 1 histories deleted, 0 histories in use passed over\n', got.err);
	assert.deepEqual(await stack.sql(
		`select min(version), max(version) from cardkeep.business_card_versions where card_id = md5('busy')::uuid`,
		'super'), ['4|1003']);
	assert.deepEqual(await versions(`/api/cards/${card.id}`), [5, 4, 3, 2, 1]);
	await client.request('DELETE', '/api/users/me', { token: busy.token, body: { password: busy.password } });
	assert.match((await prune({})).out, /^closed accounts: \d+ rows erased, 0 accounts/);
});

test('what is younger than the configuration says is kept', async () => {
	const got = await prune({ CARDKEEP_HISTORY_KEEP_VERSIONS: '0', CARDKEEP_HISTORY_KEEP_DAYS: '8' });
	assert.equal(got.out, '0 versions of 0 histories deleted, 0 histories in use passed over\n');
});

test('a card that somebody holds is passed over', async () => {
	const session = stack.session();
	await session.run(`begin; select from cardkeep.business_cards where id = '${card.id}' for update`);
	const got = await prune({ CARDKEEP_HISTORY_KEEP_VERSIONS: '4' });
	await session.run('rollback');
	assert.equal(got.out, '1 versions of 1 histories deleted, 1 histories in use passed over\n');
	assert.deepEqual(await versions(`/api/cards/${card.id}`), [5, 4, 3, 2, 1]);
	assert.deepEqual(await versions('/api/profile/personal'), [5, 4, 3, 2]);
});

test('the oldest versions go, and it tells how many', async () => {
	const got = await prune({ CARDKEEP_HISTORY_KEEP_VERSIONS: '2' }, '--json');
	assert.equal(got.status, 0, got.err);
	assert.deepEqual(JSON.parse(got.out), { deleted: 5, histories: 2, busy: 0, erased: 0, left: 0 });
	assert.deepEqual(await versions(`/api/cards/${card.id}`), [5, 4]);
	assert.deepEqual(await versions('/api/profile/personal'), [5, 4]);
});

test('a merge from what is gone is refused with its reason, as is a way back', async () => {
	const merge = { version: 1, is_public: false, merge: true };
	const merged = await client.patch(`/api/cards/${card.id}`, merge, ann);
	assert.equal(merged.status, 409, merged.text);
	assert.equal(merged.json.reason, 'base-unavailable');
	for (const path of [`/api/cards/${card.id}`, '/api/profile/personal']) {
		const got = await client.post(`${path}/revert`, { version: 5, to: 1 }, ann);
		assert.equal(got.status, 409, got.text);
		assert.equal(got.json.type, 'urn:cardkeep:problem:base-unavailable');
		assert.equal(got.json.reason, 'base-unavailable');
		assert.equal(got.json.currentVersion, undefined);
	}
});

test('verify tells what is pruned from what is lost', async () => {
	const got = await verify();
	assert.equal(got.status, 0, got.out);
	await stack.sql(
		`set session_replication_role = replica;
		delete from cardkeep.business_card_versions where version = 4`, 'super');
	const broken = await verify();
	assert.equal(broken.status, 1, broken.out);
	assert.match(broken.out, new RegExp(
		`^BROKEN +card_versions .*\n +${card.id}: begins at version 5, and was pruned to 4$`, 'm'));
});

// An account with many cards, made past the triggers; how many are promised to go within a second.
const cards = Number(process.env.CARDKEEP_ERASE_CARDS ?? 20000);
const belongings = (id) => stack.sql(`select
	(select count(*) from cardkeep.users where id = '${id}')
	+ (select count(*) from cardkeep.sessions where user_id = '${id}')
	+ (select count(*) from cardkeep.business_cards where user_id = '${id}')
	+ (select count(*) from cardkeep.business_card_versions h where h.write_id = h.card_id
		and exists (select from cardkeep.retired_slugs r where r.card_id = h.card_id and r.slug like 'big-%'))`,
'super');

test('an account with many cards is closed within a second, and erased at once by prune', async () => {
	const big = await client.register();
	await stack.sql(`set session_replication_role = replica;
		insert into cardkeep.business_cards (id, user_id, name, slug, last_write, created_at)
		select md5('big' || i)::uuid, '${big.id}', 'Big', 'big-' || i, md5('big' || i)::uuid,
			now() - interval '1 day' from generate_series(1, ${cards}) i;
		insert into cardkeep.business_card_versions (card_id, version, write_id, at)
		select md5('big' || i)::uuid, 1, md5('big' || i)::uuid, now() from generate_series(1, ${cards}) i`,
	'super');
	const path = '/api/users/me';
	const begun = performance.now();
	const deleted = await client.request('DELETE', path, { token: big.token, body: { password: big.password } });
	assert.equal(deleted.status, 204, deleted.text);
	assert.ok(performance.now() - begun < 1000, `it took ${performance.now() - begun} ms`);
	for (const reach of [path, '/api/cards', `/rest/v1/business_cards`])
		assert.equal((await client.get(reach, { token: big.token })).status, 401, reach);
	assert.equal((await client.register({ email: big.email })).email, big.email, 'its address is free at once');
	const got = await prune({ CARDKEEP_HISTORY_KEEP_VERSIONS: '2' });
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /^closed accounts: \d+ rows erased, 0 accounts in use left for the next time\n/);
	assert.deepEqual(await belongings(big.id), ['0']);
	assert.equal((await verify()).status, 1, 'what an earlier test broke');
	assert.doesNotMatch((await verify()).out, /slugs.*BROKEN|BROKEN +(slugs|orphans|users|sessions)/);
});

test('what somebody holds of it is left, and said to be', async () => {
	const held = await client.register();
	const card = await client.card(held.token, { name: 'Held' });
	const session = stack.session();
	await session.run(`begin; select from cardkeep.business_cards where id = '${card.id}' for update`);
	await client.request('DELETE', '/api/users/me', { token: held.token, body: { password: held.password } });
	const got = await prune({});
	assert.match(got.out, /, 1 accounts in use left for the next time\n/);
	await session.run('rollback');
	assert.equal((await prune({})).status, 0);
	assert.deepEqual(await belongings(held.id), ['0']);
});

test('without a database it says so', async () => {
	const got = await cardkeep(stack, ['prune', '--database', 'host=/nowhere']);
	assert.equal(got.status, 69, got.err);
	assert.match(got.err, /^cardkeep: /);
});

endsCleanly(stack);
