// Whatever dies between a write and its answer: the client that repeats under its key is told the one
// truth, and nothing is there twice, or missing, or refused as a conflict with itself.
//
// CARDKEEP_CUTS says how many connections are cut, of each kind (60 unless it does; 2,000 for a
// release).
import { repeating } from './repeating.mjs';
import { assert, endsCleanly, own, test, until } from '../lib/harness.mjs';

const CUTS = Number(process.env.CARDKEEP_CUTS ?? 60);
const stack = await own({ proxied: true, env: { CARDKEEP_RETRY_BASE_MS: '10' } });
const LONG = 60_000 + CUTS * 1000;

async function finish(t, clients) {
	t.diagnostic(`measured: ${JSON.stringify(await clients.stop())}`);
}

const runs = (clients) => until('the clients write', () => clients.told() > 50, 30_000);

async function goesOn(clients, ms = 30_000) {
	const before = clients.told();
	await until('the clients go on', () => clients.told() > before + 50, ms);
}

test(`${CUTS} cuts between service and PostgreSQL, after the commit and before it`, async (t) => {
	const clients = await repeating(stack);
	await runs(clients);
	for (let i = 0; i < CUTS; i++) {
		const before = await stack.proxy({ cut: i % 3 === 0 ? 'request' : 'answer', count: 1 });
		await until('a connection is cut', async () => (await stack.proxy()) > before, 30_000);
	}
	await goesOn(clients);
	await finish(t, clients);
});

test(`${CUTS} answers lost on their way to impatient clients`, async (t) => {
	const clients = await repeating(stack, { impatience: 25 });
	await until('as many answers are lost', () => clients.unknown() >= CUTS, LONG);
	await finish(t, clients);
});

test('workers killed with writes in flight, some of which are not known to their clients then', async (t) => {
	const clients = await repeating(stack);
	await runs(clients);
	for (let i = 0; i < 6 || clients.unknown() === 0; i++) {
		assert.ok(i < 60, 'a kill meets a write');
		const { workers } = (await stack.client.get('/status.json')).json;
		const ready = workers.filter(({ state }) => state === 'ready');
		process.kill(ready[i % ready.length].pid, 'SIGKILL');
		await goesOn(clients);
	}
	await finish(t, clients);
});

test('PostgreSQL restarted between commit and answer', async (t) => {
	const clients = await repeating(stack);
	await runs(clients);
	for (const mode of ['immediate', 'fast']) {
		const before = await stack.proxy({ cut: 'answer', count: 1_000_000 });
		await until('answers are kept from the service', async () => (await stack.proxy()) > before);
		await stack.stopDatabase(mode);
		await stack.proxy({ cut: '', count: 0 });
		await stack.startDatabase();
		await goesOn(clients);
	}
	await finish(t, clients);
});

test('nginx killed under load', async (t) => {
	const clients = await repeating(stack);
	await runs(clients);
	for (let i = 0; i < 2; i++) {
		await stack.stopNginx('SIGKILL');
		await stack.startNginx();
		await goesOn(clients);
	}
	await finish(t, clients);
});

const busyWaits = async () =>
	Number(/^cardkeep_busy_waits_total (\d+)$/m.exec((await stack.client.get('/metrics')).text)[1]);

// What a request is told that waits for its key while the database goes: {status, text, sent}, sent where a
// try was on its way just then, of which nobody knows what came of it.
async function loseDatabase(name) {
	const { client } = stack;
	const { id: user, token } = await client.register();
	const options = { token, headers: { 'Idempotency-Key': 'held' } };
	const made = await client.post('/api/cards', { name: 'Its hash' }, options);
	const [key] = await stack.sql(`delete from cardkeep.writes where write_id = '${made.json.id}' returning key`, 'super');
	const holder = stack.session('super');
	await holder.run(`begin; select cardkeep_api.try_key('${user}', '${key}')`);
	const before = await busyWaits();
	const mark = stack.logMark();
	const answer = client.post('/api/cards', { name }, options);
	await until('it waits', async () => (await busyWaits()) > before);
	await stack.stopDatabase('immediate');
	const { status, text, headers } = await answer.finally(() => stack.startDatabase());
	const lines = stack.logSince(mark).split('\n').filter((line) => line.includes(headers['x-request-id']));
	await stack.ready();
	return { status, text, sent: lines.some((line) => line.includes('outcome=unknown')) };
}

test('a request that waited for its key, and then lost the database, is 503: nothing else still runs', async () => {
	for (let round = 0; round < 10; round++) {
		const { status, text, sent } = await loseDatabase(`Held ${round}`);
		assert.equal(status, sent ? 504 : 503, text);
		if (!sent) return;
	}
	assert.fail('a try was on its way every time');
});

endsCleanly(stack);
