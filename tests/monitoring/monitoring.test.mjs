// What monitoring/ ships: sound by the tools of those who will read it, equal to the service's own
// alerts, and asking only for metrics that a real Prometheus got from a real service.
import fs from 'node:fs';
import path from 'node:path';

import { parse } from 'yaml';

import { assert, after, endsCleanly, own, test, top, until } from '../lib/harness.mjs';
import { Prometheus, asking, run } from '../lib/prometheus.mjs';

const shipped = (name) => path.join(top, 'monitoring', name);
const RULES = shipped('cardkeep.rules.yml');
const rules = parse(fs.readFileSync(RULES, 'utf8')).groups.flatMap((group) => group.rules);
const alerts = rules.filter(({ alert }) => alert !== undefined);
const dashboard = JSON.parse(fs.readFileSync(shipped('grafana/cardkeep.json'), 'utf8'));

// ---- without a service ----

test('promtool and amtool find nothing to complain about', () => {
	assert.match(run('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', RULES]), /SUCCESS: \d+ rules/);
	run('promtool', ['check', 'config', shipped('prometheus.yml')]);
	run('amtool', ['check-config', shipped('alertmanager.yml')]);
});

test('every alert fires, holds and ends when it should: promtool test rules', () => {
	assert.match(run('promtool', ['test', 'rules', path.join(top, 'tests/monitoring/rules.test.yml')]), /SUCCESS/);
});

test('every alert is among those tests', () => {
	const text = fs.readFileSync(path.join(top, 'tests/monitoring/rules.test.yml'), 'utf8');
	for (const { alert } of alerts) assert.ok(text.includes(`"${alert}"`) || text.includes(`alertname: ${alert}`), alert);
});

// {name: {summary, sides: [raise, clear], seconds}} of the service's own, from its lists.
function builtIn() {
	const list = fs.readFileSync(path.join(top, 'src/catalog/alerts.def'), 'utf8');
	const keys = fs.readFileSync(path.join(top, 'src/catalog/conf.def'), 'utf8');
	const found = {};
	for (const [, name, key, summary] of list.matchAll(/^ALERT\(\w+, "(\w+)", \w+, (\w+),\s+"(.*)"\)/gm)) {
		const rule = new RegExp(`^CONF_RULE\\(${key}, "(\\w+) ([\\d.]+)(%?) clear ([\\d.]+)%? for (\\d+)s"`, 'm').exec(keys);
		const scale = rule[3] === '%' ? 100 : 1;
		found[name] = {
			summary,
			side: rule[1] === 'above' ? '>' : '<',
			numbers: [rule[2] / scale, rule[4] / scale],
			seconds: Number(rule[5]),
		};
	}
	return found;
}

test('alerts have the names, numbers, times and words of the built-in ones, and a page each', () => {
	const wanted = builtIn();
	assert.deepEqual(alerts.map(({ alert }) => alert).filter((name) => name !== 'CardkeepDown'), Object.keys(wanted));
	for (const rule of alerts) {
		const page = rule.annotations.runbook_url.replace(/^https:\/\/docs\.example\.org\/cardkeep\//, 'doc/');
		assert.ok(fs.existsSync(path.join(top, page)), page);
		if (rule.alert === 'CardkeepDown') continue;
		const { summary, side, numbers, seconds } = wanted[rule.alert];
		assert.equal(rule.annotations.summary, summary);
		assert.equal(parseInt(rule.for ?? '0', 10), seconds, rule.alert);
		const compared = [...rule.expr.matchAll(/(?<![=!])([<>]) ([\d.]+)/g)].map(([, sign, number]) => [sign, Number(number)]);
		// One number where an event in the window raises it and none clears it.
		const both = numbers[0] === numbers[1] ? [numbers[0]] : numbers;
		assert.deepEqual(compared, both.map((number) => [side, number]), rule.alert);
		if (both.length === 2) assert.match(rule.expr, new RegExp(`ALERTS{alertname="${rule.alert}", alertstate="firing"}`));
	}
});

test('rules judge by as many events, as long, and by as long a wait as the built-in alerts', () => {
	const preset = (key) => Number(new RegExp(`^CONF_NUMBER\\(${key}, (\\d+),`, 'm')
		.exec(fs.readFileSync(path.join(top, 'src/catalog/conf.def'), 'utf8'))[1]);
	const [, wait] = /^#define WAIT_LONG_US (\d+)$/m.exec(fs.readFileSync(path.join(top, 'src/stats/alert.c'), 'utf8'));
	const found = (what) => rules.flatMap(({ expr }) => [...expr.matchAll(what)].map(([, number]) => Number(number)));
	assert.deepEqual([...new Set(found(/>= (\d+)/g))], [preset('alert_min_events')]);
	assert.deepEqual([...new Set(found(/\[(\d+)m\]/g))].sort(), [preset('window_short_s') / 60, preset('window_s') / 60]);
	assert.deepEqual(found(/le="([\d.]+)"/g), [wait / 1e6]);
});

// ---- with one ----

const stack = await own({ env: { CARDKEEP_DISK_PATH: '/' } });
const relay = await asking(stack.port, 'text/plain;version=0.0.4');
after(() => relay.close());
const prometheus = await Prometheus.start({ cardkeep: stack.port, text: relay.port }, [RULES]);
after(() => prometheus.stop());

// A little of what can be counted.
async function work() {
	const { client } = stack;
	const { token } = await client.register();
	const one = await client.card(token);
	const read = await client.get(`/api/cards/${one.id}`, { token });
	assert.equal(read.status, 200);
	const write = (body) => client.patch(`/api/cards/${one.id}`, body, { token });
	assert.equal((await write({ version: 1, name: 'A' })).status, 200);
	assert.equal((await write({ version: 1, name: 'B' })).status, 409);
	assert.equal((await write({ version: 1, template_type: 'other', merge: true })).status, 200);
}

const scraped = (job) => prometheus.query(`count_over_time(up{job="${job}"}[1m]) >= 5 and on () up{job="${job}"} == 1`);

test('a real Prometheus scrapes both formats, and reads the same series in them', async () => {
	await work();
	await until('it has scraped the work', async () => {
		const [sum] = await prometheus.query('sum(cardkeep_merges_total{job="cardkeep"})');
		return Number(sum?.value[1]) > 0;
	}, 20_000);
	for (const job of ['cardkeep', 'text'])
		await until(`job ${job} is up`, async () => (await scraped(job)).length > 0, 20_000);
	const series = async (job) => {
		const all = await prometheus.query(`{job="${job}", __name__=~"cardkeep_.+|process_.+"}`);
		return all.map(({ metric }) => {
			const { job: _, instance, ...rest } = metric;
			return JSON.stringify(Object.entries(rest).sort());
		}).sort();
	};
	// Between two scrapes a pair of labels may be new; the next one has it too.
	await until('both have the same', async () => {
		const [open, text] = [await series('cardkeep'), await series('text')];
		return open.length > 500 && JSON.stringify(open) === JSON.stringify(text);
	}, 10_000);
	const types = await prometheus.api('targets/metadata', { match_target: '{job="cardkeep"}' });
	assert.ok(types.some(({ metric, type }) => metric === 'cardkeep_build' && type === 'info'), 'OpenMetrics');
	assert.equal(prometheus.log(), '');
});

// What Grafana puts in place of its variables.
function filled(expr) {
	return expr.replaceAll('$__rate_interval', '15s').replaceAll('$job', 'cardkeep').replaceAll('$instance', '.+');
}

const exprs = [
	...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr }))),
	...dashboard.annotations.list.map(({ name, expr }) => ({ title: name, expr, silent: true })),
	...rules.map(({ record, alert, expr }) => ({ title: record ?? alert, expr, silent: alert !== undefined })),
];

test('every expression of the dashboard and the rules names series that are there, and is answered', async () => {
	await until('the rules have run', async () => (await prometheus.query('cardkeep:version_conflicts:ratio5m')).length > 0);
	const names = new Set(await prometheus.api('label/__name__/values'));
	names.add('ALERTS');
	assert.ok(exprs.length > 50);
	for (const { title, expr, silent } of exprs) {
		const query = filled(expr);
		assert.doesNotMatch(query, /\$/, title);
		const used = query.match(/\b(cardkeep[_:][\w:]+|process_\w+|ALERTS)\b/g) ?? [];
		for (const name of used) assert.ok(names.has(name), `${title}: no ${name}`);
		const result = await prometheus.query(query);
		if (!silent) assert.ok(result.length > 0, `${title}: nothing for ${query}`);
	}
});

test('what Prometheus works out is what the service says of itself', async () => {
	const value = async (expr) => Number((await prometheus.query(expr))[0]?.value[1]);
	const { json } = await stack.client.get('/status.json');
	const { value: rate } = json.indicators.version_conflict_rate;
	assert.ok(Math.abs(rate - 1 / 3) < 1e-5, `${rate}`);
	assert.equal(await value('sum(cardkeep_version_conflicts_total{job="cardkeep"}) / (sum(cardkeep_version_conflicts_total{job="cardkeep"}) + sum(cardkeep_updates_total{job="cardkeep"}) + sum(cardkeep_merges_total{job="cardkeep"}))'), 1 / 3);
	assert.deepEqual((await prometheus.query('ALERTS{alertstate="firing"}')), []);
});

test('every panel says what it shows, and none lies over another', () => {
	const taken = new Set();
	for (const { id, type, title, description, gridPos: { x, y, w, h } } of dashboard.panels) {
		assert.ok(title && (type === 'row' || description), `panel ${id}`);
		for (let i = x; i < x + w; i++)
			for (let j = y; j < y + h; j++) {
				assert.ok(i < 24 && !taken.has(`${i},${j}`), `${title}: ${i},${j}`);
				taken.add(`${i},${j}`);
			}
	}
	const ids = dashboard.panels.map(({ id }) => id);
	assert.equal(new Set(ids).size, ids.length);
});

test('promtool finds nothing to complain about in what a service at work exposes', async (t) => {
	const { text } = await stack.client.get('/metrics');
	assert.equal(run('promtool', ['check', 'metrics'], text), '');
	const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
	t.diagnostic(`measured: ${series} series`);
});

endsCleanly(stack);
