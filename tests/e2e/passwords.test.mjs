// What a password's hash costs, and whom: the same whether its account is there or not, and nobody who
// has no password to hash. Here a hash costs what it does for users.
import { assert, atOnce, endsCleanly, isProblem, own, test } from '../lib/harness.mjs';

const stack = await own({
	env: {
		CARDKEEP_HASH_MEMORY_KIB: '19456', CARDKEEP_HASH_PASSES: '2', CARDKEEP_HASH_THREADS: '1',
		CARDKEEP_HASH_QUEUE: '8', CARDKEEP_WORKERS: '1', CARDKEEP_THREADS: '1',
		// A machine that stands still for seconds turns nobody away for a want of time.
		CARDKEEP_REQUEST_DEADLINE_MS: '20000',
	},
});
const { client } = stack;
const ada = await client.register();
const signIn = (email) => client.post('/api/sessions', { email, password: 'a wrong password' });
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

test('an unknown address costs the time of a wrong password', async (t) => {
	const wrong = [];
	const unknown = [];
	// In turns, as the machine's speed wanders.
	for (let i = 0; i < 15; i++) {
		const [there, not] = [await signIn(ada.email), await signIn(`nobody-${i}@example.org`)];
		for (const got of [there, not]) isProblem(got, 401, 'unauthorized');
		wrong.push(there.ms);
		unknown.push(not.ms);
	}
	const ratio = median(unknown) / median(wrong);
	assert.ok(ratio > 0.6 && ratio < 1.7, `${ratio}: ${unknown} to ${wrong}`);
	const read = await atOnce(15, 1, () => client.get('/api/users/me', { token: ada.token }));
	const [hash, none] = [median(unknown), median(read.map(({ ms }) => ms))];
	assert.ok(hash > 2 * none, `a hash was worked out: ${hash} ms beside ${none} ms`);
	t.diagnostic(`measured: unknown over wrong ${ratio.toFixed(2)}, ${hash.toFixed(1)} ms, a read ${none.toFixed(1)} ms`);
});

test('passwords wait for each other apart from all else, and what does not fit the queue is 503', async () => {
	let over = false;
	const reads = [];
	const read = async () => {
		while (!over) reads.push(await client.get('/api/users/me', { token: ada.token }));
	};
	const reading = read();
	const got = await atOnce(40, 40, () => signIn(ada.email));
	over = true;
	await reading;
	const tried = got.filter(({ status }) => status === 401);
	const shed = got.filter(({ status }) => status !== 401);
	assert.ok(tried.length >= 8, `${tried.length} were tried`);
	assert.ok(shed.length > 0, 'and some did not fit');
	for (const each of shed) isProblem(each, 503, 'unavailable');
	assert.ok(reads.every(({ status }) => status === 200));
	const longest = Math.max(...tried.map(({ ms }) => ms));
	const usual = median(reads.map(({ ms }) => ms));
	assert.ok(usual < longest / 4, `a read ${usual} ms, the last password ${longest} ms`);
});

// ---- hashes of before ----

// Of this password, worked out for a hundredth of what one costs here.
const PASSWORD = 'correct horse battery';
const CHEAP = '$argon2id$v=19$m=64,t=1,p=1$5Vaiu8mBp6H+7IxfJjGfIw$WOlV8BpdAv8+gVb4AylKLPiSjpjHzLdHixgnfYwsPEE';
const TODAY = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/;
const enter = (email, password = PASSWORD) => client.post('/api/sessions', { email, password });
const hashOf = async ({ id }) =>
	(await stack.sql(`select password_hash from cardkeep.users where id = '${id}'`, 'super'))[0];
const keep = ({ id }, hash) =>
	stack.sql(`update cardkeep.users set password_hash = '${hash}' where id = '${id}'`, 'super');

test('a hash of another cost is renewed by a sign-in, and no session ends', async () => {
	const old = await client.register({ password: PASSWORD });
	await keep(old, CHEAP);
	isProblem(await signIn(old.email), 401, 'unauthorized');
	assert.equal(await hashOf(old), CHEAP, 'a wrong password renews nothing');
	assert.equal((await enter(old.email)).status, 201);
	const renewed = await hashOf(old);
	assert.match(renewed, TODAY);
	assert.equal((await client.get('/api/users/me', { token: old.token })).status, 200);
	assert.equal((await enter(old.email)).status, 201);
	assert.equal(await hashOf(old), renewed, 'and once');
	isProblem(await signIn(old.email), 401, 'unauthorized');
});

test('where many sign in at once with hashes to be renewed, nobody is turned away for it', async () => {
	const old = await atOnce(8, 1, () => client.register({ password: PASSWORD }));
	for (const each of old) await keep(each, CHEAP);
	const got = await atOnce(8, 8, (i) => enter(old[i].email));
	assert.deepEqual(got.map(({ status, text }) => (status === 201 ? 201 : text)), Array(8).fill(201));
	const hashes = await Promise.all(old.map(hashOf));
	assert.ok(hashes.some((hash) => TODAY.test(hash)), 'whoever had time for it has a new one');
});

test('sign-ins that meet while it is renewed all succeed, and so does another password', async () => {
	const old = await client.register({ password: PASSWORD });
	await keep(old, CHEAP);
	const got = await atOnce(4, 4, () => enter(old.email));
	assert.deepEqual(got.map(({ status }) => status), [201, 201, 201, 201]);
	assert.match(await hashOf(old), TODAY);
	await keep(old, CHEAP);
	const [entered, changed] = await Promise.all([enter(old.email), client.request('PUT', '/api/users/me/password',
		{ body: { current_password: PASSWORD, new_password: 'another horse' }, token: old.token })]);
	assert.equal(changed.status, 204, changed.text);
	assert.ok([201, 401].includes(entered.status), entered.text);
	assert.equal((await enter(old.email, 'another horse')).status, 201);
	isProblem(await enter(old.email), 401, 'unauthorized');
});

test('a hash of what was typed is renewed as one of its normal form', async () => {
	const typed = 'p\u00e4ssw\u00f6rd-e\u0301'; // partly composed
	const old = await client.register({ password: PASSWORD });
	await keep(old, '$argon2id$v=19$m=19456,t=2,p=1$F6IEiotd2yRkyqXzwB3o2w$5v1fK95Vds96qKpHMP4vKoV3kWwmPncxvxGPrhf5bhw');
	isProblem(await enter(old.email, typed.normalize('NFC')), 401, 'unauthorized');
	assert.equal((await enter(old.email, typed)).status, 201);
	assert.equal((await enter(old.email, typed.normalize('NFC'))).status, 201);
	assert.equal((await enter(old.email, typed.normalize('NFD'))).status, 201);
});

test('an account whose hash is a cheaper one costs the time of an unknown address', async (t) => {
	const old = await client.register({ password: PASSWORD });
	await keep(old, CHEAP);
	const [cheap, unknown] = [[], []];
	for (let i = 0; i < 9; i++) {
		cheap.push((await signIn(old.email)).ms);
		unknown.push((await signIn(`nobody-else-${i}@example.org`)).ms);
	}
	const ratio = median(unknown) / median(cheap);
	assert.ok(ratio > 0.6 && ratio < 1.7, `${ratio}: ${unknown} to ${cheap}`);
	t.diagnostic(`measured: unknown over cheaper ${ratio.toFixed(2)}`);
});

endsCleanly(stack);
