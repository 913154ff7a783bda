// cardkeepd and nginx end, as asked and otherwise: clients are told what is known.
import { load, compare, NOTHING_WRONG } from './load.mjs';
import { assert, endsCleanly, isProblem, own, raw, test, until } from '../lib/harness.mjs';

const stack = await own();
const { id: user, token } = await stack.client.register();

// A request that stays in the service for a while: its user's row is locked.
async function held() {
	const lock = stack.session('super');
	await lock.run(`begin; select id from cardkeep.users where id = '${user}' for update`);
	const mark = stack.logMark();
	const answer = stack.client.post('/api/cards', { name: 'Held' }, { token });
	await until('the request waits in the service', () => /code=55P03/.test(stack.logSince(mark)));
	return { lock, answer };
}

test('killed in mid request, the client is told 504: nobody knows', async () => {
	const { lock, answer } = await held();
	assert.equal(await stack.stopDaemon('SIGKILL'), 'SIGKILL');
	isProblem(await answer, 504, 'outcome-unknown');
	await lock.run('rollback');
	await lock.close();
});

test('while it is not running, the client is told 503: nothing was applied', async () => {
	for (const method of ['GET', 'POST', 'DELETE', 'TRACE', 'PUT']) {
		const got = await stack.client.request(method, '/api/cards', { token });
		isProblem(got, 503, 'unavailable');
	}
});

test('started over the socket of the killed one, it serves', async () => {
	await stack.startDaemon();
	await stack.ready();
	await stack.client.card(token);
});

test('asked to stop, it answers what it has begun and ends with status 0', async () => {
	const { lock, answer } = await held();
	const stopped = stack.stopDaemon('SIGTERM');
	await lock.run('rollback');
	await lock.close();
	assert.equal((await answer).status, 201);
	await stack.stopNginx();
	assert.equal(await stopped, 0);
	await stack.startDaemon();
	await stack.startNginx();
	await stack.ready();
});

test('killed under load again and again: every acknowledged write is there once', async () => {
	const clients = load(stack, token);
	for (let i = 0; i < 5; i++) {
		const good = () => clients.answers.filter(({ status }) => status === 201).length;
		const before = good();
		await until('the load goes on', () => good() > before + 30, 20_000);
		await stack.stopDaemon('SIGKILL');
		await stack.startDaemon();
	}
	const answers = await clients.stop();
	for (const { status, text } of answers) assert.ok([201, 503, 504].includes(status), `${status} ${text}`);
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
});

test('nginx reloaded under load loses no request', async () => {
	let going = true;
	const statuses = new Set();
	const lanes = Array.from({ length: 4 }, async () => {
		while (going) {
			const text = await raw(
				stack.port,
				`GET /api/users/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
			);
			statuses.add(text.split(' ')[1]);
		}
	});
	for (let i = 0; i < 3; i++) {
		const before = workers();
		stack.nginx.kill('SIGHUP');
		await until('nginx has new workers', () => workers().some((pid) => !before.includes(pid)));
	}
	going = false;
	await Promise.all(lanes);
	assert.deepEqual([...statuses], ['200']);

	function workers() {
		return stack.children(stack.nginx.pid);
	}
});

test('nginx stopped and started again, the service goes on', async () => {
	await stack.stopNginx();
	await stack.startNginx();
	await stack.client.card(token);
});

test('a second daemon does not take the socket of one that lives', async () => {
	const { status } = await stack.secondDaemon();
	assert.notEqual(status, 0);
	await stack.client.card(token);
});

endsCleanly(stack);
