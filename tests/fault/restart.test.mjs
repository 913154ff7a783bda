// PostgreSQL is restarted under load: whoever waits for it meanwhile is served, and nobody is refused.
import { load, compare, NOTHING_WRONG, tally } from './load.mjs';
import { assert, endsCleanly, own, pause, test, until } from '../lib/harness.mjs';

// On a busy machine a server needs longer than two seconds to come back, and every request may wait that
// long: what is shown is that its deadline is the only bound.
const stack = await own({ env: { CARDKEEP_REQUEST_DEADLINE_MS: '20000' } });
const { token } = await stack.client.register();

// The attempts of operations beyond the first, since the service started.
async function repeats() {
	const text = (await stack.client.get('/metrics')).text;
	const of = (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]);
	return of('cardkeep_operation_attempts_total') - of('cardkeep_operations_total');
}

test('restarted under load, away for two seconds: nobody is refused, and waiting is no attempt', async (t) => {
	const width = 16;
	const clients = load(stack, token, width);
	await until('the load runs', () => clients.answers.length > 100, 20_000);
	const before = await repeats();
	const began = performance.now();
	await stack.stopDatabase('fast');
	await pause(Math.max(0, 1700 - (performance.now() - began)));
	await stack.startDatabase();
	const away = performance.now() - began;
	const served = clients.answers.length;
	await until('the load goes on', () => clients.answers.length > served + 100, 20_000);
	const answers = await clients.stop();
	assert.deepEqual(Object.keys(tally(answers)), ['201'], JSON.stringify(tally(answers)));
	assert.deepEqual(await compare(stack, answers), NOTHING_WRONG);
	// Only what was under way when the connections went was tried again.
	const more = (await repeats()) - before;
	assert.ok(more <= 2 * width, `${more} further attempts`);
	const slowest = Math.max(...answers.map(({ ms }) => ms));
	t.diagnostic(`measured: away for ${away.toFixed(0)} ms, ${answers.length} requests, the slowest took ${slowest.toFixed(0)} ms`);
});

endsCleanly(stack);
