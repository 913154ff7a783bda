// A cardkeepd of a test's own, without nginx and without PostgreSQL, which its pool does not need
// to live: what it answers then is 401 for want of a token, or its status pages.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';

import { Reader } from '../lib/reader.mjs';
import { reportIn } from '../lib/reports.mjs';
import { secretIn } from '../lib/secrets.mjs';
import { peersLine, serviceUser, webUser } from '../lib/shell.mjs';
import { until } from '../lib/wait.mjs';
import { Connection, ask } from './fcgi.mjs';

function alive(pid) {
	try {
		// A zombie has ended; only nobody has asked how.
		return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
	} catch {
		return false;
	}
}

export class Pool {
	// keys: of the configuration. env: of the daemon. wrap: a command that runs it. pipe: the mode of a pipe
	// that its log goes through, to pool.reader.
	static async start({ keys = {}, env = {}, wrap = [], wait = true, pipe } = {}) {
		const pool = new Pool();
		pool.user = await serviceUser();
		pool.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckp-'));
		// What nginx connects to is of its group.
		if (pool.user.uid !== undefined) fs.chownSync(pool.dir, pool.user.uid, (await webUser()).gid);
		fs.chmodSync(pool.dir, 0o2755);
		pool.program = pool.path('cardkeepd');
		fs.copyFileSync(process.env.CK_DAEMON, pool.program);
		fs.chmodSync(pool.program, 0o755);
		pool.configure(keys);
		process.once('exit', (pool.atExit = () => pool.#killAll()));
		Object.assign(pool, { env, wrap });
		if (pipe !== undefined) pool.reader = new Reader(pool.path('pipe'), pool.path('output'), pipe);
		pool.respawn();
		if (wait) await pool.ready();
		return pool;
	}

	path(name) {
		return path.join(this.dir, name);
	}

	get app() {
		return this.path('app.sock');
	}

	get status() {
		return this.path('status.sock');
	}

	// Writes the configuration; `extra` is text for mistakes.
	configure(keys, extra = '') {
		const all = {
			listen: this.app,
			database: `host=${this.dir}/nowhere dbname=cardkeep`,
			workers: 2,
			hash_memory_kib: 64,
			hash_passes: 1,
			...keys,
		};
		const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}\n`);
		fs.writeFileSync(this.path('cardkeep.conf'), lines.join('') + peersLine() + extra);
	}

	// Starts the daemon (again); its log begins anew.
	respawn() {
		const { env, wrap } = this;
		const sanitizer = process.env.CK_VARIANT === 'tsan' ? withoutAslr() : [];
		const command = [
			...sanitizer, ...wrap, this.program, '-f', '-c', this.path('cardkeep.conf'),
		];
		const log = this.reader?.open() ?? fs.openSync(this.path('output'), 'w');
		this.child = spawn(command[0], command.slice(1), {
			...this.user,
			cwd: this.dir,
			env: {
				PATH: process.env.PATH,
				LC_ALL: 'C.UTF-8',
				ASAN_OPTIONS: 'detect_leaks=1:exitcode=99',
				UBSAN_OPTIONS: 'print_stacktrace=1',
				TSAN_OPTIONS: 'halt_on_error=0:exitcode=66:second_deadlock_stack=1',
				...env,
			},
			stdio: ['ignore', log, log],
		});
		if (typeof log === 'number') fs.closeSync(log);
	}

	get pid() {
		return this.child.pid;
	}

	ready() {
		return until(`the pool is ready\n${this.log()}`, () => {
			if (!this.running) throw new Error(`it ended at once\n${this.log()}`);
			return / level=info .*\bready workers=/.test(this.log());
		}, 20_000);
	}

	get running() {
		return this.child.exitCode === null && this.child.signalCode === null;
	}

	// ---- looking ----

	log() {
		return fs.readFileSync(this.path('output'), 'utf8');
	}

	// The lines of the log that match.
	lines(pattern) {
		return this.log().split('\n').filter((line) => pattern.test(line));
	}

	// [{pid, title}] of the supervisor's children.
	children() {
		let pids;
		try {
			pids = fs.readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
		} catch {
			return [];
		}
		return pids.trim().split(/\s+/).filter(Boolean).map(Number).filter(alive)
			.map((pid) => ({ pid, title: titleOf(pid) }));
	}

	// The pids of the workers that serve.
	workers() {
		return this.children().filter(({ title }) => /worker \d+ serving/.test(title))
			.map(({ pid }) => pid);
	}

	statusPid() {
		return this.children().find(({ title }) => /: status$/.test(title))?.pid;
	}

	title() {
		return titleOf(this.pid);
	}

	// ---- asking ----

	// The answer of a worker: 401.
	request() {
		return ask(this.app, '/api/users/me');
	}

	look(page, options) {
		return ask(this.status, page, options);
	}

	connect() {
		return Connection.open(this.app);
	}

	signal(name) {
		process.kill(this.pid, name);
	}

	// Resolves to the exit status, or the signal that ended it.
	async ended(ms = 20_000) {
		if (this.running) {
			const limit = setTimeout(() => this.child.kill('SIGKILL'), ms);
			await once(this.child, 'exit');
			clearTimeout(limit);
		}
		return this.child.exitCode ?? this.child.signalCode;
	}

	// Ends it as an operator would and removes it; '' when it ended well.
	async stop() {
		if (this.running) this.signal('SIGTERM');
		const status = await this.ended();
		const log = this.log();
		this.destroy();
		const report = reportIn(log);
		if (report !== '') return report;
		const secret = secretIn(log);
		if (secret !== '') return secret;
		return status === 0 ? '' : `cardkeepd ended with ${status}\n${log.slice(-3000)}`;
	}

	// What it, or a sanitizer, had to say of a daemon that did not end by itself.
	reports() {
		return reportIn(this.log());
	}

	destroy() {
		process.removeListener('exit', this.atExit);
		this.#killAll();
	}

	#killAll() {
		this.reader?.child.kill('SIGKILL');
		if (this.running) this.child.kill('SIGKILL');
		fs.rmSync(this.dir, { recursive: true, force: true });
	}
}

export { alive };

function titleOf(pid) {
	try {
		return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
	} catch {
		return '';
	}
}

function withoutAslr() {
	const arch = spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim();
	return spawnSync('setarch', [arch, '-R', 'true']).status === 0 ? ['setarch', arch, '-R'] : [];
}

// Pools that a file starts here and there end with it.
const started = new Set();
after(() => {
	for (const pool of started) pool.destroy();
});

export async function start(options) {
	const pool = await Pool.start(options);
	started.add(pool);
	return pool;
}
