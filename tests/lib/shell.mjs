// The scripts' own shell functions, called from tests: a test instance is made by what makes a
// user's instance.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const top = path.resolve(fileURLToPath(import.meta.url), '../../..');

// Runs `script` in bash with scripts/lib loaded and $1, $2 ... set; resolves to its stdout.
export async function shell(script, ...args) {
	const text = `set -euo pipefail; . "${top}/scripts/lib/all.sh"; ${script}`;
	try {
		const { stdout } = await run('bash', ['-c', text, 'test', ...args], {
			maxBuffer: 64 << 20,
		});
		return stdout.trimEnd();
	} catch (error) {
		throw new Error(`${script}\n${error.stdout}${error.stderr}`);
	}
}

// The users who run the service and nginx, as spawn takes them; {} when that is us.
export const serviceUser = () => userOf('service_user');
export const webUser = () => userOf('web_user');

async function userOf(who) {
	if (process.getuid() !== 0) return {};
	const ids = await shell(`user_find "$(${who})" && printf "%s %s" "$uid" "$gid"`);
	const [uid, gid] = ids.split(' ').map(Number);
	return { uid, gid };
}

// The line of the configuration that lets nginx's user in.
export const peersLine = () => (process.getuid() === 0 ? 'allowed_peers = cardkeep-web\n' : '');
