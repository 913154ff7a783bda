// Workers are killed under load: they come back at once, only what was in their hands fails, every
// acknowledged write is there once, no counter goes back, and the service has counted what its clients
// have seen.
//
// CARDKEEP_KILLS says how many (50 unless it does; 200 for a release).
import { load, compare, edits, NOTHING_WRONG, tally } from './load.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const KILLS = Number(process.env.CARDKEEP_KILLS ?? 50);
const stack = await own();
const { token } = await stack.client.register();
const card = await stack.client.card(token);

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

// What nginx answered itself, because the worker that had the request was gone.
const answeredByNginx = () => (stack.nginxLog().match(/ id=\S+ status=50[34] /g) ?? []).length;

// By how much the service has counted otherwise than its clients. A worker has one wave thread, which
// sends one answer at a time and counts it, so a kill comes between the two once at most.
function compareCounts(answers, began, ended, byNginx) {
	const grown = (pattern) => {
		let sum = 0;
		for (const [name, value] of ended) if (pattern.test(name)) sum += value - (began.get(name) ?? 0);
		return sum;
	};
	const off = { lost: grown(/^cardkeep_requests_lost_total$/), byNginx };
	const judge = (what, counted, seen) => {
		off[what] = counted - seen;
		assert.ok(Math.abs(counted - seen) <= KILLS, `${what}: counted ${counted}, seen ${seen}`);
	};
	const seen = tally(answers);
	for (const code of ['200', '201', '409'])
		judge(code, grown(new RegExp(`^cardkeep_requests_total\\{.*code="${code}"`)), seen[code] ?? 0);
	for (const entity of ['card', 'personal'])
		judge(
			`conflicts of ${entity}`,
			grown(new RegExp(`^cardkeep_version_conflicts_total\\{entity="${entity}"`)),
			answers.filter((answer) => answer.entity === entity && answer.status === 409).length,
		);
	judge('all, with those of nginx', grown(/^cardkeep_requests_total\{/) + byNginx, answers.length);
	return off;
}

test(`${KILLS} kills under load: nothing lost, nothing twice, no counter goes back`, async (t) => {
	const began = await counters();
	const clients = load(stack, token, 16);
	const editors = edits(stack, token, card.id, 6);
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
	const edited = await editors.stop();
	const counts = tally(answers);
	assert.deepEqual(
		Object.keys(counts).filter((code) => !['201', '503', '504'].includes(code)),
		[],
		JSON.stringify(counts),
	);
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
	assert.deepEqual(edited.filter(({ status }) => ![200, 201, 409, 503, 504].includes(status)), []);
	assert.ok(edited.filter(({ status }) => status === 409).length > KILLS, 'there are conflicts');
	await until('nothing is in flight', async () => (await status()).requests.in_flight === 0);
	const told = compareCounts([...answers, ...edited], began, await counters(), answeredByNginx());
	t.diagnostic(`measured: counted against seen ${JSON.stringify(told)}`);
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
	assert.ok(lost <= KILLS * (16 + 6), `${lost} lost`);
	assert.match(text, new RegExp(`^cardkeep_worker_restarts_total\\{reason="killed"\\} ${KILLS}$`, 'm'));
});

endsCleanly(stack);
