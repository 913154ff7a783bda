// cardkeep, called as an operator calls it.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';

import { until } from '../lib/wait.mjs';

const run = promisify(execFile);

export const program = path.join(path.dirname(process.env.CK_DAEMON), 'cardkeep');

const LIMIT_MS = 180_000;

// Runs it on that instance; resolves to {status, out, err}. `input` goes to its stdin; `user` is
// {uid, gid} where it shall not be the caller.
export async function cardkeep(stack, args, { input = '', env = {}, user = {} } = {}) {
	const child = spawn(program, ['-c', path.join(stack.dir, 'conf/cardkeep.conf'), ...args], {
		...user,
		env: { LC_ALL: 'C.UTF-8', PATH: process.env.PATH, ...env },
	});
	const got = { out: '', err: '' };
	child.stdout.setEncoding('utf8').on('data', (part) => (got.out += part));
	child.stderr.setEncoding('utf8').on('data', (part) => (got.err += part));
	// It may end before it has read all of that.
	child.stdin.on('error', () => {});
	child.stdin.end(input);
	const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
	const [status, signal] = await once(child, 'close');
	clearTimeout(limit);
	return { status: status ?? signal, ...got };
}

// The same on a terminal of its own (tmux), for what a person sees and types. When the program has
// ended, the screen shows `ended N` with its exit status.
export class Terminal {
	static async open(stack, args, { columns = 80, rows = 24, term } = {}) {
		const terminal = new Terminal();
		terminal.socket = path.join(stack.dir, `tmux-${Terminal.count++}`);
		const words = [program, '-c', path.join(stack.dir, 'conf/cardkeep.conf'), ...args];
		const command = words.map((word) => `'${word}'`).join(' ');
		await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', columns, '-y', rows,
			`${term ? `TERM=${term} ` : ''}${command}; echo "ended $?"; exec sleep 600`);
		// Before the instance's directory goes, and its socket with it.
		process.prependOnceListener('exit', (terminal.atExit = () => terminal.#killNow()));
		return terminal;
	}

	#tmux(...args) {
		return run('tmux', ['-S', this.socket, ...args.map(String)], {
			env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', HOME: '/' },
		});
	}

	#killNow() {
		spawnSync('tmux', ['-S', this.socket, 'kill-server'], { stdio: 'ignore' });
	}

	async screen() {
		return (await this.#tmux('capture-pane', '-p')).stdout;
	}

	// Resolves to the screen once `pattern` is on it.
	async shows(pattern, ms = 10_000) {
		let screen;
		await until(`the screen shows ${pattern}`, async () => {
			screen = await this.screen();
			return pattern.test(screen);
		}, ms).catch((error) => {
			throw new Error(`${error.message}; it shows:\n${screen}`);
		});
		return screen;
	}

	// Keys as tmux names them.
	type(...keys) {
		return this.#tmux('send-keys', ...keys);
	}

	resize(columns, rows) {
		return this.#tmux('resize-window', '-x', columns, '-y', rows);
	}

	async close() {
		process.removeListener('exit', this.atExit);
		await this.#tmux('kill-server').catch(() => {});
	}

	static count = 0;
}
