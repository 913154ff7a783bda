// Floods: more sign-ins than can be hashed, and wrong passwords for one account. 25 sign-ins a second are
// two to five times what a small machine can do; where a hash is quicker they come faster, so that it is a
// flood everywhere.
import path from 'node:path';

import { assert, atOnce, endsCleanly, isProblem, own, pause, test } from '../lib/harness.mjs';
import { ask } from '../pool/fcgi.mjs';

const stack = await own({
	env: {
		CARDKEEP_HASH_MEMORY_KIB: '19456', CARDKEEP_HASH_PASSES: '4', CARDKEEP_HASH_THREADS: '1',
		CARDKEEP_WORKERS: '2', CARDKEEP_THREADS: '1',
	},
});
const { client } = stack;
const FLOOD_MS = 5000;
const HASHERS = 2; // a thread in each worker
const PASSWORD = 'correct horse battery staple';

// As nginx would hand it over from that address.
const from = (address, method, uri, body) =>
	ask(path.join(stack.dir, 'run/app.sock'), uri, {
		method, body: JSON.stringify(body), params: { REMOTE_ADDR: address },
	});
const signIn = (address, email, password = PASSWORD) =>
	from(address, 'POST', '/api/sessions', { email, password });
const register = async (address, email) => {
	const got = await from(address, 'POST', '/api/users', { email, password: PASSWORD });
	assert.equal(got.status, 201, got.text);
	return email;
};

let made = 0;
const nobody = () => `nobody-${made++}@example.org`;

// How long a hash takes here, seldom longer: the quickest of some registrations, one after another.
async function hashMs() {
	let quickest = Infinity;
	for (let i = 0; i < 5; i++) {
		const began = performance.now();
		await register('198.51.100.250', `cost-${made++}@example.org`);
		quickest = Math.min(quickest, performance.now() - began);
	}
	return quickest;
}
let cost;

// Sends `one` 25 times a second, or two and a half times as often as can be hashed, for as long as `job`
// takes; resolves to its answers.
async function flooded(one, job) {
	const answers = [];
	cost ??= await hashMs();
	const timer = setInterval(() => answers.push(one()), Math.min(40, cost / HASHERS / 2.5));
	try {
		await pause(1000); // the queue is as long as it gets
		await job();
	} finally {
		clearInterval(timer);
	}
	return Promise.all(answers);
}

// Three people at a time sign in again and again while the flood lasts: {ok, tried, ms}.
async function innocents(one) {
	const end = performance.now() + FLOOD_MS;
	const told = { ok: 0, tried: 0, ms: [], refused: [] };
	await atOnce(3, 3, async (person) => {
		while (performance.now() < end) {
			const got = await one(person);
			told.tried++;
			told.ok += got.status === 201;
			told.ms.push(got.ms);
			if (got.status !== 201) told.refused.push(`${got.status} ${got.json.detail}`);
			await pause(100);
		}
	});
	return told;
}

function mostlyServed(t, told, answers) {
	const median = told.ms.sort((a, b) => a - b)[told.ms.length >> 1];
	const by = {};
	for (const { status } of answers) by[status] = (by[status] ?? 0) + 1;
	t.diagnostic(`${told.ok} of ${told.tried} signed in, median ${median.toFixed(0)} ms; the flood got ${JSON.stringify(by)}`);
	assert.ok(told.tried >= 4, `${told.tried} tried`);
	assert.ok(told.ok >= 0.8 * told.tried, `${told.ok} of ${told.tried}: ${told.refused.slice(0, 3)}`);
	assert.ok(median < 2500, `${median} ms`);
	for (const each of answers) assert.ok([401, 429, 503].includes(each.status), each.text);
	const refused = answers.filter(({ status }) => status !== 401);
	assert.ok(refused.length > 0, 'it was a flood');
	for (const each of refused) assert.match(each.headers['retry-after'], /^\d+$/);
}

test('25 unknown addresses a second from one network: whoever signs in from elsewhere is served', async (t) => {
	const people = [];
	for (let i = 0; i < 3; i++) people.push(await register('198.51.100.1', `a${i}@example.org`));
	let told;
	let places = 0;
	// Each time from where nobody was ever seen.
	const answers = await flooded(() => signIn('192.0.2.66', nobody()), async () => {
		told = await innocents((i) => signIn(`172.16.${places++}.1`, people[i]));
	});
	mostlyServed(t, told, answers);
	for (const each of answers.filter(({ status }) => status === 429)) isProblem(each, 429, 'rate-limited');
});

test('25 a second from as many networks: whoever signs in from where they did before is served', async (t) => {
	const people = [];
	for (let i = 0; i < 3; i++) people.push(await register(`198.51.${i}.1`, `b${i}@example.org`));
	let told;
	let n = 0;
	const answers = await flooded(() => signIn(`10.${n >> 8}.${n++ & 255}.1`, nobody()), async () => {
		told = await innocents((i) => signIn(`198.51.${i}.77`, people[i]));
	});
	mostlyServed(t, told, answers);
});

test('25 a second through nginx from this very machine: whoever was here before is served', async (t) => {
	const people = [];
	for (let i = 0; i < 3; i++) people.push(await client.register());
	const post = (email, password) => client.post('/api/sessions', { email, password });
	let told;
	const answers = await flooded(() => post(nobody(), PASSWORD), async () => {
		told = await innocents((i) => post(people[i].email, people[i].password));
	});
	mostlyServed(t, told, answers);
});

// Until it is let through: {got, waits: the Retry-After of each refusal}.
async function patiently(one) {
	const waits = [];
	for (;;) {
		const got = await one();
		if (got.status !== 429) return { got, waits };
		isProblem(got, 429, 'rate-limited');
		waits.push(Number(got.headers['retry-after']));
		await pause(waits.at(-1) * 1000);
	}
}

test('after 80 wrong passwords the account is slowed, the right one is taken soon, and nowhere else is it slowed', async () => {
	const email = await register('198.51.100.1', 'c@example.org');
	for (const address of [email, nobody()]) {
		const statuses = [];
		let early;
		for (let i = 0; i < 80; i++) {
			const got = await signIn('192.0.2.66', address, `wrong ${i}`);
			statuses.push(got.status);
			if (got.status === 429) early = got;
		}
		// Known or not, the same words.
		isProblem(early, 429, 'rate-limited');
		assert.match(early.json.detail, /too many wrong passwords for this account/);
		const tried = statuses.filter((status) => status === 401).length;
		assert.ok(tried >= 20 && tried < 40, `${tried} were looked at`);
	}
	assert.equal((await signIn('198.51.100.9', email)).status, 201, 'where its owner was before');
	assert.equal((await signIn('203.0.113.9', email)).status, 201, 'on a new device elsewhere');
	const { got, waits } = await patiently(() => signIn('192.0.2.67', email));
	assert.equal(got.status, 201, got.text);
	assert.ok(waits.every((s) => s >= 1 && s <= 60) && waits.length <= 2, `${waits}`);
});

test('a stolen session guesses the password no faster', async () => {
	const email = await register('198.51.100.1', 'd@example.org');
	const { token } = (await signIn('198.51.100.1', email)).json;
	const ways = [
		['PUT', '/api/users/me/password', { current_password: 'a wrong guess', new_password: 'another one' }],
		['DELETE', '/api/users/me', { password: 'a wrong guess' }],
	];
	const statuses = [];
	for (let i = 0; i < 28; i++) { // the last pause is longer than any try takes
		const [method, uri, body] = ways[i % 2];
		const got = await ask(path.join(stack.dir, 'run/app.sock'), uri, {
			method, body: JSON.stringify(body), headers: { Authorization: `Bearer ${token}` },
		});
		statuses.push(got.status);
	}
	assert.deepEqual(statuses.slice(0, 20), Array(20).fill(422));
	assert.ok(statuses.slice(20).includes(429), `${statuses}`);
});

test('what was slowed and what was refused is counted', async () => {
	const { text } = await client.get('/metrics');
	const count = (outcome) => Number(new RegExp(`^cardkeep_logins_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm').exec(text)[1]);
	for (const outcome of ['ok', 'refused', 'slowed', 'shed']) assert.ok(count(outcome) > 0, outcome);
});

endsCleanly(stack);
