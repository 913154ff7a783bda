// The pool behind nginx, as users run it: replaced under load, nobody notices.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';

import { Client, assert, after, test } from '../lib/harness.mjs';
import { shell, webUser } from '../lib/shell.mjs';
import { freePort } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';
import { Pool, alive } from './pool.mjs';

const pool = await Pool.start();
const port = await freePort();
const client = new Client(port, { width: 32 });
let nginx;

after(async () => {
	client.close();
	nginx?.kill('SIGTERM');
	if (nginx && nginx.exitCode === null) await once(nginx, 'exit');
	pool.destroy();
});

async function startNginx() {
	for (const name of ['conf', 'log']) fs.mkdirSync(pool.path(name), { mode: 0o755 });
	await shell('nginx_render "$1" "$2" "$3" 5000', pool.dir, port, pool.app);
	nginx = spawn('nginx', ['-c', pool.path('conf/nginx.conf')], {
		...(await webUser()),
		env: { PATH: `${process.env.PATH}:/usr/sbin` },
		stdio: 'ignore',
	});
	await until('nginx answers', () =>
		client.get('/api/users/me').then(({ status }) => status === 401, () => false),
	);
}

// Requests without a pause on `width` connections until `state.over`; what was not a 401 is kept.
function load(state, width) {
	const lane = async () => {
		while (!state.over) {
			const { status, text } = await client.get('/api/users/me');
			if (status !== 401) state.failed.push(`${status} ${text}`);
			state.count++;
		}
	};
	return Promise.all(Array.from({ length: width }, lane));
}

test('ten reloads under load fail no request, and drain within a second', async () => {
	await startNginx();
	const state = { over: false, count: 0, failed: [] };
	const lanes = load(state, 32);
	const drains = [];
	for (let i = 0; i < 10; i++) {
		const before = pool.workers();
		const count = state.count;
		pool.signal('SIGHUP');
		await until('new workers serve', () => {
			const now = pool.workers();
			return now.length === 2 && !now.some((pid) => before.includes(pid));
		});
		const began = performance.now();
		await until('the old ones are gone', () => !before.some(alive));
		drains.push(Math.round(performance.now() - began));
		await until('the load goes on', () => state.count > count + 100);
	}
	state.over = true;
	await lanes;
	assert.deepEqual(state.failed, []);
	assert.ok(state.count > 1000, `${state.count} requests`);
	const limit = process.env.CK_VARIANT === 'gcc' ? 2000 : 8000;
	assert.ok(Math.max(...drains) < limit, `${drains} ms`);
	assert.deepEqual(pool.lines(/signal=9/), []);
	const errors = fs.readFileSync(pool.path('log/nginx-error.log'), 'utf8');
	assert.equal(errors, '', 'nginx finds nothing to complain of');
});

test('a killed worker costs its own requests only, with 503 or 504', async () => {
	const state = { over: false, count: 0, failed: [] };
	const lanes = load(state, 32);
	for (let i = 0; i < 5; i++) {
		const [victim] = pool.workers();
		process.kill(victim, 'SIGKILL');
		await until('it is replaced', () => !alive(victim) && pool.workers().length === 2);
		const count = state.count;
		await until('the load goes on', () => state.count > count + 100);
	}
	state.over = true;
	await lanes;
	assert.deepEqual(state.failed.filter((text) => !/^50[34] /.test(text)), []);
	assert.ok(state.failed.length <= 5 * 32, `${state.failed.length} failed`);
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
