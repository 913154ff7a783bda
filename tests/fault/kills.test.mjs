// Workers are killed under load: they come back at once, only what was in their hands fails, every
// acknowledged write is there once, and no counter goes back.
//
// CARDKEEP_KILLS says how many (20 unless it does; 200 for a release).
import { load, compare, NOTHING_WRONG, tally } from './load.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const KILLS = Number(process.env.CARDKEEP_KILLS ?? 20);
const stack = await own();
const { token } = await stack.client.register();

async function status() {
	return (await stack.client.get('/status.json')).json;
}

async function ready() {
	return (await status()).workers.filter(({ state }) => state === 'ready');
}

// {name{labels}: value} of every counter; a scrape is one moment.
async function counters() {
	const { text } = await stack.client.get('/metrics');
	const values = new Map();
	for (const line of text.split('\n')) {
		const found = /^(cardkeep_\w+_total(?:\{[^}]*\})?) (\d+)/.exec(line);
		if (found) values.set(found[1], Number(found[2]));
	}
	return values;
}

function wentBack(before, after) {
	return [...before].filter(([name, value]) => (after.get(name) ?? 0) < value).map(([name]) => name);
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

test(`${KILLS} kills under load: nothing lost, nothing twice, no counter goes back`, async (t) => {
	const clients = load(stack, token, 16);
	await until('the load runs', () => clients.answers.length > 100, 20_000);
	const backAfter = [];
	let before = await counters();
	for (let i = 0; i < KILLS; i++) {
		const all = await ready();
		const victim = all[i % all.length];
		process.kill(victim.pid, 'SIGKILL');
		const killed = performance.now();
		await until('as many workers are ready again', async () => {
			const now = await ready();
			return now.length === all.length && !now.some(({ pid }) => pid === victim.pid);
		});
		backAfter.push(performance.now() - killed);
		const count = clients.answers.length;
		await until('the load goes on', () => clients.answers.length > count + 50);
		const after = await counters();
		assert.deepEqual(wentBack(before, after), []);
		before = after;
	}
	const answers = await clients.stop();
	const counts = tally(answers);
	assert.deepEqual(
		Object.keys(counts).filter((code) => !['201', '503', '504'].includes(code)),
		[],
		JSON.stringify(counts),
	);
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
	backAfter.sort((a, b) => a - b);
	t.diagnostic(`measured: answers ${JSON.stringify(counts)}`);
	t.diagnostic(
		`measured: ready again after ${Math.round(quantile(backAfter, 0.5))} ms (median), ` +
			`${Math.round(quantile(backAfter, 0.99))} ms (99 %)`,
	);
});

test('what was started and never finished was in the hands of the killed', async () => {
	const { text } = await stack.client.get('/metrics');
	const value = (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]);
	const lost = value('cardkeep_requests_lost_total');
	assert.equal(
		value('cardkeep_requests_started_total') - value('cardkeep_requests_finished_total') - lost,
		value('cardkeep_requests_in_flight'),
	);
	assert.ok(lost <= KILLS * 16, `${lost} lost`);
	assert.match(text, new RegExp(`^cardkeep_worker_restarts_total\\{reason="killed"\\} ${KILLS}$`, 'm'));
});

endsCleanly(stack);
