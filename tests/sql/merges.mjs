// Merging against a model: random programs of edits, from any version and of any fields, and reverts.
//
//   node tests/sql/merges.mjs CONNINFO       CARDKEEP_MERGES says how many programs (300)
//
// The model does not merge. An edit is a list of changes that somebody made to what they saw; it goes
// through where each field it changes is still as it was seen, or has become what it is changed to,
// and is then made to what is there now, as if it had come last. A program's calls are worked out
// beforehand and made in one go; what is compared is every answer, and the history at the end.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';

import { Session } from '../lib/psql.mjs';

const PROGRAMS = Number(process.env.CARDKEEP_MERGES || 300);

const text = (value) => (value === null ? 'null' : `'${String(value).replaceAll("'", "''")}'`);
const json = (value) => (value === undefined ? 'null' : `${text(JSON.stringify(value))}::jsonb`);
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// A state is a flat object of path and value: the keys of documents are fields of their own.
const DOCUMENTS = ['fields_config', 'design_config'];
const flat = (whole, names) =>
	Object.fromEntries(names.flatMap((name) =>
		DOCUMENTS.includes(name)
			? Object.entries(whole[name]).map(([key, value]) => [`${name}.${key}`, value])
			: [[name, whole[name]]]));
const documentOf = (state, name) =>
	Object.fromEntries(Object.entries(state)
		.filter(([path]) => path.startsWith(`${name}.`))
		.map(([path, value]) => [path.slice(name.length + 1), value])
		.sort());

const card = {
	fields: ['name', 'template_type', 'is_public', ...DOCUMENTS],
	// One that is undefined deletes a key.
	change: fc.oneof(
		fc.tuple(fc.constant('name'), fc.constantFrom('A', 'B', 'C')),
		fc.tuple(fc.constant('is_public'), fc.boolean()),
		fc.tuple(fc.constant('template_type'), fc.constantFrom('s', 'm')),
		{
			weight: 4,
			arbitrary: fc.tuple(
				fc.constantFrom('fields_config.a', 'fields_config.b', 'fields_config.c', 'design_config.a', 'design_config.b'),
				fc.constantFrom(undefined, null, 1, 2, 'x', [1], { x: 1 }),
			),
		},
	),
	first: { name: 'A', template_type: 's', is_public: true, 'fields_config.a': 1, 'fields_config.b': null },
	begin: (it) =>
		`cardkeep_api.create_card(${it.token}, '${it.id}', '${it.id}', row('A', 's', ${json({ a: 1, b: null })}, null, null))`,
	edit: (it, base, state, names) => {
		const part = (name, value) => (names.has(name) ? value : 'null');
		return `cardkeep_api.merge_card(${it.token}, '${randomUUID()}', '${it.id}', '{${base}}',
			row(${part('name', text(state.name))}, ${part('template_type', text(state.template_type))},
			${DOCUMENTS.map((name) => part(name, json(documentOf(state, name)))).join(', ')},
			${part('is_public', state.is_public)}))`;
	},
	revert: (it, now, to) => `cardkeep_api.revert_card(${it.token}, '${randomUUID()}', '${it.id}', '{${now}}', ${to})`,
	history: (it) => `cardkeep_api.read_card_history(${it.token}, '${it.id}', 100, null)`,
};

const profile = {
	fields: ['full_name', 'address', 'primary_phone', 'website'],
	change: fc.tuple(fc.constantFrom('full_name', 'address', 'primary_phone', 'website'), fc.constantFrom(null, 'x', 'y')),
	first: { full_name: 'x', address: null, primary_phone: null, website: null },
	begin: (it) => `cardkeep_api.save_own_profile('personal_info', ${it.token}, '${it.id}', '{0}', ${json({ full_name: 'x' })})`,
	edit: (it, base, state, names) =>
		`cardkeep_api.merge_own_profile('personal_info', ${it.token}, '${randomUUID()}', '{${base}}',
			${json(Object.fromEntries([...names].map((name) => [name, state[name]])))})`,
	revert: (it, now, to) => `cardkeep_api.revert_own_profile('personal_info', ${it.token}, '${randomUUID()}', '{${now}}', ${to})`,
	history: (it) => `cardkeep_api.read_own_history('personal_info', ${it.token}, 100, null)`,
};

// What a program of steps must come to: the calls, and for each the answer and the state after it.
function rehearse(kind, it, steps) {
	const versions = [kind.first];
	const played = [{ call: kind.begin(it), status: 201, version: 1, detail: '', state: kind.first }];
	for (const step of steps) {
		const now = versions.length;
		const seen = Math.max(now - step.back, 1);
		const move = step.revert ? bringBack(kind, it, versions, seen) : change(kind, it, versions, seen, step);
		if (move.status === 200 && !same(sorted(move.state), sorted(versions[now - 1]))) {
			versions.push(move.state);
			move.detail = move.merged ? 'merged' : '';
		} else if (move.status === 200) move.detail = 'unchanged';
		played.push({ ...move, version: versions.length });
	}
	return { versions, played };
}

const sorted = (state) => Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined).sort());

function bringBack(kind, it, versions, to) {
	return { call: kind.revert(it, versions.length, to), status: 200, state: versions[to - 1] };
}

function change(kind, it, versions, seen, { changes, whole }) {
	const base = versions[seen - 1];
	const now = versions[versions.length - 1];
	const mine = sorted({ ...base, ...Object.fromEntries(changes) });
	const names = new Set(whole ? kind.fields : changes.map(([path]) => path.split('.')[0]));
	const call = kind.edit(it, seen, mine, names);
	const merged = seen < versions.length && Array.from({ length: versions.length - seen }, (_, i) => seen + 1 + i);
	const made = changes.map(([path]) => path).filter((path) => !same(mine[path], base[path]));
	if (made.some((path) => !same(now[path], base[path]) && !same(now[path], mine[path]))) {
		const others = [...new Set([base, mine, now].flatMap(Object.keys))]
			.filter((path) => names.has(path.split('.')[0]) && !same(now[path], base[path]));
		return { call, status: 409, detail: '', state: now, others: others.sort() };
	}
	const state = sorted({ ...now, ...Object.fromEntries(made.map((path) => [path, mine[path]])) });
	return { call, status: 200, state, merged };
}

function compare(kind, move, answer) {
	const body = JSON.parse(answer.body);
	const entity = move.status === 409 ? body.current : body;
	assert.deepEqual(
		{ status: answer.status, version: answer.version, detail: answer.detail, state: flat(entity, kind.fields) },
		{ status: move.status, version: move.version, detail: move.detail, state: sorted(move.state) },
		move.call,
	);
	assert.deepEqual(body.mergedWith ?? false, move.merged || false, move.call);
	if (move.status === 409)
		assert.deepEqual(body.conflictingFields.map(({ field }) => field).sort(), move.others, move.call);
}

// The history of an entity tells each of its versions, one from the other.
function compareHistory(kind, versions, answer) {
	const { history } = JSON.parse(answer.body);
	let whole = Object.fromEntries(kind.fields.map((name) => [name, null]));
	assert.equal(history.length, versions.length);
	for (const [i, row] of history.reverse().entries()) {
		assert.equal(row.version, i + 1);
		for (const name of row.changed) if (name !== 'slug') assert.deepEqual(row.before[name], whole[name]);
		whole = { ...whole, ...row.after };
		assert.deepEqual(flat(whole, kind.fields), sorted(versions[i]));
	}
}

async function play(session, kind, steps) {
	const it = { id: randomUUID(), token: `sha256('${randomUUID()}')` };
	const { versions, played } = rehearse(kind, it, steps);
	const calls = [
		`cardkeep_api.register('${randomUUID()}', '${it.id}@example.org', 'hash', ${it.token}, null, null, '1 day')`,
		...played.map(({ call }) => call),
		kind.history(it),
	];
	const rows = await session.run(calls.map((call) => `select row_to_json(a) from ${call} a`).join(';\n'));
	const answers = rows.map((row) => JSON.parse(row));
	assert.equal(answers.length, calls.length, session.errors);
	played.forEach((move, i) => compare(kind, move, answers[i + 1]));
	compareHistory(kind, versions, answers.at(-1));
}

async function check(session, name, kind) {
	const step = fc.record({
		back: fc.nat(5),
		revert: fc.nat(7).map((n) => n === 0),
		whole: fc.boolean(),
		changes: fc.array(kind.change, { minLength: 1, maxLength: 4 })
			.map((changes) => [...new Map(changes)]),
	});
	const programs = fc.array(step, { minLength: 1, maxLength: 10 });
	try {
		await fc.assert(fc.asyncProperty(programs, (steps) => play(session, kind, steps)), { numRuns: PROGRAMS });
		console.log(`ok - ${name}`);
	} catch (error) {
		const why = `${error.message}\n${error.cause?.message ?? ''}`;
		console.log(`not ok - ${name}\n${why.replace(/^/gm, '  ')}`);
	}
}

const session = new Session(process.argv[2]);
await check(session, `${PROGRAMS} random programs of edits leave a card as one after the other would`, card);
await check(session, `${PROGRAMS} random programs of edits leave a profile as one after the other would`, profile);
await session.close();
