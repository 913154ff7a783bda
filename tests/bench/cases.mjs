// What is measured: every case, and which of them are set against each other.
//
// A case is KIND/WAY/WIDTH. WAY: `waves` is Cardkeep as users get it, `ones` the same with waves of
// one call, `pgbench` the same prepared call without us. WIDTH: connections, or pgbench's clients.

// sends: the load generator's word; counts: what grows by one with each answer; world: what is there
// at the start; mark: one call in a hundred is made to fail.
export const KINDS = {
	create: { sends: 'create', counts: 'cards', world: 'grown' },
	'create-one': { sends: 'create-one', counts: 'cards', world: 'grown' },
	update: { sends: 'update', counts: 'versions', world: 'grown' },
	read: { sends: 'read', world: 'grown' },
	constant: { sends: 'constant', world: 'grown' },
	hot: { sends: 'hot', counts: 'versions', world: 'grown' },
	'create-errors': { sends: 'create', counts: 'cards', world: 'grown', mark: true },
	'update-errors': { sends: 'update', counts: 'versions', world: 'grown', mark: true },
	'create-fresh': { sends: 'create', counts: 'cards', world: 'empty' },
	'update-fresh': { sends: 'update', counts: 'versions', world: 'growing' },
};

const CALLS = ['create', 'create-one', 'update', 'read'];
const AT_64 = ['constant', 'hot', 'create-errors', 'update-errors', 'create-fresh', 'update-fresh'];

// only: prefixes of cases (`update`, `update/pgbench`); none: all.
export function cases({ quick, many, only }) {
	const widths = [1, ...(quick ? [] : [16]), 64, ...(quick ? [] : [256])];
	if (many) widths.push(256, 1000, 2000);
	const clients = quick ? [1, 8, 16] : [1, 4, 8, 16, 32];
	const all = [
		...cross(CALLS, 'waves', [...new Set(widths)]),
		...cross(CALLS, 'ones', [1, 64]),
		...cross(CALLS, 'pgbench', clients),
		...cross(AT_64, 'waves', [64]),
	];
	return all.filter(({ id }) => !only || only.some((word) => `${id}/`.startsWith(`${word}/`)));
}

function cross(kinds, way, widths) {
	return kinds.flatMap((kind) =>
		widths.map((width) => ({ id: `${kind}/${way}/${width}`, kind, way, width })),
	);
}

// Each: what it says, the value asked of which case, over which (`*`: the best in that round), and
// the mark it is held against.
export const RATIOS = [
	['creates over pgbench', 'rate', 'create/waves/64', 'create/pgbench/*', 'at least', 1.6],
	['updates over pgbench', 'rate', 'update/waves/64', 'update/pgbench/*', 'at least', 1.8],
	['reads over pgbench', 'rate', 'read/waves/64', 'read/pgbench/*'],
	['creates of one name over pgbench', 'rate', 'create-one/waves/64', 'create-one/pgbench/*'],
	['one connection, create over pgbench', 'p50', 'create/waves/1', 'create/pgbench/1', 'at most', 1.4],
	['one connection, update over pgbench', 'p50', 'update/waves/1', 'update/pgbench/1', 'at most', 1.4],
	['one connection, read over pgbench', 'p50', 'read/waves/1', 'read/pgbench/1', 'at most', 1.4],
	['reads over a constant answer', 'rate', 'read/waves/64', 'constant/waves/64', 'at least', 0.6],
	['8 hot cards over spread ones', 'rate', 'hot/waves/64', 'update/waves/64', 'at least', 0.8],
	['creates, 1 % failing, over none', 'rate', 'create-errors/waves/64', 'create/waves/64', 'at least', 0.7],
	['updates, 1 % failing, over none', 'rate', 'update-errors/waves/64', 'update/waves/64', 'at least', 0.7],
	['creates from empty over pgbench', 'rate', 'create-fresh/waves/64', 'create/pgbench/*', 'at least', 1.6],
	['updates, old plans, over pgbench', 'rate', 'update-fresh/waves/64', 'update/pgbench/*', 'at least', 1.8],
	['one name over distinct names', 'rate', 'create-one/waves/64', 'create/waves/64'],
	['creates, waves over waves of one', 'rate', 'create/waves/64', 'create/ones/64'],
	['updates, waves over waves of one', 'rate', 'update/waves/64', 'update/ones/64'],
	['reads, waves over waves of one', 'rate', 'read/waves/64', 'read/ones/64'],
	...[256, 1000, 2000].flatMap((width) =>
		['create', 'update', 'read'].map((kind) => [
			`${width} connections, ${kind}: p99 over p50`, 'p99', `${kind}/waves/${width}`,
			`${kind}/waves/${width}`, 'at most', 4, 'p50',
		]),
	),
].map(([says, value, of, over, bound, mark, overValue = value]) => ({
	says, value, of, over, bound, mark, overValue,
}));
