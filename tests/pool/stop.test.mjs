// How the pool ends: draining, its limit, and impatience. No PostgreSQL, no nginx.
import { assert, test } from '../lib/harness.mjs';
import { pause, stop, until } from '../lib/wait.mjs';
import { alive, start } from './pool.mjs';

// Without PostgreSQL a request with a token is tried until its deadline.
const token = `ck_${'A'.repeat(43)}`;
const slow = (connection) =>
	connection.ask('GET', '/api/users/me', { headers: { Authorization: `Bearer ${token}` } });

test('a kept connection is asked to close, and served until it does', async () => {
	const pool = await start();
	const connection = await pool.connect();
	assert.equal((await connection.ask('GET', '/api/users/me')).status, 401);
	assert.equal(connection.askedToClose, false);
	pool.signal('SIGTERM');
	await until('it is asked to close', () => connection.askedToClose);
	for (let i = 0; i < 10; i++) {
		assert.equal((await connection.ask('GET', '/api/users/me')).status, 401);
		await pause(20);
	}
	assert.equal(connection.closed, false);
	assert.equal(pool.title(), `cardkeepd: supervisor (${pool.path('cardkeep.conf')}) stopping`);
	connection.close();
	assert.equal(await pool.ended(), 0, pool.log());
	assert.equal(pool.reports(), '', pool.log());
});

test('a draining worker accepts nothing new, and the status pages answer to the end', async () => {
	const pool = await start();
	const connection = await pool.connect();
	await connection.ask('GET', '/api/users/me');
	pool.signal('SIGTERM');
	await until('both drain', () => !pool.children().some(({ title }) => /serving/.test(title)));
	assert.equal((await pool.look('/livez')).status, 200);
	const readyz = await pool.look('/readyz');
	assert.equal(readyz.status, 503);
	assert.equal(readyz.json.detail, 'workers: no worker is ready');
	connection.close();
	assert.equal(await pool.ended(), 0, pool.log());
	const log = pool.log();
	assert.ok(log.lastIndexOf('ended role=worker') < log.indexOf('ending role=status'), log);
});

test('a request in flight when the end comes is answered', async () => {
	const pool = await start({ keys: { request_deadline_ms: 1500 } });
	const connection = await pool.connect();
	const answer = slow(connection);
	await pause(200);
	pool.signal('SIGTERM');
	assert.equal((await answer).status, 503);
	connection.close();
	assert.equal(await pool.ended(), 0, pool.log());
});

test('whoever does not close is cut off at the drain limit', async () => {
	const pool = await start({ keys: { drain_ms: 700 } });
	const connection = await pool.connect();
	await connection.ask('GET', '/api/users/me');
	const began = performance.now();
	pool.signal('SIGTERM');
	await until('the connection is closed', () => connection.closed);
	const ms = performance.now() - began;
	assert.ok(ms > 650 && ms < 3000, `${ms} ms`);
	assert.equal(await pool.ended(), 0, pool.log());
	assert.deepEqual(pool.lines(/signal=9/), []);
});

test('a worker that does not react is killed after the drain limit', async () => {
	const pool = await start({ keys: { drain_ms: 500 } });
	await stop(pool.workers()[0]);
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(), 0, pool.log());
	assert.match(pool.log(), /ending role=worker .*signal=9 reason="it did not end in time"/);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
	test(`a second ${signal} ends everything at once`, async () => {
		const pool = await start();
		const connection = await pool.connect();
		await connection.ask('GET', '/api/users/me');
		const pids = pool.children().map(({ pid }) => pid);
		pool.signal(signal);
		await until('it stops', () => / stopping signal=/.test(pool.log()));
		assert.equal(pool.running, true);
		const began = performance.now();
		pool.signal(signal);
		assert.equal(await pool.ended(), 0, pool.log());
		assert.ok(performance.now() - began < 1000);
		assert.deepEqual(pids.filter(alive), []);
		connection.close();
	});
}

test('a signal to the whole group is one stop, as from a terminal', async () => {
	const pool = await start({ wrap: ['setsid'] });
	const connection = await pool.connect();
	await connection.ask('GET', '/api/users/me');
	process.kill(-pool.pid, 'SIGINT');
	await until('it is asked to close', () => connection.askedToClose);
	assert.equal((await connection.ask('GET', '/api/users/me')).status, 401);
	connection.close();
	assert.equal(await pool.ended(), 0, pool.log());
	assert.match(pool.log(), /role=status .*signal=15 reason="the service stops"/);
});
