// PostgreSQL goes away under load and comes back: no hang, nothing hidden, nothing lost.
import { load, compare, NOTHING_WRONG, tally } from './load.mjs';
import { answerSoon } from '../lib/soon.mjs';
import { assert, endsCleanly, own, pause, shell, test, until } from '../lib/harness.mjs';

const stack = await own();
const { token } = await stack.client.register();
const accepts = () => stack.sql('select 1', 'super').then(() => true, () => false);

function onlyDefinite(answers) {
	for (const { status, retryAfter, text, error } of answers) {
		assert.ok([201, 503, 504].includes(status), `${status} ${text ?? error}`);
		if (status === 503) assert.match(retryAfter ?? '', /^\d+$/);
	}
}

for (const mode of ['fast', 'immediate'])
	test(`stopped (${mode}) and started under load: 503 or 504 meanwhile, back within a second`, async () => {
		const clients = load(stack, token);
		await until('the load runs', () => clients.answers.length > 100, 20_000);
		await stack.stopDatabase(mode);
		const refused = () => clients.answers.filter(({ status }) => status === 503).length;
		const before = refused();
		// A request waits for a connection as long as it may.
		await until('requests are refused', () => refused() > before + 20, 30_000);
		const watch = until('PostgreSQL accepts', accepts, 30_000).then(() => performance.now());
		await stack.startDatabase();
		const accepted = await watch;
		const after = () => clients.answers.find(({ status, at }) => status === 201 && at > accepted - 200);
		await until('requests succeed again', after);
		const answers = await clients.stop();
		onlyDefinite(answers);
		const slowest = Math.max(...answers.map(({ ms }) => ms));
		assert.ok(slowest < 6500, `an answer took ${slowest} ms`);
		assert.ok(after().at - accepted < 1000, `first success after ${after().at - accepted} ms`);
		assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
		assert.ok(tally(answers)[201] > 100);
	});

test('while PostgreSQL is down, /livez is 200 and /readyz 503', async () => {
	await stack.stopDatabase();
	await until('it is noticed', async () => (await stack.client.get('/readyz')).status === 503);
	assert.equal((await stack.client.get('/livez')).status, 200);
	await stack.startDatabase();
	await stack.ready();
});

test('frozen: every request is answered in time as 503 or 504, operators at once, and later work goes on', async () => {
	let pids;
	const signal = (name) => pids.forEach((pid) => {
		try {
			process.kill(pid, name);
		} catch {
			// a backend that has ended meanwhile
		}
	});
	const clients = load(stack, token, 8);
	await until('the load runs', () => clients.answers.length > 50, 20_000);
	let frozen;
	try {
		pids = stack.databasePids();
		signal('SIGSTOP');
		frozen = clients.answers.length;
		const busy = async () => {
			const { workers } = (await stack.client.get('/status.json')).json;
			return workers.every(({ threads }) => threads.every(({ lane, state, connection }) =>
				lane === 'slow' || state === 'database' || connection !== 'open'));
		};
		await until('every wave thread waits for the database, or has given up on it', busy, 20_000);
		await answerSoon((page) => stack.client.get(page));
		await until('every client was answered', () => clients.answers.length > frozen + 16, 20_000);
	} finally {
		signal('SIGCONT');
	}
	await stack.ready();
	const answers = await clients.stop();
	onlyDefinite(answers);
	const slowest = Math.max(...answers.map(({ ms }) => ms));
	assert.ok(slowest < 6500, `an answer took ${slowest} ms`);
	assert.ok(answers.some(({ status }) => status !== 201));
	const again = await stack.client.card(token, { name: 'After the frost' });
	assert.equal(again.version, 1);
	// Waits for what the frozen backends still had in flight.
	await until('no call is under way', async () =>
		Number(await stack.sql("select count(*) from pg_stat_activity where usename = 'cardkeep_runtime' and state <> 'idle'", 'super')) === 0);
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
});

endsCleanly(stack);
