// Measures Cardkeep against pgbench sending the same calls, on one private instance; see
// doc/performance.md for what is measured and how to read it.
//
//   node tests/bench/bench.mjs --daemon PROGRAM [--rounds N] [--seconds N] [--quick] [--many]
//                              [--only CASE,...] [--json]
//
// Every round runs every case once, in an order of its own, each on tables made anew. What a round
// says of two cases is set against each other within the round.
import os from 'node:os';
import { parseArgs } from 'node:util';

import { shell } from '../lib/shell.mjs';
import { Stack } from '../lib/stack.mjs';
import { KINDS, cases } from './cases.mjs';
import { childrenCpuUs, cpuUs } from './cpu.mjs';
import { pgbench, wrk } from './generators.mjs';
import { print, summarize } from './report.mjs';
import { CARDS, World } from './world.mjs';

const { values: options } = parseArgs({
	options: {
		daemon: { type: 'string' },
		rounds: { type: 'string' },
		seconds: { type: 'string' },
		quick: { type: 'boolean', default: false },
		many: { type: 'boolean', default: false },
		only: { type: 'string' },
		json: { type: 'boolean', default: false },
	},
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 1 : 2));

const progress = (text) => process.stderr.write(text);

// The daemon's keys of the caller's environment reach it, so that settings can be compared.
const RESERVED = /^CARDKEEP_(PORT|STATE|CONF|DATABASE|LISTEN|BENCH_.*|TEST_.*)$/;
const keys = Object.fromEntries(
	Object.entries(process.env).filter(([name]) => /^CARDKEEP_/.test(name) && !RESERVED.test(name)),
);
const WAYS = { waves: keys, ones: { ...keys, CARDKEEP_WAVE_CALLS: '1' } };

// Ways that do without the service.
const DIRECT = new Set(['pgbench', 'naive']);

// Its connections are new, and so are its plans.
async function restart(stack, way) {
	await stack.stopNginx();
	await stack.stopDaemon();
	stack.env = WAYS[way];
	stack.way = way;
	await stack.startDaemon();
	await stack.startNginx();
	await stack.ready();
}

async function prepare(world, one, kind) {
	const { stack } = world;
	await world.begin(kind);
	if (DIRECT.has(one.way)) return;
	// Plans made while the tables are small are what the fresh cases are about.
	if (kind.world !== 'grown' || stack.way !== one.way) await restart(stack, one.way);
	if (kind.world === 'empty') return;
	await world.warm(stack.client, kind.sends, kind.world === 'growing' ? 50 : 5);
	if (kind.world === 'growing') await world.grow();
}

function cpu(stack) {
	return {
		nginx: cpuUs(stack.nginx.pid),
		cardkeepd: cpuUs(stack.daemon.pid),
		postgres: cpuUs(stack.databasePids()[0]),
		generator: childrenCpuUs(),
	};
}

// Without versions an update that was overwritten leaves no trace to be counted.
function counted(one, kind) {
	if (one.way !== 'naive') return kind.counts;
	return kind.counts === 'cards' ? 'naive-cards' : undefined;
}

// Runs one case; its errors are what was not answered as it should be, and what was acknowledged
// but is not in the database.
async function measure(world, bin, one) {
	const { stack } = world;
	const kind = KINDS[one.kind];
	await prepare(world, one, kind);
	const counts = counted(one, kind);
	const written = await world.written(counts);
	const before = cpu(stack);
	const generate = DIRECT.has(one.way) ? pgbench : wrk;
	const seed = Math.floor(Math.random() * 2 ** 31);
	const got = await generate({
		stack, bin, kind, way: one.way, width: one.width, seconds, seed, files: world.files, cards: CARDS,
	});
	const after = cpu(stack);
	const applied = (await world.written(counts)) - written;
	const lost = counts ? Math.max(0, got.applied - applied) : 0;
	const result = { ...got, lost, errors: got.failed + lost };
	for (const group of Object.keys(before))
		result[`${group}_us`] = (after[group] - before[group]) / got.calls;
	return result;
}

function shuffled(list) {
	const all = [...list];
	for (let i = all.length - 1; i > 0; i--) {
		const j = Math.floor(Math.random() * (i + 1));
		[all[i], all[j]] = [all[j], all[i]];
	}
	return all;
}

async function play(world, bin, chosen) {
	const played = [];
	for (let number = 1; number <= rounds; number++) {
		const round = {};
		for (const [i, one] of shuffled(chosen).entries()) {
			const at = `round ${number}/${rounds}, ${i + 1}/${chosen.length}`;
			progress(`\r${at}: ${one.id.padEnd(30)}`);
			round[one.id] = await measure(world, bin, one);
		}
		played.push(round);
	}
	progress(`\r${' '.repeat(60)}\r`);
	return played;
}

async function describe(stack, settings, load) {
	const [version] = await stack.sql('show server_version', 'super');
	return {
		machine: `${os.cpus().length} cores, ${os.cpus()[0].model.trim()}, Linux ${os.release()}`,
		'load before': load.toFixed(2),
		postgresql: version,
		settings: Object.entries(settings).map((pair) => pair.join('=')).join(' '),
		cardkeepd: Object.entries(keys).map((pair) => pair.join('=')).join(' ') || 'as it comes',
		rounds: `${rounds} of ${seconds} s a case, in random order`,
	};
}

async function main() {
	const chosen = cases({ ...options, only: options.only?.split(',') });
	if (chosen.length === 0) {
		progress(`bench: no case begins with ${options.only}\n`);
		process.exit(64);
	}
	const [load] = os.loadavg();
	if (load > 1) progress(`the load here is ${load.toFixed(1)}: figures will be noisy\n`);
	const bin = await shell('pg_bin');
	const stack = await Stack.start({ daemon: options.daemon, env: keys });
	stack.way = 'waves';
	try {
		const world = await World.make(stack);
		const about = await describe(stack, await world.refuseUnsafe(), load);
		const played = await play(world, bin, chosen);
		const result = { about, ...summarize(chosen, played) };
		if (options.json) console.log(JSON.stringify({ ...result, played }, null, '\t'));
		else print(result);
	} finally {
		await stack.destroy();
	}
}

for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]])
	process.on(signal, () => process.exit(status));

main().catch((error) => {
	progress(`\nbench: ${error.message}\n`);
	process.exit(69);
});
