// What the bench promises besides figures: every case is in it, it refuses unsafe writes, and a ratio is
// that of the rounds. That it measures is for tests/scripts/run.
import { cases } from '../bench/cases.mjs';
import { summarize } from '../bench/report.mjs';
import { World } from '../bench/world.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const stack = await own();

test('every call is measured in every way at 1, 16, 64 and 256 connections', () => {
	const ids = new Set(cases({}).map(({ id }) => id));
	for (const kind of ['create', 'create-one', 'update', 'update-one', 'read', 'profile', 'mixed']) {
		for (const way of ['waves', 'ones', 'naive', 'fastify', 'php'])
			for (const width of [1, 16, 64, 256]) assert.ok(ids.has(`${kind}/${way}/${width}`), `${kind}/${way}/${width}`);
		assert.ok(ids.has(`${kind}/pgbench/16`), kind);
	}
	assert.ok(cases({ many: true }).some(({ id }) => id === 'create/waves/2000'));
	assert.deepEqual(cases({ only: ['update/pgbench/4', 'hot'] }).map(({ id }) => id), ['update/pgbench/4', 'hot/waves/64']);
});

test('a ratio is taken in each round, against the best of pgbench, and its median shown', () => {
	const round = (ours, few, many) => {
		const of = (rate) => ({ rate, p50: 1, p99: 2, errors: 1, refused: 0 });
		return { 'create/waves/64': of(ours), 'create/pgbench/4': of(few), 'create/pgbench/16': of(many) };
	};
	const rounds = [round(200, 50, 100), round(900, 300, 100), round(40, 10, 40)];
	const { rows, ratios } = summarize(cases({ only: ['create/waves/64', 'create/pgbench'] }), rounds);
	const told = ratios.find(({ says }) => says === 'creates over pgbench');
	assert.deepEqual(told.got, { median: 2, least: 1, most: 3 });
	const row = rows.find(({ id }) => id === 'create/waves/64');
	assert.equal(row.rate, 200);
	assert.equal(row.errors, 3);
});

const world = Object.assign(new World(), { stack });

// And where it is set: the role has a synchronous_commit of its own.
for (const [name, unsafe, safe, who] of [
	['fsync', 'off', 'on', 'system'],
	['full_page_writes', 'off', 'on', 'system'],
	['commit_delay', '10', '0', 'system'],
	['synchronous_commit', 'off', 'on', 'role cardkeep_runtime in database cardkeep'],
])
	test(`there are no figures with ${name} = ${unsafe}`, async () => {
		const become = async (value) => {
			await stack.sql(`alter ${who} set ${name} = ${value}`, 'super');
			await stack.sql('select pg_reload_conf()', 'super');
			await until('the setting holds', async () => (await world.settings())[name] === value);
		};
		await world.refuseUnsafe();
		await become(unsafe);
		await assert.rejects(world.refuseUnsafe(), new RegExp(`without safe writes: ${name} is ${unsafe}`));
		await become(safe);
	});

endsCleanly(stack);
