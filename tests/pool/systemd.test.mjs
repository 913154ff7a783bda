// What systemd does for a service, done by a little Perl: sockets handed over, readiness told.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

import { assert, after, test } from '../lib/harness.mjs';
import { serviceUser } from '../lib/shell.mjs';
import { pause, until } from '../lib/wait.mjs';
import { ask } from './fcgi.mjs';
import { start } from './pool.mjs';

const user = await serviceUser();
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'cks-'));
if (user.uid !== undefined) fs.chownSync(dir, user.uid, user.gid);
const app = path.join(dir, 'held-app.sock');
const status = path.join(dir, 'held-status.sock');
const notify = path.join(dir, 'notify.sock');

after(() => {
	listener.kill();
	fs.rmSync(dir, { recursive: true, force: true });
});

// Binds both sockets where they are not bound yet, puts them at 3 and 4, and becomes the program.
const ACTIVATE = `
	use Socket;
	my ($app, $status, @command) = @ARGV;
	$^F = 100;
	my $fd = 3;
	for my $path ($app, $status) {
		socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die $!;
		unlink $path;
		bind($socket, pack_sockaddr_un($path)) or die $!;
		listen($socket, 128) or die $!;
		push @keep, $socket;
		require POSIX;
		POSIX::dup2(fileno($socket), $fd + 40) or die $!;
		$fd++;
	}
	close $_ for @keep;
	POSIX::dup2(43, 3);
	POSIX::dup2(44, 4);
	POSIX::close($_) for 43, 44;
	$ENV{LISTEN_PID} = $$;
	$ENV{LISTEN_FDS} = 2;
	$ENV{LISTEN_FDNAMES} = 'app:status';
	exec @command or die $!;
`;

// Prints each notification as one line, its lines joined by a bar.
const LISTEN = `
	use Socket;
	$| = 1;
	socket(my $socket, PF_UNIX, SOCK_DGRAM, 0) or die $!;
	bind($socket, pack_sockaddr_un($ARGV[0])) or die $!;
	chmod 0666, $ARGV[0];
	print "listening\\n";
	while (defined recv($socket, my $text, 4096, 0)) { $text =~ s/\\n/|/g; print "$text\\n"; }
`;

const listener = spawn('perl', ['-e', LISTEN, notify], {
	...user,
	stdio: ['ignore', 'pipe', 'inherit'],
});
const notes = [];
readline.createInterface({ input: listener.stdout }).on('line', (line) => notes.push(line));
await until('somebody listens for notifications', () => notes.includes('listening'));

const built = fs.readFileSync(process.env.CK_DAEMON).includes('libsystemd.so');
const only = built ? {} : { skip: 'built without libsystemd' };

test('sockets handed over are served, under their names', only, async () => {
	const pool = await start({ wrap: ['perl', '-e', ACTIVATE, app, status] });
	assert.equal((await ask(app, '/api/users/me')).status, 401);
	assert.equal((await ask(status, '/livez')).status, 200);
	assert.equal(fs.existsSync(pool.app), false, 'it makes none of its own');
	assert.equal(await pool.stop(), '');
	assert.ok(fs.existsSync(app) && fs.existsSync(status), 'they are not its to remove');
});

test('readiness, each reload with its time, and the stop are told', only, async () => {
	notes.length = 0;
	const pool = await start({ env: { NOTIFY_SOCKET: notify } });
	await until('ready', () => notes.length === 1);
	pool.signal('SIGHUP');
	await until('reloaded', () => notes.length === 3);
	pool.configure({}, 'nonsense = 1\n');
	pool.signal('SIGHUP');
	await until('refused', () => notes.length === 5);
	pool.configure({});
	assert.equal(await pool.stop(), '');
	await until('stopping', () => notes.length === 6);
	assert.deepEqual(
		notes.map((note) => note.replace(/\d{4,}/, 'TIME')),
		[
			'READY=1',
			'RELOADING=1|MONOTONIC_USEC=TIME',
			'READY=1',
			'RELOADING=1|MONOTONIC_USEC=TIME',
			'READY=1',
			'STOPPING=1',
		],
	);
});

test('the watchdog is fed twice in its time', only, async () => {
	notes.length = 0;
	const pool = await start({ env: { NOTIFY_SOCKET: notify, WATCHDOG_USEC: '400000' } });
	await until('fed', () => notes.filter((note) => note === 'WATCHDOG=1').length >= 5);
	pool.signal('SIGSTOP');
	await pause(300);
	const fed = notes.length;
	await pause(500);
	assert.equal(notes.length, fed, 'a stopped supervisor does not feed it');
	pool.signal('SIGCONT');
	assert.equal(await pool.stop(), '');
});
