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

// The unprivileged user who runs the programs, as spawn takes it; {} when that is us.
export async function serviceUser() {
	if (process.getuid() !== 0) return {};
	const ids = await shell('u=$(pg_user); printf "%s %s" "$(id -u "$u")" "$(id -g "$u")"');
	const [uid, gid] = ids.split(' ').map(Number);
	return { uid, gid };
}
