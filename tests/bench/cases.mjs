// What is measured: every case, and which of them are set against each other.
//
// A case is KIND/WAY/WIDTH. WAY: `waves` is Cardkeep as users get it, `ones` the same with waves of
// one call, `naive` the same as `ones` with functions that do what was done before, `fastify` and `php`
// what users would pick instead, `pgbench` the same prepared call without us, `pgbench-naive` what was
// done before without us. WIDTH: connections, or pgbench's clients.

const PEERS = ['fastify', 'php'];
export const isPeer = (way) => PEERS.includes(way);
export const isDirect = (way) => way.startsWith('pgbench');

// sends: the load generator's word; counts: what grows by one with each answer; world: what is
// there at the start; mark: one call in a hundred is made to fail.
export const KINDS = {
	create: { sends: 'create', counts: 'cards', world: 'grown' },
	'create-one': { sends: 'create-one', counts: 'cards', world: 'grown' },
	update: { sends: 'update', counts: 'versions', world: 'grown' },
	'create-key': { sends: 'create-key', counts: 'cards', world: 'grown' },
	'update-key': { sends: 'update-key', counts: 'versions', world: 'grown' },
	profile: { sends: 'profile', counts: 'profiles', world: 'grown' },
	read: { sends: 'read', world: 'grown' },
	constant: { sends: 'constant', world: 'grown' },
	mixed: { sends: 'mixed', counts: 'versions', world: 'grown' },
	hot: { sends: 'hot', counts: 'versions', world: 'grown' },
	'update-one': { sends: 'hot-one', counts: 'versions', world: 'grown' },
	'create-errors': { sends: 'create', counts: 'cards', world: 'grown', mark: true },
	'update-errors': { sends: 'update', counts: 'versions', world: 'grown', mark: true },
	'create-fresh': { sends: 'create', counts: 'cards', world: 'empty' },
	'update-fresh': { sends: 'update', counts: 'versions', world: 'growing' },
};

const CALLS = ['create', 'create-one', 'update', 'update-one', 'profile', 'read', 'mixed'];
const KEYED = ['create-key', 'update-key'];
const BEFORE = ['create', 'update', 'profile'];
const AT_64 = ['constant', 'hot', 'create-errors', 'update-errors', 'create-fresh', 'update-fresh'];

// only: prefixes of cases (`update`, `update/pgbench`); none: all.
export function cases({ quick, many, only }) {
	const widths = [1, ...(quick ? [] : [16]), 64, ...(quick ? [] : [256])];
	const clients = quick ? [1, 8, 16] : [1, 4, 8, 16, 32];
	const all = [
		...cross(CALLS, 'waves', many ? [...new Set([...widths, 256, 1000, 2000])] : widths),
		...['ones', 'naive', ...PEERS].flatMap((way) => cross(CALLS, way, widths)),
		...cross(CALLS, 'pgbench', clients),
		...cross(KEYED, 'waves', [1, 64]),
		...cross(KEYED, 'pgbench', clients),
		...cross(BEFORE, 'pgbench-naive', clients),
		...cross(AT_64, 'waves', [64]),
	];
	return all.filter(({ id }) => !only || only.some((word) => `${id}/`.startsWith(`${word}/`)));
}

function cross(kinds, way, widths) {
	return kinds.flatMap((kind) =>
		widths.map((width) => ({ id: `${kind}/${way}/${width}`, kind, way, width })),
	);
}

// Each: what it says, which value, of which case, over which (`*`: the best in that round), and the
// mark that it is held against.
const least = (mark) => ({ bound: 'at least', mark });
const most = (mark) => ({ bound: 'at most', mark });
const rate = (says, of, over, mark) => ({ says, value: 'rate', of, over, ...mark });
const p50 = (says, of, over, mark) => ({ says, value: 'p50', of, over, ...mark });

function tail(kind, width) {
	const of = `${kind}/waves/${width}`;
	const says = `${kind}, ${width} connections: p99 over p50`;
	return { says, value: 'p99', of, overValue: 'p50', over: of, ...most(4) };
}

export const RATIOS = [
	rate('creates over pgbench', 'create/waves/64', 'create/pgbench/*', least(1.6)),
	rate('updates over pgbench', 'update/waves/64', 'update/pgbench/*', least(1.8)),
	rate('profile saves over pgbench', 'profile/waves/64', 'profile/pgbench/*'),
	rate('creates of one name over pgbench', 'create-one/waves/64', 'create-one/pgbench/*'),
	rate('reads over pgbench', 'read/waves/64', 'read/pgbench/*'),
	rate('a mixture over pgbench', 'mixed/waves/64', 'mixed/pgbench/*'),
	rate('updates of one card over pgbench', 'update-one/waves/64', 'update-one/pgbench/*'),
	p50('create, one connection, over pgbench', 'create/waves/1', 'create/pgbench/1', most(1.4)),
	p50('update, one connection, over pgbench', 'update/waves/1', 'update/pgbench/1', most(1.4)),
	p50('read, one connection, over pgbench', 'read/waves/1', 'read/pgbench/1'),
	...BEFORE.flatMap((kind) => [
		rate(`${kind}: after over before, both at the database`, `${kind}/pgbench/*`, `${kind}/pgbench-naive/*`),
		p50(`${kind}: after over before, one client at the database`, `${kind}/pgbench/1`, `${kind}/pgbench-naive/1`),
	]),
	...['naive', ...PEERS].flatMap((way) =>
		CALLS.map((kind) => rate(`${kind} over ${way}`, `${kind}/waves/64`, `${kind}/${way}/64`)),
	),
	...['naive', ...PEERS].flatMap((way) =>
		CALLS.map((kind) => p50(`${kind}, one connection, over ${way}`, `${kind}/waves/1`, `${kind}/${way}/1`)),
	),
	rate('reads over a constant answer', 'read/waves/64', 'constant/waves/64', least(0.6)),
	rate('8 hot cards over spread ones', 'hot/waves/64', 'update/waves/64', least(0.8)),
	rate('creates, 1 % fails, over none', 'create-errors/waves/64', 'create/waves/64', least(0.7)),
	rate('updates, 1 % fails, over none', 'update-errors/waves/64', 'update/waves/64', least(0.7)),
	rate('fresh creates over pgbench', 'create-fresh/waves/64', 'create/pgbench/*', least(1.6)),
	rate('fresh updates over pgbench', 'update-fresh/waves/64', 'update/pgbench/*', least(1.8)),
	rate('keyed creates over pgbench', 'create-key/waves/64', 'create-key/pgbench/*', least(1.5)),
	rate('keyed updates over pgbench', 'update-key/waves/64', 'update-key/pgbench/*', least(1.5)),
	rate('keyed creates over creates', 'create-key/waves/64', 'create/waves/64'),
	rate('keyed updates over updates', 'update-key/waves/64', 'update/waves/64'),
	p50('keyed create, one connection, over create', 'create-key/waves/1', 'create/waves/1', most(1.25)),
	p50('keyed update, one connection, over update', 'update-key/waves/1', 'update/waves/1', most(1.25)),
	rate('one name over distinct names', 'create-one/waves/64', 'create/waves/64'),
	...CALLS.map((kind) => rate(`${kind}: waves over waves of one`, `${kind}/waves/64`, `${kind}/ones/64`)),
	...[256, 1000, 2000].flatMap((width) =>
		['create', 'update', 'read'].map((kind) => tail(kind, width)),
	),
];
