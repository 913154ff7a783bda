// What a configuration names is tried before it is used: by -t, at the start and at a reload alike. No
// PostgreSQL, no nginx.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

import { after, assert, test, until } from '../lib/harness.mjs';
import { Pool } from './pool.mjs';

const pool = await Pool.start();
after(() => pool.destroy());
const log = pool.path('a.log');
const long = `/tmp/${'s'.repeat(110)}.sock`;

// [key, value, what the line says of it, the status where it is not 78].
const wrong = [
	['database', 'host=x usr=y', 'invalid connection option "usr"'],
	['database', 'host=x sslmode=reqire', 'invalid sslmode value: "reqire"'],
	['database', 'host=x port=notaport', "'notaport' is not a port"],
	['database', 'host=a,b,c port=1,2', 'could not match 2 port numbers to 3 hosts'],
	['database', 'host=x target_session_attrs=primery', 'invalid target_session_attrs value: "primery"'],
	['database', 'host=x connect_timeout=soon', "connect_timeout: 'soon' is not a whole number"],
	['database', '', "'' is not to be left empty"],
	['admin_database', 'host=x usr=y', 'invalid connection option "usr"'],
	['socket_group', 'no-such-group', "there is no group 'no-such-group'"],
	['public_url', 'not a url', "'not a url' is not an origin, like https://cards.example.org, without a path"],
	['log_file', '/nowhere/a.log', '/nowhere/a.log: No such file or directory', 73],
	['log_file', pool.dir, `${pool.dir}: Is a directory`, 73],
	['security_log', '/nowhere/a.log', '/nowhere/a.log: No such file or directory', 73],
	['alert_command', '/nowhere/tell me', "there is no program '/nowhere/tell'"],
	['alert_command', 'no-such-program', "there is no program 'no-such-program'"],
	['alert_command', pool.path('cardkeep.conf'), `there is no program '${pool.path('cardkeep.conf')}'`],
	['listen', '', "'' is not to be left empty"],
	['listen', long, `a socket's path has at most 107 bytes: ${long}`],
	['status_listen', long, `a socket's path has at most 107 bytes: ${long}`],
	['status_listen', pool.app, `${pool.app} is where nginx reaches the service, and the status process another`],
	['segment', pool.app, `${pool.app} is a socket's place`],
];

// Its configuration with that key as the last line, whose number is told.
function configure(key, value) {
	pool.configure({ [key]: undefined, ...(key === 'listen' ? { status_listen: pool.path('s'), segment: pool.path('g') } : {}) });
	const lines = fs.readFileSync(pool.path('cardkeep.conf'), 'utf8').split('\n')
		.filter((line) => line !== '' && !line.startsWith(`${key} =`));
	lines.push(`${key} = ${value}`);
	fs.writeFileSync(pool.path('cardkeep.conf'), `${lines.join('\n')}\n`);
	return lines.length;
}

const tryIt = (...args) => spawnSync(pool.program, [...args, '-c', pool.path('cardkeep.conf')], {
	...pool.user, cwd: pool.dir, encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' }, timeout: 10_000,
});

test('-t and a start name file, line and key of what cannot be used, and end with 78, or 73 for a file', () => {
	for (const [key, value, says, status = 78] of wrong) {
		const line = configure(key, value);
		const told = `cardkeepd: ${pool.path('cardkeep.conf')}:${line}: ${key}: ${says}\n`;
		for (const how of ['-t', '-f']) {
			const got = tryIt(how);
			assert.deepEqual([got.status, got.stderr], [status, told], `${how} ${key} = ${value}`);
		}
	}
});

test('a reload with any of them is refused with that line, and what was in force goes on', async () => {
	const before = pool.workers();
	for (const [key, value, says] of wrong) {
		const line = configure(key, value);
		pool.signal('SIGHUP');
		const told = `:${line}: ${key}: ${says}`.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
		await until(`${key} = ${value} is refused`, () =>
			pool.lines(/reload refused, the configuration in force stays/).some((text) => text.includes(told)));
	}
	assert.deepEqual(pool.workers(), before);
	assert.equal((await pool.request()).status, 401);
	assert.doesNotMatch(pool.log(), /reloaded generation/);
});

test('a user that is not there is named with file, line and key', () => {
	const line = configure('allowed_peers', 'root no-such-user');
	assert.equal(tryIt('-t').stderr, `cardkeepd: ${pool.path('cardkeep.conf')}:${line}: allowed_peers: there is no user 'no-such-user'\n`);
});

test('what comes from the environment is named by its variable', () => {
	pool.configure({});
	const got = spawnSync(pool.program, ['-t', '-c', pool.path('cardkeep.conf')], {
		...pool.user, encoding: 'utf8', env: { PATH: process.env.PATH, CARDKEEP_DATABASE: 'usr=x' },
	});
	assert.deepEqual([got.status, got.stderr], [78, 'cardkeepd: CARDKEEP_DATABASE: invalid connection option "usr"\n']);
});

test('a place where a socket cannot be made is found by -t, and is 73', () => {
	const line = configure('status_listen', '/nowhere/status.sock');
	const got = tryIt('-t');
	assert.deepEqual([got.status, got.stderr], [73,
		`cardkeepd: ${pool.path('cardkeep.conf')}:${line}: status_listen: /nowhere/status.sock: No such file or directory\n`]);
});

test('-t makes nothing, and finds sound what is', () => {
	pool.configure({
		log_file: log, alert_command: 'true', public_url: 'https://cards.example.org',
		listen: pool.path('other.sock'), status_listen: pool.path('other-status.sock'), segment: pool.path('other'),
		database: `host=${'a-rather-long-name-of-a-host.example.org,'.repeat(5)}b dbname=cardkeep keepalives_idle=30 tcp_user_timeout=5000`,
	});
	const got = tryIt('-t');
	assert.deepEqual([got.status, got.stdout, got.stderr], [0, 'cardkeepd: the configuration is sound\n', '']);
	for (const name of ['a.log', 'other.sock', 'other-status.sock', 'other']) assert.ok(!fs.existsSync(pool.path(name)), name);
});

test('what cannot be read is no missing file: 77', () => {
	const closed = pool.path('closed');
	fs.mkdirSync(closed, { mode: 0o700 });
	fs.writeFileSync(`${closed}/c.conf`, 'threads = 1\n');
	fs.symlinkSync('/nowhere/at/all', pool.path('dangling'));
	fs.symlinkSync('loop', pool.path('loop'));
	const places = ['dangling', 'loop', ...(process.getuid() === 0 ? ['closed/c.conf'] : [])];
	for (const name of places) {
		const got = spawnSync(pool.program, ['-t', '-c', pool.path(name)], { ...pool.user, encoding: 'utf8' });
		assert.equal(got.status, 77, `${name}: ${got.stderr}`);
		assert.match(got.stderr, new RegExp(`^cardkeepd: ${pool.path(name)}: `));
	}
});

test('the daemon ends with status 0 and no sanitizer report', async () => {
	assert.equal(await pool.stop(), '');
});
