// Connections of nginx, spread evenly over the workers: also when one of them is stopped.
import { assert, after, test } from '../lib/harness.mjs';
import { stop, until } from '../lib/wait.mjs';
import { Pool } from './pool.mjs';

const pool = await Pool.start();
const open = [];

after(() => {
	for (const connection of open) connection.close();
	pool.destroy();
});

async function connect(count) {
	for (let i = 0; i < count; i++) {
		const connection = await pool.connect();
		open.push(connection);
		assert.equal((await connection.ask('GET', '/api/users/me')).status, 401);
	}
}

async function held() {
	const { workers } = (await pool.look('/status.json')).json;
	return workers.map(({ connections }) => connections);
}

test('each worker holds its half of the connections, one by one and at once', async () => {
	await connect(20);
	assert.ok((await held()).every((n) => n >= 8 && n <= 12), `${await held()}`);
	await Promise.all(Array.from({ length: 20 }, () => connect(1)));
	// What is connected at the same moment falls to whoever has a turn.
	assert.ok((await held()).every((n) => n >= 12 && n <= 28), `${await held()}`);
});

// They wait for each other only as long as it takes to accept them, however busy or sated who does.
test('a rush of connections is taken at once, and evenly', async () => {
	const began = performance.now();
	await Promise.all(Array.from({ length: 600 }, () => connect(1)));
	const took = performance.now() - began;
	assert.ok(took < 2000, `${took} ms`);
	assert.ok((await held()).every((n) => n >= 200 && n <= 440), `${await held()}`);
});

test('what a stopped worker does not take, the others do', async () => {
	const [stopped] = pool.workers();
	await stop(stopped);
	try {
		await connect(10);
	} finally {
		process.kill(stopped, 'SIGCONT');
	}
});

test('connections that end are no longer counted', async () => {
	while (open.length > 0) open.pop().close();
	await until('none is left', async () => (await held()).every((n) => n === 0));
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
