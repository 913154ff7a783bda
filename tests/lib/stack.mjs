// A private Cardkeep: its own cluster, daemon and nginx, in a directory of its own, on a free port.
//
// Everything is a child of this process and ends with it. Programs are started as users run them
// (each as its own user, same templates, same shell functions), but in the foreground, so that a test
// can kill one, stop it, look at its exit status, and put something between two of them.
import { fork, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';

import { Client } from './client.mjs';
import { Session, query } from './psql.mjs';
import { Reader } from './reader.mjs';
import { reportIn } from './reports.mjs';
import { secretIn } from './secrets.mjs';
import { peersLine, serviceUser, shell, top, webUser } from './shell.mjs';
import { until } from './wait.mjs';

// Tests sign up hundreds of accounts; what a hash costs is not what they look at.
const QUICK = { CARDKEEP_HASH_MEMORY_KIB: '64', CARDKEEP_HASH_PASSES: '1' };

export async function freePort() {
	const server = net.createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address();
	server.close();
	await once(server, 'close');
	return port;
}

export class Stack {
	// options: daemon (program), variant (gcc, asan, tsan), env (more of the daemon's environment),
	// template (a directory with a deployed, stopped cluster to copy), pipe (the mode of a pipe that the
	// daemon's log goes through, to stack.reader).
	static async start(options = {}) {
		const stack = new Stack();
		try {
			await stack.#prepare(options);
			await stack.startDatabase();
			if (stack.proxied) await stack.#startProxy();
			await stack.startDaemon();
			await stack.startNginx();
			await stack.ready();
		} catch (error) {
			error.message += `\n${stack.log()}`;
			await stack.destroy();
			throw error;
		}
		return stack;
	}

	async #prepare({ daemon, variant = 'gcc', env = {}, template, proxied = false, pipe }) {
		this.user = await serviceUser();
		this.webUser = await webUser();
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ck-'));
		for (const name of ['.', 'bin', 'conf', 'log', 'run', 'proxy']) this.#make(name);
		// As state.sh has it: what nginx connects to is of its group.
		for (const name of ['run', 'proxy']) this.#give(name);
		this.program = path.join(this.dir, 'bin/cardkeepd');
		fs.copyFileSync(daemon, this.program);
		fs.chmodSync(this.program, 0o755);
		Object.assign(this, { variant, template, proxied, env: { ...QUICK, ...env } });
		if (pipe !== undefined)
			this.reader = new Reader(this.#path('log/pipe'), this.#path('log/cardkeepd.log'), pipe);
		this.port = await freePort();
		this.client = new Client(this.port);
		this.sessions = new Set();
		process.once('exit', (this.atExit = () => this.#killAll()));
	}

	#make(name) {
		fs.mkdirSync(this.#path(name), { recursive: true });
		fs.chmodSync(this.#path(name), 0o755);
	}

	// To the service.
	#give(name) {
		if (this.user.uid === undefined) return;
		fs.chownSync(this.#path(name), this.user.uid, this.webUser.gid);
		fs.chmodSync(this.#path(name), 0o2750);
	}

	// ---- PostgreSQL ----

	get cluster() {
		return path.join(this.dir, 'db');
	}

	async startDatabase() {
		if (!fs.existsSync(this.cluster)) await this.#makeCluster();
		await shell('pg_start "$1"', this.cluster);
		if (this.conninfo) return;
		if (!this.template) await shell('pg_deploy "$1"', this.cluster);
		const roles = await shell(
			'for role in cardkeep_admin postgres cardkeep_runtime; do pg_conninfo "$1" "$role"; done',
			this.cluster,
		);
		const [admin, superuser, runtime] = roles.split('\n');
		this.conninfo = { admin, super: superuser, runtime };
	}

	async #makeCluster() {
		if (this.template) await shell('cp -a "$1" "$2"', this.template, this.cluster);
		await shell('pg_init "$1"', this.cluster);
	}

	stopDatabase(mode = 'fast') {
		return shell('pg_stop "$1" "$2"', this.cluster, mode);
	}

	// Every process of the server, the postmaster first.
	databasePids() {
		const pidFile = this.#path('db/data/postmaster.pid');
		const main = Number(fs.readFileSync(pidFile, 'utf8').split('\n')[0]);
		return [main, ...this.children(main)];
	}

	children(pid) {
		const text = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
		return text.trim().split(/\s+/).filter(Boolean).map(Number);
	}

	// Between daemon and PostgreSQL, as the daemon's user: PostgreSQL knows people by that.
	async #startProxy() {
		const name = '.s.PGSQL.5432';
		fs.copyFileSync(new URL('proxy.mjs', import.meta.url), this.#path('proxy/proxy.mjs'));
		this.proxyChild = fork(
			this.#path('proxy/proxy.mjs'),
			[this.#path(`proxy/${name}`), this.#path(`db/run/${name}`)],
			{ ...this.user, cwd: this.#path('proxy') },
		);
		await once(this.proxyChild, 'message');
	}

	// Tells the proxy what to do next (see proxy.mjs); resolves to how often it has cut so far.
	async proxy(order = {}) {
		this.proxyChild.send(order);
		const [answer] = await once(this.proxyChild, 'message');
		return answer.cuts;
	}

	sql(text, as = 'admin') {
		return query(this.conninfo[as], text);
	}

	// A psql session that stays open until the test closes it.
	session(as = 'admin') {
		const session = new Session(this.conninfo[as]);
		this.sessions.add(session);
		return session;
	}

	// ---- the daemon ----

	async startDaemon() {
		const host = this.#path(this.proxied ? 'proxy' : 'db/run');
		fs.writeFileSync(
			this.#path('conf/cardkeep.conf'),
			`listen = ${this.#path('run/app.sock')}\n` +
				`database = ${this.conninfo.runtime} host=${host}\n${peersLine()}`,
		);
		this.daemon = this.#spawnDaemon();
		const socket = this.#path('run/app.sock');
		await until('the daemon listens', () => {
			if (this.daemon.exitCode !== null) throw new Error('the daemon ended at once');
			return fs.existsSync(socket);
		});
	}

	#spawnDaemon() {
		let command = [this.program, '-f', '-c', this.#path('conf/cardkeep.conf')];
		if (this.variant === 'tsan') command = [...withoutAslr(), ...command];
		return this.#spawn('cardkeepd', command, {
			LC_ALL: 'C.UTF-8',
			PATH: process.env.PATH,
			ASAN_OPTIONS: 'detect_leaks=1:exitcode=99',
			UBSAN_OPTIONS: 'print_stacktrace=1',
			TSAN_OPTIONS: 'halt_on_error=0:exitcode=66:second_deadlock_stack=1',
			...this.env,
		});
	}

	// Another one with the same configuration, which must give up; resolves to its exit status.
	async secondDaemon() {
		const child = this.#spawnDaemon();
		const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
		const status = await ended(child);
		clearTimeout(limit);
		return { status };
	}

	// Asks it to end as an operator would; resolves to its exit status (or the signal's name).
	async stopDaemon(signal = 'SIGTERM') {
		const child = this.daemon;
		if (!child) return 0;
		child.kill(signal);
		const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
		const status = await ended(child);
		clearTimeout(limit);
		this.daemon = undefined;
		return status;
	}

	// What the service says was its own fault. An alert is an error too, but may be the tests' doing.
	faults() {
		return this.log().split('\n').filter((line) =>
			/level=error/.test(line) && !/alert (still )?firing name=/.test(line));
	}

	log() {
		return readIfThere(this.#path('log/cardkeepd.log'));
	}

	// A place in the log; logSince(mark) is what came after.
	logMark() {
		return fs.statSync(this.#path('log/cardkeepd.log')).size;
	}

	logSince(mark) {
		return readIfThere(this.#path('log/cardkeepd.log'), mark);
	}

	// ---- nginx ----

	// `edit` may change what was rendered, as an operator would.
	async startNginx(edit = () => {}) {
		const deadline = this.env.CARDKEEP_REQUEST_DEADLINE_MS ?? '5000';
		await shell(
			'nginx_render "$1" "$2" "$3" "$4" "$5"',
			this.dir,
			this.port,
			this.#path('run/app.sock'),
			deadline,
			this.env.CARDKEEP_CORS_ORIGINS ?? '',
		);
		edit(this.#path('conf'));
		this.nginx = this.#spawn('nginx', ['nginx', '-c', this.#path('conf/nginx.conf')], {
			PATH: `${process.env.PATH}:/usr/sbin`,
		}, this.webUser);
		await until('nginx listens', () => {
			if (this.nginx.exitCode !== null)
				throw new Error(`nginx ended: ${readIfThere(this.#path('log/nginx.log'))}`);
			return answers(this.port);
		});
	}

	async stopNginx(signal = 'SIGQUIT') {
		const child = this.nginx;
		if (!child) return;
		this.client.close();
		this.client = new Client(this.port);
		const workers = signal === 'SIGKILL' ? this.children(child.pid) : [];
		child.kill(signal);
		// They outlive a master that could not tell them, and would go on serving.
		for (const pid of workers) process.kill(pid, signal);
		const limit = setTimeout(() => child.kill('SIGTERM'), 3_000);
		await ended(child);
		clearTimeout(limit);
		this.nginx = undefined;
	}

	nginxLog() {
		return (
			readIfThere(this.#path('log/nginx-access.log')) +
			readIfThere(this.#path('log/nginx-error.log'))
		);
	}

	// Of the daemon, of nginx and of PostgreSQL.
	everyLog() {
		return this.log() + this.nginxLog() + readIfThere(this.#path('db/log'));
	}

	// ---- all of it ----

	ready(ms = 20_000) {
		return until(
			'the service is ready',
			async () => (await this.client.get('/readyz').catch(() => ({}))).status === 200,
			ms,
		);
	}

	// Stops everything in order and tells what was wrong: '' when the daemon ended by itself with
	// status 0, neither a sanitizer nor an invariant had anything to say, and no log holds a secret.
	async stop() {
		await this.stopNginx();
		const status = await this.stopDaemon();
		const log = this.log();
		const secret = secretIn(this.everyLog());
		await this.destroy();
		const report = reportIn(log);
		if (report !== '') return report;
		if (secret !== '') return secret;
		return status === 0 ? '' : `cardkeepd ended with ${status}\n${log.slice(-3000)}`;
	}

	// Stops everything at once and leaves nothing behind. May be called twice.
	async destroy() {
		process.removeListener('exit', this.atExit ?? (() => {}));
		if (!this.dir) return;
		this.client?.close();
		for (const session of this.sessions ?? []) await session.close();
		this.proxyChild?.kill('SIGKILL');
		this.reader?.child.kill('SIGKILL');
		for (const child of [this.nginx, this.daemon]) {
			if (!child || child.exitCode !== null || child.signalCode !== null) continue;
			child.kill(child === this.nginx ? 'SIGTERM' : 'SIGKILL');
			await ended(child);
		}
		if (fs.existsSync(this.cluster))
			await shell('! pg_running "$1" || pg_stop "$1" immediate', this.cluster).catch(() => {});
		if (process.env.CARDKEEP_TEST_KEEP) return;
		fs.rmSync(this.dir, { recursive: true, force: true });
		this.dir = undefined;
	}

	#killAll() {
		this.nginx?.kill('SIGTERM');
		this.proxyChild?.kill('SIGKILL');
		this.daemon?.kill('SIGKILL');
		this.reader?.child.kill('SIGKILL');
		if (this.cluster && fs.existsSync(this.cluster))
			spawnSync('bash', [
				'-c',
				`. ${top}/scripts/lib/all.sh; pg_stop "$1" immediate; rm -rf "$2"`,
				'test',
				this.cluster,
				this.dir,
			]);
	}

	#path(name) {
		return path.join(this.dir, name);
	}

	#spawn(name, [program, ...args], env, user = this.user) {
		const log = (name === 'cardkeepd' && this.reader?.open()) || fs.openSync(this.#path(`log/${name}.log`), 'a');
		const child = spawn(program, args, {
			...user,
			cwd: this.#path('run'),
			env,
			stdio: ['ignore', log, log],
		});
		fs.closeSync(log);
		return child;
	}

	// What another process needs to use this instance; see Stack.attach.
	describe() {
		const { dir, port, conninfo, variant } = this;
		return JSON.stringify({ dir, port, conninfo, variant });
	}

	// An instance that another process started and will stop.
	static attach(text) {
		const stack = new Stack();
		Object.assign(stack, JSON.parse(text), { sessions: new Set(), attached: true });
		stack.client = new Client(stack.port);
		return stack;
	}

	async detach() {
		this.client.close();
		for (const session of this.sessions) await session.close();
	}
}

async function ended(child) {
	if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
	return child.exitCode ?? child.signalCode;
}

function answers(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1');
		socket.on('connect', () => socket.end(() => resolve(true)));
		socket.on('error', () => resolve(false));
	});
}

function readIfThere(file, from = 0) {
	let fd;
	try {
		fd = fs.openSync(file);
		const bytes = Buffer.alloc(fs.fstatSync(fd).size - from);
		return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, bytes.length, from));
	} catch {
		return '';
	} finally {
		if (fd !== undefined) fs.closeSync(fd);
	}
}

function withoutAslr() {
	const arch = os.machine?.() ?? spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim();
	return spawnSync('setarch', [arch, '-R', 'true']).status === 0 ? ['setarch', arch, '-R'] : [];
}

// Resolves to a deployed cluster in `dir` that does not run, to be copied.
export async function makeTemplate(dir) {
	await shell('. "$top/tests/lib/template.sh"; template_make "$1"', dir);
	return path.join(dir, 'db');
}
