// Measures Cardkeep against pgbench sending the same calls, against the way before and against what
// users would pick instead, on one private instance; see doc/performance.md for what is measured and how
// to read it.
//
//   node tests/bench/bench.mjs --daemon PROGRAM [--rounds N] [--seconds N] [--quick] [--many]
//                              [--only CASE,...] [--json] [--peers DIR]
//
// DIR holds tests/bench/peers and what that takes from npm, for the cases that need it.
//
// Every round runs every case once, in an order of its own, each on tables made anew. What a round
// says of two cases is set against each other within the round.
import os from 'node:os';
import { parseArgs } from 'node:util';

import { Client } from '../lib/client.mjs';
import { shell } from '../lib/shell.mjs';
import { Stack } from '../lib/stack.mjs';
import { KINDS, cases, isDirect, isPeer } from './cases.mjs';
import { childrenCpuUs, cpuUs } from './cpu.mjs';
import { pgbench, wrk } from './generators.mjs';
import { Peers } from './peers.mjs';
import { print, summarize } from './report.mjs';
import { CARDS, World } from './world.mjs';

const { values: options } = parseArgs({
	options: {
		daemon: { type: 'string' },
		peers: { type: 'string' },
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
const ones = { ...keys, CARDKEEP_WAVE_CALLS: '1' };
const WAYS = { waves: keys, ones, naive: ones };

// Its connections are new, and so are its plans.
async function restart(world, way) {
	const { stack, peers } = world;
	await stack.stopNginx();
	await stack.stopDaemon();
	stack.env = WAYS[way];
	stack.way = way;
	await stack.startDaemon();
	await stack.startNginx((conf) => peers?.addTo(conf));
	await stack.ready();
}

// Resolves to the port that serves this way.
async function prepare(world, one, kind) {
	const { stack, peers } = world;
	await world.begin(kind, one.way);
	if (isDirect(one.way)) return undefined;
	if (isPeer(one.way)) {
		const port = peers.ports[one.way];
		await peers.start(one.way);
		await warm(world, port, kind);
		// What compiles while it runs gets a second of reads to do so.
		const got = await wrk({ port, kind: KINDS.read, width: 16, seconds: 1, seed: 0, files: world.files });
		if (got.failed > 0) throw new Error(`warming up ${one.way} failed ${got.failed} times`);
		return port;
	}
	// Plans made while the tables are small are what the fresh cases are about.
	if (kind.world !== 'grown' || stack.way !== one.way) await restart(world, one.way);
	if (kind.world !== 'empty') await warm(world, stack.port, kind);
	if (kind.world === 'growing') await world.grow();
	return stack.port;
}

async function warm(world, port, kind) {
	const client = new Client(port);
	await world.warm(client, kind.sends, kind.world === 'growing' ? 50 : 5);
	client.close();
}

function cpu({ stack, peers }) {
	return {
		nginx: cpuUs(stack.nginx.pid),
		service: cpuUs((peers?.child ?? stack.daemon).pid),
		postgres: cpuUs(stack.databasePids()[0]),
		generator: childrenCpuUs(),
	};
}

// Without versions an update that was overwritten leaves no trace to be counted, and pgbench does not
// tell refusals from what was applied.
function counted(one, kind) {
	if (one.way === 'pgbench' && kind.sends === 'hot-one') return undefined;
	if (!one.way.includes('naive')) return kind.counts;
	return kind.counts === 'cards' ? 'naive-cards' : undefined;
}

// Runs one case; its errors are what was not answered as it should be, and what was acknowledged
// but is not in the database.
async function measure(world, bin, one) {
	const { stack } = world;
	const kind = KINDS[one.kind];
	const port = await prepare(world, one, kind);
	const counts = counted(one, kind);
	const written = await world.written(counts);
	const before = cpu(world);
	const generate = isDirect(one.way) ? pgbench : wrk;
	const seed = Math.floor(Math.random() * 2 ** 31);
	const got = await generate({
		stack, port, bin, kind, way: one.way, width: one.width, seconds, seed, files: world.files,
		cards: CARDS,
	});
	const after = cpu(world);
	await world.peers?.stop();
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
		if (chosen.some(({ way }) => isPeer(way))) {
			world.peers = await Peers.make(stack, options.peers);
			await restart(world, 'waves');
		}
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
