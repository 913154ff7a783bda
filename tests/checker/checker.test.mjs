// The checker is content with what is right, and names each kind of contradiction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { Contradiction, judge } from './judge.mjs';
import { Past } from './past.mjs';

const CARD = 'card/c1';
const ME = 'personal/u1';
const content = (name, more = {}) => ({ name, template_type: 't', fields_config: {}, design_config: {}, is_public: true, ...more });
const body = (version, name, more) => ({ id: 'c1', version, ...content(name, more) });

// A card that "one" made and "two" changed.
const DUMP = [
	{ row: 'card', entity: CARD, version: 2, slug: 'one', content: content('two') },
	{ row: 'version', entity: CARD, version: 1, deletion: false, before: {} },
	{ row: 'version', entity: CARD, version: 2, deletion: false, before: { name: 'one' } },
];
const CREATED = [
	{ line: 'asked', try: 1, client: 'a', do: 'create', key: 'k1', sent: { name: 'one' } },
	{ line: 'told', try: 1, status: 201, entity: CARD, version: 1, body: body(1, 'one') },
];
const UPDATE = { line: 'asked', try: 2, client: 'a', do: 'update', entity: CARD, key: 'k2', from: 1, sent: { name: 'two' } };
const UPDATED = { line: 'told', try: 2, status: 200, entity: CARD, version: 2, body: body(2, 'two') };
const READ = { line: 'asked', try: 3, client: 'b', do: 'read', entity: CARD };
const GONE = [
	{ row: 'version', entity: CARD, version: 1, deletion: false, before: {} },
	{ row: 'version', entity: CARD, version: 2, deletion: true, before: content('one') },
	{ row: 'retired', entity: CARD, slug: 'one' },
];
const DELETE = { line: 'asked', try: 2, client: 'a', do: 'delete', entity: CARD, key: 'k2', from: 1 };

const told = (n, status, more = {}) => ({ line: 'told', try: n, status, ...more });
const again = (asked, n) => ({ ...asked, try: n });
const shown = (n, version, name) => told(n, 200, { entity: CARD, version, body: body(version, name) });
const conflict = (n, version, name) =>
	told(n, 409, { body: { currentVersion: version, current: body(version, name) } });

function run(dump, record) {
	const past = new Past();
	for (const row of structuredClone(dump)) past.take(row);
	past.complete();
	return judge(past, structuredClone(record));
}

const good = (sentence, dump, record, counts) =>
	test(`content: ${sentence}`, () => {
		const got = run(dump, record);
		for (const [name, value] of Object.entries(counts ?? {})) assert.equal(got[name], value, name);
	});

const bad = (sentence, words, dump, record) =>
	test(`found: ${sentence}`, () => {
		assert.throws(() => run(dump, record), (error) => {
			assert.ok(error instanceof Contradiction, error.stack);
			assert.match(error.message, words);
			assert.ok(error.proof.length > 0);
			return true;
		});
	});

good('a card made, changed and read', DUMP, [...CREATED, UPDATE, UPDATED, READ, shown(3, 2, 'two')],
	{ writes: 2, applied: 2, reads: 1 });
good('a write whose outcome is unknown, and which is there', DUMP, [...CREATED, UPDATE, told(2, 504)], { uncertain: 1 });
good('one that is unknown and is not there', DUMP,
	[...CREATED, UPDATE, UPDATED, { ...UPDATE, try: 4, key: 'k4', sent: { name: 'other' } }, told(4, 'unknown')]);
good('one that was never answered', DUMP, [...CREATED, UPDATE], { uncertain: 1 });
good('a repeat that gets the first answer', DUMP, [...CREATED, UPDATE, told(2, 'unknown'), again(UPDATE, 3), { ...UPDATED, try: 3 }],
	{ writes: 2, repeats: 1, applied: 2 });
good('a repeat after 503, and one told that the first is under way', DUMP, [...CREATED, UPDATE, told(2, 503), again(UPDATE, 3),
	told(3, 409, { body: { type: 'urn:cardkeep:problem:idempotency-in-progress' } }), again(UPDATE, 4), { ...UPDATED, try: 4 }]);
good('a conflict that was one', DUMP, [...CREATED, UPDATE, UPDATED, { ...UPDATE, try: 5, key: 'k5', sent: { name: 'mine' } }, conflict(5, 2, 'two')],
	{ refused: 1 });
good('a read that began before the change was told', DUMP, [...CREATED, UPDATE, READ, UPDATED, shown(3, 1, 'one')]);
good('a deletion, and a read that finds nothing', GONE, [...CREATED, DELETE, told(2, 204), READ, told(3, 404)]);
good('a deletion that nobody heard of', GONE, [...CREATED, DELETE, told(2, 'unknown')]);
good('a profile from its version 0', [
	{ row: 'profile', entity: ME, version: 1, content: { full_name: 'Ada', address: null } },
	{ row: 'version', entity: ME, version: 1, deletion: false, before: { full_name: null } },
], [
	{ line: 'asked', try: 1, client: 'a', do: 'read', entity: ME },
	told(1, 200, { entity: ME, version: 0, body: { version: 0 } }),
	{ line: 'asked', try: 2, client: 'a', do: 'save', entity: ME, from: 0, sent: { full_name: 'Ada' } },
	told(2, 201, { entity: ME, version: 1, body: { full_name: 'Ada', address: null } }),
]);

bad('a version that is missing from the history', /no version 1 in its history/, DUMP.filter((row) => row.version !== 1), CREATED);
bad('a history that is behind', /at version 2 and its history at 1/, DUMP.slice(0, 2), CREATED);
bad('a card that vanished', /does not end in its deletion/, DUMP.slice(1), CREATED);
bad('a card that was deleted and is there', /was deleted and is there/, [DUMP[0], ...GONE.slice(0, 2)], CREATED);
bad('a slug of two cards', /two cards have the slug one/, [...DUMP, { row: 'card', entity: 'card/c2', version: 1, slug: 'one', content: content('x') }], CREATED);
bad('a slug given again after its card was deleted', /two cards have the slug one/,
	[...GONE, { row: 'card', entity: 'card/c2', version: 1, slug: 'one', content: content('x') }], CREATED);
bad('a create applied twice', /applied twice: "one"/, [...DUMP,
	{ row: 'card', entity: 'card/c2', version: 1, slug: 'one-2', content: content('one') },
	{ row: 'version', entity: 'card/c2', version: 1, deletion: false, before: {} }], [...CREATED, UPDATE, UPDATED]);
bad('an update applied twice', /applied twice: "two"/, [
	{ row: 'card', entity: CARD, version: 4, slug: 'one', content: content('two') }, ...DUMP.slice(1),
	{ row: 'version', entity: CARD, version: 3, deletion: false, before: { name: 'two' } },
	{ row: 'version', entity: CARD, version: 4, deletion: false, before: { name: 'three' } }], [...CREATED, UPDATE, UPDATED,
	{ ...UPDATE, try: 4, key: 'k4', from: 2, sent: { name: 'three' } }, shown(4, 3, 'three')]);
bad('an acknowledged write that is lost', /acknowledged write is not there/, DUMP,
	[...CREATED, UPDATE, UPDATED, { ...UPDATE, try: 4, key: 'k4', from: 2, sent: { name: 'three' } }, shown(4, 3, 'three')]);
bad('a write acknowledged at another version', /acknowledged as version 3 .* is version 2/, DUMP, [...CREATED, UPDATE, { ...UPDATED, version: 3 }]);
bad('an update from a version that was no longer there', /was to be version 1 .* was applied as version 2/, DUMP,
	[...CREATED, { ...UPDATE, from: 0 }, UPDATED]);
bad("somebody else's answer", /version 1 of card\/c1, and is version 2/, DUMP, [...CREATED, UPDATE, { ...UPDATED, version: 1, body: body(1, 'one') }]);
bad('an answer that shows something else', /shows something else/, DUMP, [...CREATED, UPDATE, { ...UPDATED, body: body(2, 'too') }]);
bad('a field that was not sent and changed', /not what was sent: is_public/, [
	{ ...DUMP[0], content: content('two', { is_public: false }) }, DUMP[1],
	{ ...DUMP[2], before: { name: 'one', is_public: true } }],
	[...CREATED, UPDATE, { ...UPDATED, body: body(2, 'two', { is_public: false }) }]);
bad('a field that was sent and is not there', /not what was sent: fields_config/, DUMP,
	[...CREATED, { ...UPDATE, sent: { name: 'two', fields_config: { a: 1 } } }, UPDATED]);
bad('a conflict with the own write', /conflict with its own write/, DUMP, [...CREATED, UPDATE, told(2, 'unknown'), again(UPDATE, 3), conflict(3, 2, 'two')]);
bad('a refusal of what is there', /refused, and is there/, DUMP, [...CREATED, UPDATE, told(2, 422)]);
bad('503 for what is there', /every try was answered as not applied is there/, DUMP, [...CREATED, UPDATE, told(2, 503)]);
bad('a status that hides what happened', /500 is no answer/, DUMP, [...CREATED, UPDATE, told(2, 500)]);
bad('two answers to one key', /two different answers/, DUMP, [...CREATED, UPDATE, UPDATED, again(UPDATE, 3), { ...UPDATED, try: 3, body: { ...body(2, 'two'), more: 1 } }]);
bad('a read that goes back for one client', /went back from version 2 to 1/, DUMP,
	[...CREATED, UPDATE, told(2, 504), READ, shown(3, 2, 'two'), again(READ, 4), shown(4, 1, 'one')]);
bad('a read that began after a write was acknowledged, and does not see it', /went back from version 2 to 1/, DUMP,
	[...CREATED, UPDATE, UPDATED, READ, shown(3, 1, 'one')]);
bad('a conflict that shows an older version than was known', /went back from version 2 to 1/, DUMP,
	[...CREATED, UPDATE, UPDATED, { ...UPDATE, try: 4, key: 'k4', from: 7, sent: { name: 'x' } }, conflict(4, 1, 'one')]);
bad('a conflict with the version that was named', /conflict was told with the version that is there/, DUMP,
	[...CREATED, UPDATE, told(2, 504), { ...UPDATE, try: 4, key: 'k4', from: 2, sent: { name: 'x' } }, conflict(4, 2, 'two')]);
bad('a read of a version that never was', /shown at version 3, which it never had/, DUMP, [...CREATED, UPDATE, UPDATED, READ, shown(3, 3, 'three')]);
bad('a read of what was rolled back', /shows something else/, DUMP, [...CREATED, UPDATE, UPDATED, READ, shown(3, 2, 'dirty')]);
bad("a read of somebody else's card", /asked for card\/c1 and was shown card\/c9/, DUMP, [...CREATED, READ, told(3, 200, { entity: 'card/c9', version: 1, body: {} })]);
bad('404 for a card that is there', /was not found, and was never deleted/, DUMP, [...CREATED, UPDATE, UPDATED, READ, told(3, 404)]);
bad('a deleted card that is read afterwards', /went back from version 2 to 1/, GONE, [...CREATED, DELETE, told(2, 204), READ, shown(3, 1, 'one')]);
bad('a deletion acknowledged and not done', /a deletion was acknowledged/, DUMP, [...CREATED, UPDATE, UPDATED, { ...DELETE, try: 4, key: 'k4', from: 2 }, told(4, 204)]);
bad('a deletion that was refused and is done', /was refused, and it is deleted/, GONE, [...CREATED, DELETE, told(2, 503)]);
bad('a repeated deletion that does not find itself', /was refused, and it is deleted/, GONE, [...CREATED, DELETE, told(2, 504), again(DELETE, 3), told(3, 404)]);
bad('two who were told that they deleted one card', /two who were both told so/, GONE, [...CREATED, DELETE, told(2, 204), { ...DELETE, try: 4, key: 'k4' }, told(4, 204)]);
bad('a deletion that nobody asked for', /nobody asked for the deletion/, GONE, CREATED);
bad('a version that nobody asked for', /nobody asked for version 2/, DUMP, CREATED);

// "two" was changed by a merge from version 1 that added a key.
const MERGED_DUMP = [
	{ row: 'card', entity: CARD, version: 3, slug: 'one', content: content('two', { fields_config: { a: 'm' } }) },
	...DUMP.slice(1),
	{ row: 'version', entity: CARD, version: 3, deletion: false, before: { fields_config: {} } },
];
const MERGE = { line: 'asked', try: 4, client: 'b', do: 'merge', entity: CARD, key: 'k4', from: 1, mark: 'm', sent: { fields_config: { a: 'm' } } };
const merged = (n, version, more = {}) => told(n, 200, { entity: CARD, version,
	body: { ...body(version, 'two', { fields_config: { a: 'm' } }), merged: true, mergedWith: [2], ...more } });
const BEFORE_MERGE = [...CREATED, UPDATE, UPDATED, MERGE];

good('a merge of fields that nobody else changed', MERGED_DUMP, [...BEFORE_MERGE, merged(4, 3)], { applied: 3, merged: 1 });
good('a merge that nobody heard of', MERGED_DUMP, [...BEFORE_MERGE, told(4, 504)], { uncertain: 1 });
good('a merge from the present version', DUMP, [...CREATED, { ...UPDATE, do: 'merge' }, UPDATED]);
good('a merge that is refused for what overlaps', DUMP,
	[...CREATED, UPDATE, UPDATED, { ...MERGE, sent: { name: 'm' } }, conflict(4, 2, 'two')], { refused: 1 });
bad('a merge that is refused for want of a base that is there', /in which nothing overlaps/, DUMP, [...BEFORE_MERGE,
	told(4, 409, { body: { currentVersion: 2, current: body(2, 'two'), reason: 'base-unavailable' } })]);
bad('a merge acknowledged at another version', /acknowledged as version 4 .* is version 3/, MERGED_DUMP, [...BEFORE_MERGE, merged(4, 4)]);
bad('a merge that names other versions', /names other versions in between/, MERGED_DUMP, [...BEFORE_MERGE, merged(4, 3, { mergedWith: [] })]);
bad('an update that was merged unasked', /names other versions in between/, MERGED_DUMP,
	[...CREATED, UPDATE, UPDATED, { ...MERGE, do: 'update' }, merged(4, 3)]);
bad('a merge with what it overlaps', /merged with what it overlaps: fields_config.a/, [
	{ ...MERGED_DUMP[0] }, DUMP[1],
	{ ...DUMP[2], before: { name: 'one', fields_config: {} } },
	{ row: 'version', entity: CARD, version: 3, deletion: false, before: { fields_config: { a: 1 } } },
], [...CREATED, { ...UPDATE, sent: { name: 'two', fields_config: { a: 1 } } },
	{ ...UPDATED, body: body(2, 'two', { fields_config: { a: 1 } }) }, MERGE, merged(4, 3)]);
bad('a merge that took back what others wrote', /not what the merge comes to/, [
	{ ...MERGED_DUMP[0], content: content('one', { fields_config: { a: 'm' } }) }, ...DUMP.slice(1),
	{ row: 'version', entity: CARD, version: 3, deletion: false, before: { name: 'two', fields_config: {} } },
], [...BEFORE_MERGE, merged(4, 3, { name: 'one' })]);
bad('a merge refused without an overlap', /refused in which nothing overlaps/, DUMP, [...BEFORE_MERGE, conflict(4, 2, 'two')]);
bad('a merge refused, and there', /conflict with its own write/, MERGED_DUMP,
	[...BEFORE_MERGE, told(4, 504), again(MERGE, 5), conflict(5, 2, 'two')]);
bad('a merge applied twice', /applied twice: "m"/, [
	{ ...MERGED_DUMP[0], version: 5 }, ...MERGED_DUMP.slice(1),
	{ row: 'version', entity: CARD, version: 4, deletion: false, before: { fields_config: { a: 'm' } } },
	{ row: 'version', entity: CARD, version: 5, deletion: false, before: { fields_config: { a: 'n' } } },
], [...BEFORE_MERGE, merged(4, 3), { ...MERGE, try: 6, key: 'k6', from: 3, mark: 'n', sent: { fields_config: { a: 'n' } } },
	told(6, 200, { entity: CARD, version: 4, body: body(4, 'two', { fields_config: { a: 'n' } }) })]);

// "two" went back to what it was at version 1.
const REVERTED_DUMP = [
	{ row: 'card', entity: CARD, version: 3, slug: 'one', content: content('one') },
	...DUMP.slice(1),
	{ row: 'version', entity: CARD, version: 3, deletion: false, before: { name: 'two' } },
];
const REVERT = { line: 'asked', try: 4, client: 'b', do: 'revert', entity: CARD, key: 'k4', from: 2, to: 1 };
const BEFORE_REVERT = [...CREATED, UPDATE, UPDATED, REVERT];

good('a revert', REVERTED_DUMP, [...BEFORE_REVERT, shown(4, 3, 'one')], { applied: 3, reverted: 1 });
good('a revert that nobody heard of', REVERTED_DUMP, [...BEFORE_REVERT, told(4, 504)], { uncertain: 1 });
good('a revert to what is there', DUMP, [...CREATED, UPDATE, UPDATED, { ...REVERT, to: 2 }, shown(4, 2, 'two')], { reverted: 0 });
good('two reverts, of which one was told of the conflict', REVERTED_DUMP, [...BEFORE_REVERT, { ...REVERT, try: 5, key: 'k5' },
	shown(4, 3, 'one'), conflict(5, 3, 'one')], { refused: 1 });
bad('a revert acknowledged and not done', /from version 2 to 1 was acknowledged as version 2/, DUMP, [...BEFORE_REVERT, shown(4, 2, 'two')]);
bad('a revert to something else', /version 3 of card\/c1 is not what version 1 was/,
	[{ ...REVERTED_DUMP[0], content: content('x') }, ...REVERTED_DUMP.slice(1)], [...BEFORE_REVERT, shown(4, 3, 'x')]);
bad('a revert that nobody asked for', /applied twice: "one"/, REVERTED_DUMP, [...CREATED, UPDATE, UPDATED]);
bad('a revert that was refused and is done', /everybody who would make version 3/, REVERTED_DUMP,
	[...BEFORE_REVERT, told(4, 504), again(REVERT, 5), conflict(5, 3, 'one')]);
bad('503 for a revert that is done', /everybody who would make version 3/, REVERTED_DUMP, [...BEFORE_REVERT, told(4, 503)]);
bad('two who were told that they brought the same back', /two who were both told so/, REVERTED_DUMP,
	[...BEFORE_REVERT, shown(4, 3, 'one'), { ...REVERT, try: 5, key: 'k5' }, shown(5, 3, 'one')]);
bad('a version that changed nothing', /nobody asked for version 3/, [
	{ ...DUMP[0], version: 3 }, ...DUMP.slice(1), { row: 'version', entity: CARD, version: 3, deletion: false, before: {} },
], [...CREATED, UPDATE, UPDATED]);

test('the program judges files, prints the first contradiction, and says by its status what it found', (t) => {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckt-'));
	t.after(() => fs.rmSync(dir, { recursive: true }));
	const file = (name, lines) => {
		fs.writeFileSync(path.join(dir, name), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
		return path.join(dir, name);
	};
	const program = new URL('check.mjs', import.meta.url).pathname;
	const check = (...args) => spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
	const dump = file('dump', DUMP);
	const right = check(file('right', [...CREATED, UPDATE, UPDATED]), dump);
	assert.deepEqual([right.status, right.stdout], [0,
		'no contradiction in 4 lines: 2 writes (2 applied, of them 0 merged and 0 reverts; 0 refused, 0 unknown; ' +
			'0 repeats) and 0 reads\n']);
	const wrong = check(file('wrong', [...CREATED, UPDATE, told(2, 503)]), dump);
	assert.equal(wrong.status, 1);
	assert.match(wrong.stdout, /^contradiction: a write whose every try[^]*line 3: \{"line":"asked"[^]*line 4: [^]*the database: \{"row":"version"/);
	assert.equal(check(file('broken', CREATED), path.join(dir, 'none')).status, 2);
	fs.writeFileSync(path.join(dir, 'cut'), '{"line":');
	assert.match(check(path.join(dir, 'cut'), dump).stderr, /cut, line 1: /);
	assert.equal(check().status, 2);
});

test('a run a hundred times as long takes about as many times longer', (t) => {
	const time = (n) => {
		const dump = [];
		const record = [];
		for (let i = 1; i <= n; i++) {
			const entity = `card/${i % 100}`;
			const version = Math.floor((i - 1) / 100) + 1;
			dump.push({ row: 'version', entity, version, deletion: false, before: version > 1 ? { name: `m${i - 100}` } : {} });
			if (i > n - 100) dump.push({ row: 'card', entity, version, slug: entity, content: content(`m${i}`) });
			record.push({ line: 'asked', try: i, client: 'a', do: version > 1 ? 'update' : 'create', ...(version > 1 && { entity }), from: version - 1, sent: { name: `m${i}` } });
			record.push(told(i, version > 1 ? 200 : 201, { entity, version, body: content(`m${i}`) }));
		}
		const began = process.cpuUsage();
		run(dump, record);
		const { user } = process.cpuUsage(began);
		return user / 1000;
	};
	time(1000);
	const [short, long] = [time(1000), time(100_000)];
	t.diagnostic(`measured: 1,000 writes ${short.toFixed(0)} ms, 100,000 writes ${long.toFixed(0)} ms`);
	assert.ok(long < 100 * Math.max(short, 10) * 5, `${short} ms, ${long} ms`);
});
