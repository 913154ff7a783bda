// What a password's hash costs, and whom: the same whether its account is there or not, and nobody who
// has no password to hash. Here a hash costs what it does for users.
import { assert, atOnce, endsCleanly, isProblem, own, test } from '../lib/harness.mjs';

const stack = await own({
	env: {
		CARDKEEP_HASH_MEMORY_KIB: '19456', CARDKEEP_HASH_PASSES: '2', CARDKEEP_HASH_THREADS: '1',
		CARDKEEP_HASH_QUEUE: '8', CARDKEEP_WORKERS: '1', CARDKEEP_THREADS: '1',
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

endsCleanly(stack);
