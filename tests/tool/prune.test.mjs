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

test('where nothing is configured it deletes nothing, and says so', async () => {
	const got = await prune({});
	assert.equal(got.status, 0, got.err);
	assert.equal(got.out, 'history_keep_versions and history_keep_days say to keep everything\n');
	assert.deepEqual(await versions(`/api/cards/${card.id}`), [5, 4, 3, 2, 1]);
});

test('what is younger than the configuration says is kept', async () => {
	const got = await prune({ CARDKEEP_HISTORY_KEEP_DAYS: '8' });
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
	assert.deepEqual(JSON.parse(got.out), { deleted: 5, histories: 2, busy: 0 });
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

test('without a database it says so', async () => {
	const got = await cardkeep(stack, ['prune', '--database', 'host=/nowhere']);
	assert.equal(got.status, 69, got.err);
	assert.match(got.err, /^cardkeep: /);
});

endsCleanly(stack);
