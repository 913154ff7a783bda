// What counting costs a request: the share of the instructions of the wave loop that goes into the
// segment, by callgrind, for a mixture of reads, updates and creates.
//
//   scripts/bench --counting
//
// Instructions and not time, because a share below one in a hundred drowns in a machine's noise. The
// kernel's part of a request is not in it, which makes the share look larger than it is. Exits 1 when
// it is not below LIMIT.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { Stack } from '../lib/stack.mjs';
import { atOnce } from '../lib/wait.mjs';

const LIMIT = 0.01;
const FEW = 500;
const MANY = 3500;
const WIDTH = 32;

// All that a wave thread does, and what of it writes to the segment.
const WHOLE = 'loop_run';
const COUNTING = /^(count_(started|answer|finished|shed|slowed|wave|limited|turn|overrun|busy|retry|operation|failure)|stats_activity|stats_connection)$/;

// Under valgrind all is some fifty times slower, which must not look like an overload.
const PATIENT = {
	CARDKEEP_WORKERS: '1',
	CARDKEEP_REQUEST_DEADLINE_MS: '60000',
	CARDKEEP_QUEUE_WAIT_MS: '60000',
	CARDKEEP_STALL_LIMIT_MS: '600000',
	CARDKEEP_CONNECT_TIMEOUT_MS: '60000',
};

// A program that runs the daemon under callgrind; its results lie where it is started.
function wrapped(daemon) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ck-counting-'));
	fs.chmodSync(dir, 0o755);
	fs.copyFileSync(daemon, path.join(dir, 'cardkeepd'));
	fs.chmodSync(path.join(dir, 'cardkeepd'), 0o755);
	const options = '--tool=callgrind --trace-children=yes --callgrind-out-file=callgrind.%p';
	const program = path.join(dir, 'wrapped');
	fs.writeFileSync(program, `#!/bin/sh\nexec valgrind -q ${options} ${dir}/cardkeepd "$@"\n`);
	return { dir, program };
}

async function work(client, requests) {
	const { token } = await client.register();
	const cards = await atOnce(WIDTH, WIDTH, () => client.card(token));
	const one = async (i) => {
		const card = cards[i % WIDTH];
		const at = `/api/cards/${card.id}`;
		if (i % 10 < 7) return client.get(at, { token });
		if (i % 10 < 8) return client.post('/api/cards', { name: `Another ${i}` }, { token });
		const got = await client.patch(at, { version: card.version, name: `Name ${i}` }, { token });
		card.version = got.json.version ?? got.json.currentVersion;
		return got;
	};
	const answers = await atOnce(requests, WIDTH, one);
	const bad = answers.find(({ status }) => ![200, 201, 409].includes(status));
	if (bad) throw new Error(`${bad.status}: ${bad.text}`);
}

// {function: instructions, those of what it calls included} of one process: what its calls cost. In the
// file a call is three lines: who is called (a number, with the name where it comes first), how often,
// and where and at what cost.
function read(file) {
	const names = new Map();
	const found = {};
	let called;
	let cost = false;
	for (const line of fs.readFileSync(file, 'utf8').split('\n')) {
		const [, kind, number, name] = /^(c?fn)=\((\d+)\)(?: (.*))?$/.exec(line) ?? [];
		if (name !== undefined) names.set(number, name);
		if (kind === 'cfn') called = names.get(number);
		if (cost) found[called] = (found[called] ?? 0) + Number(line.split(' ').at(-1));
		cost = line.startsWith('calls=');
	}
	return found;
}

// What the worker did for so many requests, by function.
async function measure(program, requests) {
	const stack = await Stack.start({ daemon: program, env: PATIENT });
	try {
		await work(stack.client, requests);
		await stack.stopNginx();
		await stack.stopDaemon();
		const run = path.join(stack.dir, 'run');
		const files = fs.readdirSync(run).filter((name) => name.startsWith('callgrind.'));
		const worker = files.map((name) => read(path.join(run, name)))
			.find((one) => one[WHOLE] > 0 && one.count_finished > 0);
		if (worker === undefined) throw new Error(`no process ran ${WHOLE}`);
		return worker;
	} finally {
		await stack.destroy();
	}
}

const { values } = parseArgs({ options: { daemon: { type: 'string' } } });
const { dir, program } = wrapped(values.daemon);
process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }));
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143]]) process.on(signal, () => process.exit(status));

// What a worker does once, to begin with, is no request's: it is in both and falls out.
const few = await measure(program, FEW);
const many = await measure(program, MANY);
const each = (name) => (many[name] - (few[name] ?? 0)) / (MANY - FEW);
const parts = Object.keys(many).filter((name) => COUNTING.test(name)).sort((a, b) => each(b) - each(a));
const sum = parts.reduce((all, name) => all + each(name), 0);
const share = sum / each(WHOLE);
for (const name of parts) console.log(`${name.padEnd(20)} ${each(name).toFixed(1).padStart(9)}`);
console.log(`${'counting'.padEnd(20)} ${sum.toFixed(1).padStart(9)}`);
console.log(`${'a request'.padEnd(20)} ${each(WHOLE).toFixed(1).padStart(9)} instructions`);
console.log(`counting is ${(100 * share).toFixed(2)} % of a request; below ${100 * LIMIT} % is wanted`);
process.exitCode = share < LIMIT ? 0 : 1;
