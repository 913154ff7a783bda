// How much one address may ask. As shipped this machine is not counted, so nginx/limits.conf is edited
// here as an operator would.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { watchAnswers } from '../lib/client.mjs';
import { mustBeDescribed } from '../lib/described.mjs';
import { assert, atOnce, endsCleanly, isProblem, isRestError, own, test, until } from '../lib/harness.mjs';
import { CardkeepClient } from '../../web/cardkeep.js';

const APP = 'https://app.example.org';
const stack = await own({ env: { CARDKEEP_CORS_ORIGINS: APP } });
watchAnswers(mustBeDescribed);
const ada = await stack.client.register();

// At another account each time: one that is tried too often is slowed by the service (tests/fault/flood).
let guesses = 0;
const guess = () => stack.client.post('/api/sessions', { email: `ada${guesses++}@example.org`, password: 'a wrong guess' });
const create = () => stack.client.post('/api/cards', { name: 'A card' }, { token: ada.token });
const look = (options) => stack.client.get('/api/users/me', { token: ada.token, ...options });
const count = async () => Number(await stack.sql('select count(*) from cardkeep.business_cards'));

// Starts nginx anew with its files as shipped, but for `edits` ([file, from, to]). Nobody is known then.
async function limit(...edits) {
	await stack.stopNginx();
	await stack.startNginx((conf) => {
		for (const [name, from, to] of [['limits', '127.0.0.0/8 0;', ''], ...edits]) {
			const file = path.join(conf, `${name}.conf`);
			const text = fs.readFileSync(file, 'utf8');
			assert.ok(text.includes(from), `${file} has ${from}`);
			fs.writeFileSync(file, text.replace(from, to));
		}
	});
}

// From another address of this machine.
function lookFrom(localAddress) {
	return new Promise((resolve, reject) => {
		const headers = { Authorization: `Bearer ${ada.token}` };
		const to = { host: '127.0.0.1', port: stack.port, path: '/api/users/me', localAddress, headers };
		http.get(to, (response) => resolve(response.resume().statusCode)).on('error', reject);
	});
}

function isLimited(got) {
	isProblem(got, 429, 'rate-limited');
	assert.equal(got.headers['retry-after'], '1');
}

test('as it is shipped, this machine is not counted', async () => {
	const got = await atOnce(80, 16, guess);
	assert.deepEqual([...new Set(got.map(({ status }) => status))], [401]);
});

test('who tries passwords is refused after 60, may look at other things, and goes on at one a second', async () => {
	await limit();
	const got = await atOnce(100, 16, guess);
	const tried = got.filter(({ status }) => status === 401).length;
	got.filter(({ status }) => status !== 401).forEach(isLimited);
	assert.ok(tried >= 60 && tried < 80, `${tried} tries`);
	isLimited(await stack.client.post('/api/users', { email: 'x@example.org', password: 'a good one' }));
	assert.equal((await look()).status, 200);
	await until('one more is let through', async () => (await guess()).status === 401, 5000);
});

test("PostgREST's clients are told so in their own words", async () => {
	await limit(['limits', 'rate=100r/s', 'rate=1r/m'], ['site', 'burst=1000', 'burst=5']);
	const read = () => stack.client.get('/rest/v1/business_cards', { token: ada.token });
	const got = await atOnce(20, 4, read);
	const refused = got.filter(({ status }) => status !== 200);
	assert.ok(refused.length > 0);
	for (const each of refused) assert.match(isRestError(each, 429, 'rate-limited').message, /nothing was applied/);
});

test('beyond its burst an address gets 429, nothing of that is applied, and no other address is hindered', async () => {
	await limit(['limits', 'rate=100r/s', 'rate=1r/m'], ['site', 'burst=1000', 'burst=5']);
	const before = await count();
	const got = await atOnce(20, 4, create);
	assert.equal(got.filter(({ status }) => status === 201).length, 6);
	got.filter(({ status }) => status !== 201).forEach(isLimited);
	assert.equal(await count(), before + 6);
	assert.equal(await lookFrom('127.0.0.2'), 200);
	for (const url of ['/cardkeep.js', '/api/nowhere']) isLimited(await stack.client.get(url));
});

// Until this address is refused, for a minute.
async function spend() {
	await limit(['limits', 'rate=100r/s', 'rate=1r/m'], ['site', 'burst=1000', 'burst=1']);
	await until('it is refused', async () => (await look()).status === 429, 5000);
}

test('a page of another origin can read that it was refused, and for how long', async () => {
	await spend();
	const got = await look({ headers: { Origin: APP } });
	isLimited(got);
	assert.equal(got.headers['access-control-allow-origin'], APP);
	assert.match(got.headers['access-control-expose-headers'], /Retry-After/);
});

test('what was refused is in the log of nginx under its id, and none of it is an error', async () => {
	await spend();
	const got = await look();
	isLimited(got);
	const line = `id=${got.headers['x-request-id']} status=429`;
	await until('the line is written', () => stack.nginxLog().includes(line));
	assert.doesNotMatch(stack.nginxLog(), /limiting requests/);
});

test('the client module waits and repeats, so that each write lands once', async () => {
	await limit(['limits', 'rate=100r/s', 'rate=1r/s'], ['site', 'burst=1000', 'burst=1']);
	const before = await count();
	const refused = [];
	const client = new CardkeepClient({
		baseUrl: `http://127.0.0.1:${stack.port}`,
		token: ada.token,
		retry: { onRetry: ({ error, delayMs }) => refused.push([error.status, delayMs >= 1000]) },
	});
	for (let i = 0; i < 4; i++) await client.cards.create({ name: 'Patient' });
	assert.equal(await count(), before + 4);
	assert.ok(refused.length > 0, 'it was refused at times');
	for (const [status, waited] of refused) assert.deepEqual([status, waited], [429, true]);
});

endsCleanly(stack);
