// What tells that the checker can tell: with a fault planted in the service it finds a contradiction,
// and without one, put through the same, none.
//
// CARDKEEP_PLANTED says which: names from faults.mjs, or `all`, which takes minutes; unless it does, a
// few that are planted and met quickly.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { faults } from './faults.mjs';
import { daemonOf, fits, replacements } from './plant.mjs';
import { startRun } from '../fault/judged.mjs';
import { startCutter } from '../lib/cutter.mjs';
import { Stack, assert, pause, test, until } from '../lib/harness.mjs';

const USUAL = 'no-version,merge-overlap,unknown-as-503,repeat-unwaited';
const named = process.env.CARDKEEP_PLANTED ?? USUAL;
const chosen = named === 'all' ? faults : named.split(',').map((name) => {
	const fault = faults.find((each) => each.name === name);
	if (!fault) throw new Error(`there is no fault ${name}`);
	return fault;
});

// How many writes were applied in a run, and how many connections cut unless the fault says so, before
// it is judged.
const WRITES = 250;
const CUTS = 40;

// A service with this fault, and what stands between it and its clients.
async function startWith(t, fault) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckt-'));
	t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
	const stack = await Stack.start({
		daemon: await daemonOf(fault, path.dirname(process.env.CK_DAEMON), dir),
		template: process.env.CK_TEMPLATE,
		proxied: true,
		env: { CARDKEEP_RETRY_BASE_MS: '10', ...fault.run.env },
	});
	t.after(() => stack.destroy());
	const planted = replacements(fault);
	if (planted !== '') await stack.sql(planted, 'super');
	if (fault.run.sql) await stack.sql(fault.run.sql, 'super');
	const cutter = await startCutter(stack.port);
	t.after(() => cutter.stop());
	return { stack, cutter };
}

// Cuts `what` at random moments, and waits until enough was cut and written.
async function disturb(what, { stack, cutter }, counts, { cuts = CUTS, paceMs = 50 }) {
	const cutters = {
		none: () => cuts,
		told: (count) => (cutter.cut(count), cutter.cuts),
	};
	const cut = cutters[what] ?? ((count) => stack.proxy({ cut: what, count }));
	const start = what === 'none' ? 0 : await cut(0);
	await until('enough was written, and cut', async () => {
		const enough = (await cut(0)) - start >= cuts;
		if (!enough) {
			await cut(1);
			await pause(Math.random() * paceMs);
		}
		return enough && counts.applied >= WRITES;
	}, 120_000);
}

async function judge(t, fault, cuts) {
	const service = await startWith(t, fault);
	const run = await startRun(service.stack, {
		clients: 32, keys: fault.run.keys ?? false, port: service.cutter.port, keep: false,
	});
	for (const what of cuts) await disturb(what, service, run.counts, fault.run);
	const { status, text } = await run.judge();
	t.diagnostic(`measured: ${fault.name}: ${text.split('\n')[0]}`);
	return { status, text };
}

for (const fault of chosen.filter(({ run }) => run.file))
	test(`a test finds ${fault.sentence}`, () => {
		const file = new URL(fault.run.file, import.meta.url).pathname;
		const { status, stdout } = spawnSync(process.execPath, ['--test-reporter=tap', file], {
			encoding: 'utf8', timeout: 120_000,
			env: { ...process.env, NODE_TEST_CONTEXT: '', CARDKEEP_STANDBY: '1', CK_PLANTED: replacements(fault) },
		});
		assert.equal(status, 1, `the test is content: ${stdout}`);
		assert.match(stdout, fault.says);
	});

test('every fault still fits the source, also those that are planted by name only', () => {
	for (const fault of faults) fits(fault);
});

const judged = chosen.filter(({ run }) => !run.file);
for (const fault of judged)
	test(`the checker finds ${fault.sentence}`, async (t) => {
		const { status, text } = await judge(t, fault, [fault.run.cut]);
		assert.equal(status, 1, `the checker is content: ${text}`);
		assert.match(text.split('\n')[0], fault.says);
	});

test('without a fault, put through all that, it finds nothing', async (t) => {
	const runs = judged.map(({ run }) => run);
	const none = {
		name: 'none',
		change: [],
		run: {
			keys: true,
			env: Object.assign({}, ...runs.map(({ env }) => env)),
			sql: runs.map(({ sql = '' }) => sql).join('\n'),
		},
	};
	const { status, text } = await judge(t, none, new Set(runs.map(({ cut }) => cut)));
	assert.equal(status, 0, text);
});
