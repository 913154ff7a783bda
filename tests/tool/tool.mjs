// cardkeep, called as an operator calls it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const program = path.join(path.dirname(process.env.CK_DAEMON), 'cardkeep');

const LIMIT_MS = 60_000;

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
