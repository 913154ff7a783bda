// Requests that come too late or are too many are refused early, and say when to come again.
import { assert, after, test } from '../lib/harness.mjs';
import { Pool } from './pool.mjs';

// Without a database a request with a token stays in flight until its attempts are spent.
const pool = await Pool.start({ keys: { workers: 1, in_flight_max: 4, retry_base_ms: 2000 } });
const TOKEN = `Bearer ck_${'A'.repeat(43)}`;
after(() => pool.destroy());

async function shed() {
	const { text } = await pool.look('/metrics');
	return Number(/^cardkeep_requests_shed_total\{reason="overload"\} (\d+)$/m.exec(text)[1]);
}

async function ask(age_ms, headers = {}) {
	const connection = await pool.connect();
	try {
		const params = { CARDKEEP_MSEC: ((Date.now() - age_ms) / 1000).toFixed(3) };
		return await connection.ask('GET', '/api/users/me', { headers, params });
	} finally {
		connection.close();
	}
}

test('a request that waited too long for a thread is shed at once', async () => {
	const before = await shed();
	assert.equal((await ask(1000)).status, 401);
	const late = await ask(3500);
	assert.equal(late.status, 503);
	assert.ok(Number(late.headers['retry-after']) >= 1);
	assert.match(late.json.detail, /nothing was applied/);
	assert.equal(await shed(), before + 1);
});

test('what a thread has no room for is shed at once, and the rest is not', async () => {
	const before = await shed();
	const all = Array.from({ length: 12 }, () => ask(0, { authorization: TOKEN }));
	const answers = await Promise.all(all);
	assert.ok(answers.every(({ status }) => status === 503));
	assert.ok(answers.every(({ headers }) => Number(headers['retry-after']) >= 1));
	assert.equal(await shed(), before + 8);
	assert.equal((await ask(0)).status, 401);
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
