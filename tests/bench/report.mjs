// From what each round measured to one table and a list of ratios.
//
// The machine's speed wanders from minute to minute, so a ratio is taken within each round, and
// what is shown is the median of the rounds with the least and the most.
import { RATIOS, isDirect } from './cases.mjs';

const VALUES = ['rate', 'p50', 'p99', 'nginx_us', 'service_us', 'postgres_us', 'generator_us'];

export function median(list) {
	const sorted = [...list].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function spread(list) {
	if (list.length === 0) return undefined;
	return { median: median(list), least: Math.min(...list), most: Math.max(...list) };
}

// What a round says of `id`; `KIND/WAY/*` is the way's best in that round, for rates.
function pick(round, id, value) {
	if (!id.endsWith('/*')) return round[id]?.[value];
	const all = Object.keys(round).filter((name) => name.startsWith(id.slice(0, -1)));
	return all.length > 0 ? Math.max(...all.map((name) => round[name][value])) : undefined;
}

function ratio(rounds, { of, value, over, overValue = value }) {
	const each = rounds.map((round) => pick(round, of, value) / pick(round, over, overValue));
	return spread(each.filter(Number.isFinite));
}

// What a row's rate is set against: alone on one connection, else pgbench at its best.
function opponent({ kind, way, width }) {
	if (isDirect(way)) return undefined;
	return `${kind.replace(/-(fresh|errors)$/, '')}/pgbench/${width === 1 ? 1 : '*'}`;
}

export function summarize(cases, rounds) {
	const rows = cases.map((one) => {
		const results = rounds.map((round) => round[one.id]).filter(Boolean);
		const row = { ...one, rounds: results.length };
		for (const value of VALUES) row[value] = median(results.map((result) => result[value]));
		row.errors = results.reduce((sum, result) => sum + result.errors, 0);
		row.refused = results.reduce((sum, result) => sum + result.refused, 0);
		const over = opponent(one);
		row.over_pgbench = over && ratio(rounds, { of: one.id, value: 'rate', over });
		return row;
	});
	const ratios = RATIOS.map((one) => ({ ...one, got: ratio(rounds, one) }));
	return { rows, ratios: ratios.filter((one) => one.got) };
}

const shown = (number, digits) => (Number.isFinite(number) ? number.toFixed(digits) : '');
const range = (got) =>
	got ? `${shown(got.median, 2)} (${shown(got.least, 2)}-${shown(got.most, 2)})` : '';

function columns(heads, lines, left) {
	const all = [heads, ...lines];
	const widths = heads.map((_, i) => Math.max(...all.map((cells) => cells[i].length)));
	return all
		.map((cells) =>
			cells
				.map((cell, i) => (i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}

function table(rows) {
	const heads = ['case', 'way', 'width', 'per s', 'p50 ms', 'p99 ms', 'errors', 'nginx us',
		'service us', 'postgres us', 'generator us', 'x pgbench (least-most)'];
	const lines = rows.map((row) => [
		row.kind, row.way, String(row.width), shown(row.rate, 0), shown(row.p50, 2),
		shown(row.p99, 2), String(row.errors), shown(row.nginx_us, 0), shown(row.service_us, 0),
		shown(row.postgres_us, 0), shown(row.generator_us, 0), range(row.over_pgbench),
	]);
	return columns(heads, lines, 2);
}

function verdicts(ratios) {
	const heads = ['ratio, a round', 'of', 'median (least-most)', 'mark', ''];
	const lines = ratios.map(({ says, value, got, bound, mark }) => [
		says, value, range(got), mark ? `${bound} ${mark}` : '', mark ? kept(got, bound, mark) : '',
	]);
	return columns(heads, lines, 2);
}

function kept({ median: got }, bound, mark) {
	return (bound === 'at least' ? got >= mark : got <= mark) ? 'kept' : 'missed';
}

export function print({ about, rows, ratios }) {
	console.log(Object.entries(about).map(([name, value]) => `${name}: ${value}`).join('\n'));
	console.log(`\n${table(rows)}`);
	if (ratios.length > 0) console.log(`\n${verdicts(ratios)}`);
}
