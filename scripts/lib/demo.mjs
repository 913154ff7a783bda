// The three races, played by 64 clients, and what the database says about them afterwards.
//
//   node scripts/lib/demo.mjs PORT ADMIN-URL
//
// Lost: a write that was acknowledged and is not there. Duplicate: a write that is there and was not
// acknowledged, or is there twice. Both must be 0.
import { randomBytes } from 'node:crypto';

import { Client } from '../../tests/lib/client.mjs';
import { query } from '../../tests/lib/psql.mjs';
import { atOnce } from '../../tests/lib/wait.mjs';

const CLIENTS = 64;
const CREATES = 1000;

const [port, url] = process.argv.slice(2);
const client = new Client(Number(port), { width: CLIENTS });
const broken = [];
const table = [];

function promise(kept, what) {
	if (!kept) broken.push(what);
}

const sql = async (text) => Number((await query(url, text))[0]);

function row(race, answers, { succeeded, refused, lost, duplicates }) {
	table.push([race, answers.length, succeeded, refused, lost, duplicates]);
	promise(lost === 0, `${race}: ${lost} writes lost`);
	promise(duplicates === 0, `${race}: ${duplicates} duplicates`);
	promise(!answers.some((got) => got.status >= 500), `${race}: an answer of 5xx`);
}

const count = (answers, status) => answers.filter((got) => got.status === status).length;

// 1: two users, one name, a thousand cards.
async function creates(users) {
	const name = `Demo ${randomBytes(3).toString('hex')}`;
	const answers = await atOnce(CREATES, CLIENTS, (i) =>
		client.post('/api/cards', { name }, { token: users[i % 2].token }),
	);
	const made = answers.filter((got) => got.status === 201).map((got) => got.json);
	const ids = made.map((card) => `'${card.id}'`).join(',');
	const there = await sql(`select count(*) from cardkeep.business_cards where id in (${ids})`);
	const named = await sql(`select count(*) from cardkeep.business_cards where name = '${name}'`);
	const slugs = new Set(made.map((card) => card.slug));
	row(`${CREATES} creates of one name by two users`, answers, {
		succeeded: made.length,
		refused: answers.length - made.length,
		lost: made.length - there,
		duplicates: named - there + (made.length - slugs.size),
	});
	promise(made.length === CREATES, `creates: only ${made.length} of ${CREATES} succeeded`);
}

// 2a: everybody saw version 1 and writes at once.
async function updates(token) {
	const card = await client.card(token, { name: 'One for all' });
	const answers = await atOnce(CLIENTS, CLIENTS, (i) =>
		client.patch(`/api/cards/${card.id}`, { version: 1, name: `Client ${i}` }, { token }),
	);
	const [won] = answers.filter((got) => got.status === 200);
	const rose = (await sql(`select version from cardkeep.business_cards where id = '${card.id}'`)) - 1;
	const refused = answers.filter((got) => got.status === 409);
	row(`${CLIENTS} updates of one card from one version`, answers, {
		succeeded: count(answers, 200),
		refused: refused.length,
		lost: Math.max(0, count(answers, 200) - rose),
		duplicates: Math.max(0, rose - count(answers, 200)),
	});
	promise(count(answers, 200) === 1, 'updates: not exactly one won');
	promise(refused.length === CLIENTS - 1, 'updates: not all others were refused with 409');
	const told = refused.every(
		({ json }) =>
			json.currentVersion === 2 && JSON.stringify(json.current) === JSON.stringify(won?.json),
	);
	promise(told, 'updates: a 409 does not show the card as it is now');
}

// 2b: everybody retries on what the 409 shows, until the change is in.
async function updatesWithRetry(token) {
	const card = await client.card(token, { name: 'All for one' });
	const answers = [];
	await atOnce(CLIENTS, CLIENTS, async (i) => {
		for (let now = card; ; ) {
			const fields_config = { ...now.fields_config, [`client-${i}`]: i };
			const body = { version: now.version, fields_config };
			const got = await client.patch(`/api/cards/${card.id}`, body, { token });
			answers.push(got);
			if (got.status !== 409) return;
			now = got.json.current;
		}
	});
	const at = `from cardkeep.business_cards where id = '${card.id}'`;
	const rose = (await sql(`select version ${at}`)) - 1;
	const keys = await sql(`select count(*) from jsonb_object_keys((select fields_config ${at}))`);
	row(`${CLIENTS} updates of one card, refetched and retried`, answers, {
		succeeded: count(answers, 200),
		refused: count(answers, 409),
		lost: count(answers, 200) - keys,
		duplicates: rose - count(answers, 200),
	});
	promise(count(answers, 200) === CLIENTS, 'retried updates: not all landed');
	promise(rose === CLIENTS, `retried updates: the version rose by ${rose}, not by ${CLIENTS}`);
}

// 3: two tabs, two fields, one version.
async function tabs({ id, token }) {
	const path = '/api/profile/personal';
	const first = await client.patch(path, { version: 0, full_name: 'J. Doe' }, { token });
	promise(first.status === 201, `tabs: the first write got ${first.status}`);
	const answers = await Promise.all([
		client.patch(path, { version: 1, full_name: 'John Doe' }, { token }),
		client.patch(path, { version: 1, primary_email: 'john@example.org' }, { token }),
	]);
	const rose = (await sql(`select version from cardkeep.personal_info where user_id = '${id}'`)) - 1;
	row('2 tabs saving one profile from one version', answers, {
		succeeded: count(answers, 200),
		refused: count(answers, 409),
		lost: Math.max(0, count(answers, 200) - rose),
		duplicates: Math.max(0, rose - count(answers, 200)),
	});
	promise(count(answers, 200) === 1 && count(answers, 409) === 1, 'tabs: not one 200 and one 409');
}

function print() {
	const heads = ['race', 'tried', 'succeeded', 'refused', 'lost', 'duplicates'];
	const lines = [heads, ...table].map((cells) => cells.map(String));
	const widths = heads.map((_, i) => Math.max(...lines.map((cells) => cells[i].length)));
	for (const cells of lines)
		console.log(
			cells.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  '),
		);
}

const users = [await client.register(), await client.register()];
await creates(users);
await updates(users[0].token);
await updatesWithRetry(users[0].token);
await tabs(users[1]);
client.close();
print();
for (const what of broken) console.log(`broken: ${what}`);
process.exit(broken.length > 0 ? 1 : 0);
