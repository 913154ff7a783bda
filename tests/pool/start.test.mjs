// How the pool starts, and what it does when it cannot. No PostgreSQL, no nginx.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

import { assert, test } from '../lib/harness.mjs';
import { reportIn } from '../lib/reports.mjs';
import { secretIn } from '../lib/secrets.mjs';
import { until } from '../lib/wait.mjs';
import { alive, start } from './pool.mjs';

const plain = process.env.CK_VARIANT === 'gcc' ? {} : { skip: 'sanitizers need the memory' };
const NO_MEMORY = /^.*msg="broken invariant" .* func=password_hash$/gm;
const starts = (pool) => pool.log().match(/started role=worker/g)?.length ?? 0;

// Hashing wants more memory than there is, so workers die before they are ready.
test('workers that die young are tried again, less and less often', plain, async () => {
	const pool = await start({
		keys: { hash_memory_kib: 1048576 },
		wrap: ['prlimit', '--as=700000000'],
		wait: false,
	});
	await until('it tried a few times', () => starts(pool) >= 8);
	const times = [...pool.log().matchAll(/^ts=(\S+) .*started role=worker slot=0/gm)].map((m) =>
		Date.parse(m[1]),
	);
	const pauses = times.slice(1).map((time, i) => time - times[i]);
	assert.ok(pauses[0] >= 90 && pauses.at(-1) > 2 * pauses[0], `${pauses} ms`);
	assert.match(pool.log(), /level=error .*ended role=worker .*signal=6 reason=crash/);

	const readyz = await pool.look('/readyz');
	assert.equal(readyz.status, 503);
	assert.equal(readyz.json.detail, 'workers: no worker is ready');

	pool.configure({ hash_memory_kib: 64 });
	pool.signal('SIGHUP');
	const began = performance.now();
	await until('two workers serve', () => pool.workers().length === 2);
	assert.ok(performance.now() - began < 1000, 'the cure does not wait for the pause');
	pool.signal('SIGTERM');
	assert.equal(await pool.ended(), 0);
	// That there is no memory is told as a broken invariant is, and nothing else went wrong.
	const log = pool.log();
	assert.notEqual(log.match(NO_MEMORY), null);
	assert.equal(reportIn(log.replaceAll(NO_MEMORY, '')), '');
	assert.equal(secretIn(log), '');
});

test('it says what is wrong with its configuration and exits with 78', async () => {
	const pool = await start({ wait: false, keys: { threads: 1000 } });
	assert.equal(await pool.ended(), 78);
	assert.match(pool.log(), /cardkeep\.conf:\d+: threads: 1000 is out of bounds/);
});

test('it exits with 73 where its socket cannot be made', async () => {
	const pool = await start({ wait: false, keys: { status_listen: '/nowhere/status.sock' } });
	assert.equal(await pool.ended(), 73);
	assert.match(pool.log(), /\/nowhere\/status\.sock: No such file or directory/);
	assert.equal(fs.existsSync(pool.app), false, 'the socket that could be made is gone');
});

test('a second service on the same socket is refused, and the first goes on', async () => {
	const pool = await start();
	const again = spawnSync(pool.program, ['-f', '-c', pool.path('cardkeep.conf')], {
		...pool.user,
		encoding: 'utf8',
	});
	assert.equal(again.status, 73);
	assert.match(again.stderr, /a running service listens there/);
	assert.equal((await pool.request()).status, 401);
	assert.equal(await pool.stop(), '');
});

// What leads to whose file, of the processes that `pid` and its children are.
function descriptors(pool) {
	return [pool.pid, ...pool.children().map(({ pid }) => pid)].flatMap((pid) =>
		fs.readdirSync(`/proc/${pid}/fd`).map((fd) => `${pid} ${fd} ${fs.readlinkSync(`/proc/${pid}/fd/${fd}`)}`));
}

test('none of its processes keeps a descriptor of whoever started it', async () => {
	const file = fileURLToPath(import.meta.url); // which none of them opens by itself, as libpq does /etc/passwd
	const pool = await start({
		wrap: ['bash', '-c', 'exec 10<"$0" 77<"$0" 251<"$0"; exec "$@"', file],
	});
	assert.ok(pool.children().length === 3);
	assert.deepEqual(descriptors(pool).filter((line) => line.endsWith(file)), []);
	assert.equal(await pool.stop(), '');
});

test('started without standard descriptors, it opens nothing in their place', async () => {
	const pool = await start({
		keys: { log_file: 'daemon.log' },
		wrap: ['bash', '-c', 'exec 0<&- 1>&- 2>&-; exec "$@"', 'bash'],
		wait: false,
	});
	await until('it is ready', () => /ready workers=2/.test(
		fs.existsSync(pool.path('daemon.log')) ? fs.readFileSync(pool.path('daemon.log'), 'utf8') : ''), 20_000);
	const standard = descriptors(pool).filter((line) => / [012] /.test(line)).map((line) => line.split(' ')[2]);
	assert.deepEqual([...new Set(standard)].sort(), ['/dev/null', pool.path('daemon.log')]);
	assert.equal((await pool.request()).status, 401);
	assert.equal(await pool.stop(), '');
});

test('its log and its segment are not for everybody, whatever the umask of whoever started it', async () => {
	for (const umask of ['000', '077']) {
		const pool = await start({
			keys: { log_file: 'daemon.log' },
			wrap: ['sh', '-c', `umask ${umask}; exec "$@"`, 'sh'],
			wait: false,
		});
		await until('it serves', () => pool.request().then(({ status }) => status === 401, () => false), 20_000);
		const mode = (name) => (fs.statSync(pool.path(name)).mode & 0o777).toString(8);
		assert.deepEqual(['daemon.log', 'segment', 'app.sock', 'status.sock'].map(mode), ['640', '640', '660', '660']);
		assert.equal(await pool.stop(), '');
	}
});

test('without -f whoever waits for the end of its output waits no longer', async () => {
	const again = await start({ keys: { log_file: 'daemon.log' }, wait: false, wrap: ['true'] });
	await again.ended();
	// Resolves when nobody has the other end of the pipe any more.
	const said = spawnSync(again.program, ['-c', again.path('cardkeep.conf')], {
		...again.user, cwd: again.dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000,
	});
	assert.equal(said.error, undefined);
	assert.equal(said.status, 0);
	const { pid } = await until('it serves', () =>
		again.look('/status.json').then(({ json }) => json.supervisor, () => false), 20_000);
	process.kill(pid, 'SIGTERM');
	await until('it is gone', () => !alive(pid));
});

// As ssh, cron and $(...) do: until nobody has either end any more.
function startedInBackground(pool, keys) {
	pool.configure(keys);
	const said = spawnSync(pool.program, ['-c', pool.path('cardkeep.conf')], {
		...pool.user, cwd: pool.dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000,
	});
	assert.equal(said.error, undefined);
	return said;
}

test('without -f and a log_file it says that there is no log, and lets go of standard error too', async () => {
	const pool = await start({ wait: false, wrap: ['true'] });
	await pool.ended();
	const said = startedInBackground(pool, {});
	assert.equal(said.status, 0);
	assert.match(said.stderr, /^cardkeepd: log_file is not set, so there is no log from here on: .*-f$/m);
	const { pid } = await until('it serves', () =>
		pool.look('/status.json').then(({ json }) => json.supervisor, () => false), 20_000);
	const again = startedInBackground(pool, {});
	assert.equal(again.status, 73, 'a start that fails says so');
	assert.match(again.stderr, /^cardkeepd: .*: a running service listens there$/m);
	process.kill(pid, 'SIGTERM');
	await until('it is gone', () => !alive(pid));
});

test('a file that standard error leads to is the log without -f as well', async () => {
	const pool = await start({ wait: false, wrap: ['sh', '-c', 'exec "$0" -c "$3"'] }); // its arguments are -f -c FILE
	assert.equal(await pool.ended(), 0);
	await until('it is ready', () => / ready workers=2/.test(pool.log()));
	const { pid } = (await pool.look('/status.json')).json.supervisor;
	process.kill(pid, 'SIGTERM');
	await until('it is gone', () => !alive(pid));
	assert.match(pool.log(), / stopped\n$/);
});

test('what keeps it from starting is said where it was started, also where the log is a file', async () => {
	const pool = await start({ wait: false, wrap: ['true'] });
	await pool.ended();
	const said = startedInBackground(pool, { log_file: 'daemon.log', security_log: '/nowhere/security.log' });
	assert.equal(said.status, 73);
	assert.match(said.stderr, /^cardkeepd: .*\/nowhere\/security\.log: No such file or directory$/m);
});

test('without -f it detaches, and its parent returns', async () => {
	const pool = await start({
		keys: { log_file: 'daemon.log' },
		wait: false,
		wrap: ['sh', '-c', 'exec "$0" -c "$3"'], // its arguments are -f -c FILE
	});
	assert.equal(await pool.ended(), 0);
	const log = () => fs.readFileSync(pool.path('daemon.log'), 'utf8');
	await until('it is ready', () => / ready workers=2/.test(log()));
	const { pid } = (await pool.look('/status.json')).json.supervisor;
	assert.equal((await pool.request()).status, 401);
	process.kill(pid, 'SIGTERM');
	await until('it is gone', () => !alive(pid));
	assert.match(log(), / stopped\n$/);
});
