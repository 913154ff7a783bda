// Clients that do not stop: they create cards, and remember every answer.
import { atOnce } from '../lib/harness.mjs';

let runs = 0; // no two loads use the same names

// Starts `width` clients; the returned object's stop() resolves to all answers, each
// {name, status, ms, at, requestId, retryAfter, text, error}, `at` being when the answer came.
// What one account may have is no limit to them: a fast machine would reach it within a file.
export function load(stack, token, width = 16) {
	const unlimited = stack.sql('update cardkeep.limits set cards = 0, creations_an_hour = 0', 'super');
	const answers = [];
	const run = ++runs;
	let going = true;
	let next = 0;
	const one = async (name) => {
		const began = performance.now();
		try {
			const got = await stack.client.post('/api/cards', { name }, { token });
			answers.push({
				name,
				status: got.status,
				ms: got.ms,
				at: performance.now(),
				requestId: got.headers['x-request-id'],
				retryAfter: got.headers['retry-after'],
				text: got.text,
			});
		} catch (error) {
			const at = performance.now();
			answers.push({ name, status: 0, ms: at - began, at, error: String(error) });
		}
	};
	const done = atOnce(width, width, async (lane) => {
		await unlimited;
		while (going) await one(`Load ${run}-${lane}-${next++}`);
	});
	return {
		answers,
		stop: async () => {
			going = false;
			await done;
			return answers;
		},
	};
}

// Starts `width` clients that change one card and one profile from versions that others have changed
// meanwhile, as often as not; stop() resolves to all answers, each {entity, status}.
export function edits(stack, token, cardId, width) {
	const paths = { card: `/api/cards/${cardId}`, personal: '/api/profile/personal' };
	const fields = { card: 'name', personal: 'full_name' };
	const answers = [];
	let going = true;
	const lane = async (number) => {
		const entity = number % 2 === 0 ? 'card' : 'personal';
		let version = entity === 'card' ? 1 : 0;
		while (going) {
			const body = { version, [fields[entity]]: `By ${number} at ${version}` };
			const got = await stack.client.patch(paths[entity], body, { token }).catch(() => ({ status: 0 }));
			answers.push({ entity, status: got.status });
			version = got.json?.currentVersion ?? got.json?.version ?? version;
		}
	};
	const done = atOnce(width, width, lane);
	return {
		stop: async () => {
			going = false;
			await done;
			return answers;
		},
	};
}

// What the database says of those answers: names acknowledged but absent, names there twice, and
// names refused as not applied (anything but 2xx, 504 and no answer) but there.
export async function compare(stack, answers) {
	const rows = await stack.sql(
		"select name, count(*) from cardkeep.business_cards where name like 'Load %' group by name",
		'super',
	);
	const there = new Map(rows.map((row) => row.split('|')));
	const wrong = { lost: [], twice: [], phantom: [] };
	for (const { name, status, requestId } of answers) {
		const copies = Number(there.get(name) ?? 0);
		if (status === 201 && copies === 0) wrong.lost.push(name);
		if (copies > 1) wrong.twice.push(name);
		if (status !== 201 && status !== 504 && status !== 0 && copies > 0) wrong.phantom.push(story(stack, requestId));
	}
	return wrong;
}

// What the log says of one request.
function story(stack, requestId) {
	const lines = stack.log().split('\n');
	return lines.filter((line) => line.includes(requestId)).join('\n');
}

export const NOTHING_WRONG = { lost: [], twice: [], phantom: [] };

// {201: 12, 503: 1, ...}
export function tally(answers) {
	const counts = {};
	for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
	return counts;
}
