// Signals in the first moments of the daemon: none ends it by mistake, and none is lost.
import fs from 'node:fs';

import { assert, test } from '../lib/harness.mjs';
import { pause, until } from '../lib/wait.mjs';
import { alive, start } from './pool.mjs';

const begin = (options) => start({ wait: false, ...options });

// Until the program itself runs, and not the linker that loads it: SIGHUP, the first bit, is blocked.
function begun(pool) {
	for (;;) {
		const status = fs.readFileSync(`/proc/${pool.pid}/status`, 'utf8');
		if (/^SigBlk:\t[0-9a-f]*[13579bdf]$/m.test(status)) return;
	}
}

// Again and again for 60 ms.
function shower(pool, signal) {
	const began = performance.now();
	while (performance.now() - began < 60) pool.signal(signal);
}

const heard = {
	SIGHUP: / reloaded generation=/,
	SIGUSR1: / ready workers=/,
	SIGUSR2: / log level set level=/,
};

for (const [signal, pattern] of Object.entries(heard)) {
	test(`a shower of ${signal} in the first 60 ms is taken, and it serves`, async () => {
		const pool = await begin();
		begun(pool);
		shower(pool, signal);
		await pool.ready();
		await until('the signal is taken', () => pattern.test(pool.log()));
		await until('it serves', () => pool.request().then(({ status }) => status === 401, () => false));
		assert.equal(await pool.stop(), '');
	});
}

test('SIGTERM at any moment ends it, and leaves no socket', async () => {
	const endings = new Set();
	for (const ms of [0, 1, 2, 4, 7, 10, 15, 20, 30, 40, 50, 60]) {
		const pool = await begin();
		begun(pool);
		await pause(ms);
		pool.signal('SIGTERM');
		endings.add(await pool.ended(5000));
		assert.ok(!fs.existsSync(pool.app) && !fs.existsSync(pool.status), `after ${ms} ms`);
		pool.destroy();
	}
	endings.delete('SIGTERM');
	assert.deepEqual([...endings], [0]);
});

test('a signal to whoever detaches goes to the daemon that stays', async () => {
	for (const ms of [0, 5, 20]) {
		const pool = await begin({
			keys: { log_file: 'daemon.log' },
			wrap: ['sh', '-c', 'exec "$0" -c "$3"'], // its arguments are -f -c FILE
		});
		await until('it is the program', () => fs.readFileSync(`/proc/${pool.pid}/comm`, 'utf8') === 'cardkeepd\n');
		begun(pool);
		await pause(ms);
		try {
			pool.signal('SIGTERM');
		} catch {
			// It has detached.
		}
		await pool.ended(5000);
		const { json } = await pool.look('/status.json').catch(() => ({}));
		if (json !== undefined && json.supervisor.pid > 0) {
			// The signal came when nobody was there any more to pass it on.
			process.kill(json.supervisor.pid, 'SIGTERM');
			await until('it is gone', () => !alive(json.supervisor.pid));
		}
		await until('no socket is left', () => !fs.existsSync(pool.app));
		pool.destroy();
	}
});

// Its configuration is a pipe: until it has read that, it has not detached.
test('a signal that waits while it detaches is taken by the daemon that stays', async () => {
	const pool = await begin({
		keys: { log_file: 'daemon.log' },
		wrap: ['sh', '-c', 'mkfifo slow.conf && exec "$0" -c slow.conf'],
	});
	await until('it is the program', () => fs.readFileSync(`/proc/${pool.pid}/comm`, 'utf8') === 'cardkeepd\n');
	begun(pool);
	pool.signal('SIGUSR2');
	await fs.promises.writeFile(pool.path('slow.conf'), fs.readFileSync(pool.path('cardkeep.conf')), { flag: fs.constants.O_WRONLY });
	assert.equal(await pool.ended(5000), 0);
	const { json } = await pool.look('/status.json');
	await until('it is taken', () => / log level set level=debug/.test(fs.readFileSync(pool.path('daemon.log'), 'utf8')))
		.finally(() => process.kill(json.supervisor.pid, 'SIGTERM'));
	await until('it is gone', () => !alive(json.supervisor.pid) && !fs.existsSync(pool.app));
});

test('what its starter ignores or blocks does not count', async () => {
	const pool = await begin({
		wrap: ['perl', '-MPOSIX', '-e',
			'$SIG{CHLD} = $SIG{HUP} = "IGNORE";'
			+ 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGTERM, SIGUSR1, SIGALRM)); exec @ARGV'],
	});
	await pool.ready();
	const [victim] = pool.workers();
	process.kill(victim, 'SIGKILL');
	await until('a dead worker is replaced', () => !alive(victim) && pool.workers().length === 2);
	pool.signal('SIGHUP');
	await until('it reloads', () => / reloaded generation=/.test(pool.log()));
	assert.equal(await pool.stop(), '');
});
