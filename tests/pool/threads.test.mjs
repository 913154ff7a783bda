// What a thread does is shown truly, for whoever looks for the one that hangs. No PostgreSQL, no nginx.
import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Pool } from './pool.mjs';

const pool = await Pool.start({ keys: { workers: 1, io_timeout_ms: 4000 } });
after(() => pool.destroy());

const threads = async () => (await pool.look('/status.json')).json.workers.flatMap((worker) => worker.threads);
const metric = async (name) =>
	Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await pool.look('/metrics')).text)[1]);

test('a thread that waits for the rest of a request is reading, for as long as it does', async () => {
	assert.deepEqual([...new Set((await threads()).map(({ state }) => state))], ['idle']);
	assert.equal(await metric('cardkeep_threads_busy'), 0);
	const slow = await pool.connect();
	slow.socket.write(Buffer.from([1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 1, 0, 0])); // the rest does not come
	const [reading] = await until('a thread is reading', async () => {
		const found = (await threads()).filter(({ state }) => state === 'reading');
		return found.length > 0 && found[0].for_seconds > 0.3 && found;
	});
	assert.equal(reading.route, null);
	assert.equal(reading.request, null);
	assert.equal(await metric('cardkeep_threads_busy'), 1);
	slow.close();
	await until('it is idle again', async () => (await threads()).every(({ state }) => state === 'idle'));
});

test('an idle thread is idle since its last request', async () => {
	await until('they are idle', async () => (await threads()).every(({ state }) => state === 'idle'));
	await until('for a second', async () =>
		(await threads()).every(({ for_seconds: seconds }) => seconds > 1));
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
