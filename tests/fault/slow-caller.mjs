// One caller whose calls take the database as long as they may: what that costs everybody else.
//
//   node tests/fault/slow-caller.mjs --daemon PROGRAM [--seconds N] [--rounds N]
//
// Twelve clients with an account each create, read and update; beside them one more sends, four at a
// time, calls that would keep a processor busy for half a minute each, over both faces. Rate and p99 of
// the twelve, undisturbed and beside that caller, in turns, since the speed of a machine wanders; the
// ratio of the medians is the result. Part of it is the processor that the caller's calls do get.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Stack, atOnce, pause } from '../lib/harness.mjs';

const CLIENTS = 12;
const AT_ONCE = 4;

// A write takes as long as its card's name says: `Sleep S` waits, `Work S` computes, and the server
// cannot stop `Stuck N` before it has done with N pairs of marks.
export const TAKE_TIME = `
	create function cardkeep.take_time() returns trigger language plpgsql as $$
	declare
		v_end timestamptz;
	begin
		if new.name like 'Sleep %' then
			perform pg_sleep(substr(new.name, 7)::numeric);
		elsif new.name like 'Work %' then
			v_end := clock_timestamp() + make_interval(secs => substr(new.name, 6)::numeric);
			while clock_timestamp() < v_end loop
				perform md5(repeat('x', 1000));
			end loop;
		elsif new.name like 'Stuck %' then
			perform normalize(repeat(U&'\\0301\\0316', substr(new.name, 7)::integer));
		end if;
		return new;
	end $$;
	grant execute on function cardkeep.take_time() to public;
	create trigger take_time before insert or update on cardkeep.business_cards
		for each row execute function cardkeep.take_time();`;

// What the twelve do in turns, for `seconds`; resolves to {rate, p99, bad}.
async function drive(client, people, seconds) {
	const times = [];
	const bad = [];
	const end = performance.now() + seconds * 1000;
	const note = (got, status) => {
		times.push(got.ms);
		if (got.status !== status) bad.push(`${got.status} ${got.text}`);
		return got;
	};
	await atOnce(people.length, people.length, async (i) => {
		const { token, card } = people[i];
		while (performance.now() < end) {
			note(await client.post('/api/cards', { name: 'New' }, { token }), 201);
			note(await client.get(`/api/cards/${card.id}`, { token }), 200);
			const body = { version: card.version, name: `Turn ${card.version}` };
			const got = note(await client.patch(`/api/cards/${card.id}`, body, { token }), 200);
			if (got.status === 200) card.version = got.json.version;
		}
	});
	times.sort((a, b) => a - b);
	return { rate: times.length / seconds, p99: times[Math.floor(times.length * 0.99)], bad };
}

// Sends slow calls until `over()`; counts what they were told.
async function trouble(client, { token, card }, over, told) {
	const kinds = [
		() => client.patch(`/api/cards/${card.id}`, { version: card.version, name: 'Work 30' }, { token }),
		() => client.post('/rest/v1/rpc/create_business_card_atomic', { p_name: 'Work 30' }, { token }),
		() => client.post('/api/cards', { name: 'Work 30' }, { token }),
	];
	await atOnce(AT_ONCE, AT_ONCE, async (i) => {
		for (let n = i; !over(); n++) {
			const { status } = await kinds[n % kinds.length]();
			told[status] = (told[status] ?? 0) + 1;
			if (status === 429) await pause(200);
		}
	});
}

const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

// {free, beside: {rate, p99}, rateRatio, p99Ratio, bad, told: of the slow caller, by status}
export async function measure(stack, { seconds = 3, rounds = 3 } = {}) {
	const person = async () => {
		const { token } = await stack.client.register();
		return { token, card: await stack.client.card(token) };
	};
	const people = await atOnce(CLIENTS, CLIENTS, person);
	const mallory = await person();
	await drive(stack.client, people, 1);
	const runs = { free: [], beside: [] };
	const told = {};
	for (let i = 0; i < rounds; i++) {
		let over = false;
		runs.free.push(await drive(stack.client, people, seconds));
		const slow = trouble(stack.client, mallory, () => over, told);
		runs.beside.push(await drive(stack.client, people, seconds));
		over = true;
		await slow;
	}
	const of = (name) => ({
		rate: median(runs[name].map((run) => run.rate)),
		p99: median(runs[name].map((run) => run.p99)),
	});
	const [free, beside] = [of('free'), of('beside')];
	const bad = [...runs.free, ...runs.beside].flatMap((run) => run.bad);
	return { free, beside, rateRatio: beside.rate / free.rate, p99Ratio: beside.p99 / free.p99, bad, told };
}

export function print({ free, beside, rateRatio, p99Ratio, bad, told }) {
	const line = (name, { rate, p99 }) =>
		console.log(`${name.padEnd(12)} ${rate.toFixed(0).padStart(7)}/s   p99 ${p99.toFixed(1).padStart(7)} ms`);
	line('undisturbed', free);
	line('beside it', beside);
	console.log(`ratio        ${rateRatio.toFixed(2).padStart(7)}     p99 ${p99Ratio.toFixed(2).padStart(7)} x`);
	console.log(`requests of the twelve that failed: ${bad.length}`);
	const answers = Object.entries(told).map(([status, count]) => `${count} x ${status}`);
	console.log(`the slow caller was told: ${answers.join(', ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { values } = parseArgs({
		options: {
			daemon: { type: 'string' },
			seconds: { type: 'string', default: '5' },
			rounds: { type: 'string', default: '3' },
		},
	});
	const stack = await Stack.start({ daemon: values.daemon });
	try {
		await stack.sql(TAKE_TIME, 'super');
		print(await measure(stack, { seconds: Number(values.seconds), rounds: Number(values.rounds) }));
	} finally {
		await stack.destroy();
	}
}
