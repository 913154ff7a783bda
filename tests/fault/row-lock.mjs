// One row held in psql: what it costs everybody else, and what its own requests get.
//
//   node tests/fault/row-lock.mjs --daemon PROGRAM [--seconds N]
//
// Prints rate and p99 of updates to other cards, undisturbed and while the row is held, in turns,
// since the speed of a machine wanders; the ratio of the medians is the result. An open transaction
// also keeps PostgreSQL from pruning old versions, so some loss is the database's own.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Stack, atOnce, pause } from '../lib/harness.mjs';

const WIDTH = 16;

// Updates the clients' own cards for `seconds`; resolves to {rate, p99, bad}.
async function drive(client, token, cards, seconds) {
	const times = [];
	let bad = 0;
	const end = performance.now() + seconds * 1000;
	await atOnce(WIDTH, WIDTH, async (i) => {
		while (performance.now() < end) {
			const body = { version: cards[i].version, name: `Turn ${cards[i].version}` };
			const got = await client.patch(`/api/cards/${cards[i].id}`, body, { token });
			times.push(got.ms);
			if (got.status === 200) cards[i] = got.json;
			else bad++;
		}
	});
	times.sort((a, b) => a - b);
	return { rate: times.length / seconds, p99: times[Math.floor(times.length * 0.99)], bad };
}

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

// Holds one card's row in psql while `work` runs; resolves to [work's result, the answers that
// requests for the held card got meanwhile].
async function whileHeld(stack, token, card, work) {
	const holder = stack.session('super');
	await holder.run(`begin; select id from cardkeep.business_cards where id = '${card.id}' for update`);
	const held = Promise.all(
		[1, 1, 7].map((version) =>
			stack.client.patch(`/api/cards/${card.id}`, { version, name: 'Held' }, { token })),
	);
	const result = await work();
	const answers = await held;
	await holder.run('rollback');
	await holder.close();
	return [result, answers];
}

// {free, held: {rate, p99}, rateRatio, p99Ratio, bad, answers: of the held card}
export async function measure(stack, { seconds = 2, rounds = 3 } = {}) {
	const { token } = await stack.client.register();
	const eve = await stack.client.register();
	const cards = await atOnce(WIDTH, WIDTH, () => stack.client.card(token));
	await drive(stack.client, token, cards, 1);
	const runs = { free: [], held: [] };
	const answers = [];
	for (let i = 0; i < rounds; i++) {
		runs.free.push(await drive(stack.client, token, cards, seconds));
		const card = await stack.client.card(eve.token);
		const [run, got] = await whileHeld(stack, eve.token, card, () =>
			drive(stack.client, token, cards, seconds));
		runs.held.push(run);
		answers.push(...got);
		await pause(50);
	}
	const of = (name) => ({
		rate: median(runs[name].map((run) => run.rate)),
		p99: median(runs[name].map((run) => run.p99)),
	});
	const [free, held] = [of('free'), of('held')];
	const bad = [...runs.free, ...runs.held].reduce((sum, run) => sum + run.bad, 0);
	return { free, held, rateRatio: held.rate / free.rate, p99Ratio: held.p99 / free.p99, bad, answers };
}

export function print({ free, held, rateRatio, p99Ratio, bad, answers }) {
	const line = (name, { rate, p99 }) =>
		console.log(`${name.padEnd(12)} ${rate.toFixed(0).padStart(7)}/s   p99 ${p99.toFixed(1).padStart(7)} ms`);
	line('undisturbed', free);
	line('row held', held);
	console.log(`ratio        ${rateRatio.toFixed(2).padStart(7)}     p99 ${p99Ratio.toFixed(2).padStart(7)} x`);
	console.log(`other cards' requests that failed: ${bad}`);
	const own = answers.map(({ status, ms }) => `${status} after ${(ms / 1000).toFixed(1)} s`);
	console.log(`the held card's own requests: ${own.join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { values } = parseArgs({
		options: { daemon: { type: 'string' }, seconds: { type: 'string', default: '3' } },
	});
	const stack = await Stack.start({ daemon: values.daemon });
	try {
		print(await measure(stack, { seconds: Number(values.seconds) }));
	} finally {
		await stack.destroy();
	}
}
