// A token that nobody ever had, on every route, with the worst bodies there are up to the limits: 401,
// at once, for the price of looking the session up.
import { randomBytes } from 'node:crypto';

import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';
import { kinds } from '../lib/worst.mjs';

const LIMIT_US = 50_000;
const ID = '00010203-0405-0607-0809-0a0b0c0d0e0f';

const stack = await own();
const { client } = stack;
await client.register(); // the connections are there, and what is read once was read

const madeUp = () => `ck_${randomBytes(32).toString('base64url')}`;
const ask = ({ method, path, headers, body }) =>
	client.request(method, path.replace('{}', ID), { token: madeUp(), headers, body: body?.() });

// What each function was called, by its name.
async function calls() {
	const { text } = await client.get('/metrics');
	const counts = text.matchAll(/^cardkeep_db_call_duration_seconds_count\{function="(\w+)"\} (\d+)$/gm);
	return Object.fromEntries([...counts].map(([, name, count]) => [name, Number(count)]));
}

// The service's own time for each answer, by the log.
async function timesOf(answers, mark) {
	let times;
	await until('all of it is in the log', () => {
		const lines = stack.logSince(mark).matchAll(/request id=(\S+) .*? us=(\d+)/g);
		times = new Map([...lines].map(([, id, us]) => [id, Number(us)]));
		return answers.every(({ headers }) => times.has(headers['x-request-id']));
	});
	return times;
}

// Of each route one field, the next one for each kind: what a body holds is not looked at, so it makes no
// difference which. CARDKEEP_MADE_UP=all takes them all.
function chosen(requests, turn) {
	const byRoute = new Map();
	for (const request of requests) {
		const name = `${request.method} ${request.path}`;
		byRoute.set(name, [...(byRoute.get(name) ?? []), request]);
	}
	return [...byRoute.values()].map((those) => those[turn % those.length]);
}

for (const [turn, kind] of kinds().entries()) {
	const closed = kind.requests.filter(({ open }) => !open);
	const requests = process.env.CARDKEEP_MADE_UP === 'all' ? closed : chosen(closed, turn);

	test(`${kind.name}: a made-up token is refused at once, and nothing but its session is looked up`, async (t) => {
		const before = await calls();
		const mark = stack.logMark();
		const answers = [];
		for (const request of requests) answers.push(await ask(request));
		for (const [i, got] of answers.entries())
			assert.equal(got.status, 401, `${requests[i].method} ${requests[i].path.slice(0, 80)}: ${got.status} ${got.text.slice(0, 200)}`);
		const after = await calls();
		for (const name of Object.keys(after))
			// These two are the service's own, at their times.
			if (!['check_session', 'touch_sessions', 'sweep_writes'].includes(name))
				assert.equal(after[name], before[name] ?? 0, `${name} was called`);
		const times = await timesOf(answers, mark);
		const own = answers.map(({ headers }) => times.get(headers['x-request-id'])).sort((a, b) => a - b);
		t.diagnostic(`measured: ${kind.name}: ${own.length} requests, median ${own[own.length >> 1]} us, slowest ${own.at(-1)} us`);
		// One may have met a moment at which the machine was another's: twice none does.
		for (const [i, { headers }] of answers.entries()) {
			if (times.get(headers['x-request-id']) < LIMIT_US) continue;
			const again = stack.logMark();
			const got = await ask(requests[i]);
			const us = (await timesOf([got], again)).get(got.headers['x-request-id']);
			assert.ok(us < LIMIT_US, `${requests[i].method} ${requests[i].path.slice(0, 80)}: ${us} us`);
		}
	});
}

endsCleanly(stack);
