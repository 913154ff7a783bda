// The load generators. Both resolve to {calls, rate, p50, p99, failed, marked, refused}: times in
// milliseconds, `failed` what was not answered as it should be, `refused` version conflicts.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { STRIDE, USERS, WARM } from './world.mjs';

// The mixture, with how often of ten.
const MIXTURE = ['read.sql@7', 'update.sql@2', 'create.sql@1'];

const here = path.dirname(new URL(import.meta.url).pathname);

export async function wrk({ port, files, kind, width, seconds, seed }) {
	const text = await output('wrk', [
		'-t1', `-c${width}`, `-d${seconds}s`, '--timeout', '10s', '-s', path.join(here, 'load.lua'),
		`http://127.0.0.1:${port}`, '--', kind.sends, seed, USERS, WARM, STRIDE,
		kind.mark ? 1 : 0, files.tokens, files.cards,
	]);
	const line = /^bench (.*)$/m.exec(text);
	if (!line) throw new Error(`wrk said nothing of use:\n${text}`);
	const got = JSON.parse(line[1]);
	const expected = kind.sends === 'constant' ? got.requests : got.refused + got.marked;
	return {
		calls: got.requests,
		rate: got.requests / (got.us / 1e6),
		p50: got.p50_us / 1000,
		p99: got.p99_us / 1000,
		failed: got.socket + Math.max(0, got.status - expected),
		applied: got.requests - got.status - got.reads,
		marked: got.marked,
		refused: got.refused,
	};
}

// The first second is not counted: it connects and plans.
export async function pgbench({ stack, bin, kind, way, width, seconds, cards }) {
	const dir = fs.mkdtempSync(path.join(stack.dir, 'pgbench-'));
	if (stack.user.uid !== undefined) fs.chownSync(dir, stack.user.uid, stack.user.gid);
	const defined = { n: -1, walked: -1, version: 1, users: USERS, warm: WARM, stride: STRIDE };
	defined.share = Math.floor((cards - WARM) / width);
	defined.people = Math.floor((USERS - WARM) / width);
	const naive = way === 'pgbench-naive' ? 'naive-' : '';
	const scripts = kind.sends === 'mixed' ? MIXTURE : [`${naive}${kind.sends}.sql`];
	const text = await output(
		path.join(bin, 'pgbench'),
		[
			'-n', '-M', 'prepared', '-c', width, '-j', 1, '-T', seconds + 1, '-l',
			'--log-prefix', path.join(dir, 'log'),
			...scripts.flatMap((script) => ['-f', path.join(here, script)]),
			...Object.entries(defined).flatMap(([name, value]) => ['-D', `${name}=${value}`]),
			stack.conninfo.runtime,
		],
		stack.user,
	);
	const calls = Number(/actually processed: (\d+)/.exec(text)?.[1]);
	const failed = Number(/failed transactions: (\d+)/.exec(text)?.[1] ?? 0);
	const { reads, ...times } = logged(dir, seconds);
	fs.rmSync(dir, { recursive: true });
	const applied = calls - failed - (kind.sends === 'mixed' ? reads : 0);
	return { calls, applied, failed, marked: 0, refused: 0, ...times };
}

// A line a transaction: client, number, microseconds it took, script, seconds and microseconds of
// the time it ended. Of the last `seconds` before the last end; `reads`, how often the first script
// ran, is of all.
function logged(dir, seconds) {
	const ends = [];
	const took = [];
	let reads = 0;
	for (const name of fs.readdirSync(dir))
		for (const line of fs.readFileSync(path.join(dir, name), 'utf8').trimEnd().split('\n')) {
			const [, , us, script, epoch, rest] = line.split(' ').map(Number);
			if (script === 0) reads++;
			ends.push(epoch + rest / 1e6);
			took.push(us / 1000);
		}
	const from = ends.reduce((most, end) => Math.max(most, end), 0) - seconds;
	const counted = took.filter((_, i) => ends[i] > from).sort((a, b) => a - b);
	const at = (part) => counted[Math.floor(counted.length * part)];
	return { reads, rate: counted.length / seconds, p50: at(0.5), p99: at(0.99) };
}

let running; // ends with this process, however that ends
process.on('exit', () => running?.kill('SIGKILL'));

async function output(program, args, user = {}) {
	const child = spawn(program, args.map(String), { ...user, stdio: ['ignore', 'pipe', 'pipe'] });
	running = child;
	let text = '';
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding('utf8').on('data', (part) => (text += part));
	const status = await new Promise((resolve, reject) => {
		child.on('error', reject);
		child.on('close', resolve);
	});
	running = undefined;
	if (status !== 0) throw new Error(`${program} ended with ${status}:\n${text.slice(-3000)}`);
	return text;
}
