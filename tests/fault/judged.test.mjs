// Everything that may break between a client and a commit, under many clients whose every request and
// answer is written down: the checker finds no contradiction between that and the database.
//
// CARDKEEP_CUTS says how many connections are cut on either side (40 unless it does; 2000 for a
// release, which takes minutes: CARDKEEP_FILE_LIMIT_S says how many seconds a file may), and
// CARDKEEP_ENDS how often each program is ended (2).
import { startRun } from './judged.mjs';
import { startCutter } from '../lib/cutter.mjs';
import { after, assert, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';

const CUTS = Number(process.env.CARDKEEP_CUTS ?? 40);
const ENDS = Number(process.env.CARDKEEP_ENDS ?? 2);
const LIMIT_MS = 60_000 + 250 * CUTS;

const stack = await own({ proxied: true, env: { CARDKEEP_RETRY_BASE_MS: '10' } });
const cutter = await startCutter(stack.port);
after(() => cutter.stop());

const run = await startRun(stack, { keys: true, port: cutter.port });

// Cuts one after another, at random moments, until `cuts` of them have happened.
async function cutUntil(count, cutOne) {
	const end = performance.now() + LIMIT_MS;
	while ((await cutOne()) < count) {
		assert.ok(performance.now() < end, 'the load goes on and is cut');
		await pause(Math.random() * 25);
	}
}

// Waits until so many more writes were applied.
const goesOn = (count = 100) => {
	const goal = run.counts.applied + count;
	return until('the load goes on', () => run.counts.applied >= goal, 60_000);
};

test(`${CUTS} connections to PostgreSQL are cut after their commit, under load`, async () => {
	await goesOn();
	await cutUntil(CUTS, () => stack.proxy({ cut: 'answer', count: 1 }));
	await stack.proxy({ cut: 'answer', count: 0 });
	await goesOn();
});

test(`${CUTS} calls to PostgreSQL go on alone, their connections cut behind them`, async () => {
	const before = await stack.proxy();
	await cutUntil(before + CUTS, () => stack.proxy({ cut: 'call', count: 1 }));
	await stack.proxy({ cut: 'call', count: 0 });
	await goesOn();
});

test(`${CUTS} answers are cut on their way to the client, who repeats`, async () => {
	await cutUntil(CUTS, () => {
		cutter.cut(1);
		return cutter.cuts;
	});
	await goesOn();
});

test(`workers, PostgreSQL and nginx are ended under load, ${ENDS} times each`, async () => {
	for (let i = 0; i < ENDS; i++) {
		const { workers } = (await stack.client.get('/status.json')).json;
		process.kill(workers[i % workers.length].pid, 'SIGKILL');
		await goesOn();
		await stack.stopDatabase(i % 2 === 0 ? 'immediate' : 'fast');
		await stack.startDatabase();
		await goesOn();
		await stack.stopNginx('SIGKILL');
		await stack.startNginx();
		await goesOn();
	}
});

test('nothing of all that contradicts the database, and every write got a definite answer', async (t) => {
	const { status, text, undecided } = await run.judge();
	assert.equal(status, 0, text);
	assert.deepEqual(undecided, [], `writes that ended without a definite answer; ${text}`);
	assert.match(text, /[1-9]\d* merged and [1-9]\d* reverts/);
	t.diagnostic(`measured: ${text}`);
});

endsCleanly(stack);
