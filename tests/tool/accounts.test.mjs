// cardkeep user and sessions: what an operator does with accounts, and what it does to people.
import { randomUUID } from 'node:crypto';

import { assert, after, endsCleanly, own, test } from '../lib/harness.mjs';
import { Terminal, cardkeep } from './tool.mjs';

const stack = await own();
const { client } = stack;
const run = (args, options) => cardkeep(stack, args, options);
const signIn = (email, password) => client.post('/api/sessions', { email, password });
const works = async (token) => (await client.get('/api/users/me', { token })).status;

const ann = await client.register({ email: 'ann@example.org', password: 'her first password' });
const bob = await client.register({ email: 'bob@example.org', device_name: 'Bob\'s \u260e phone' });
await client.card(ann.token, { name: 'Ann' });

test('accounts are listed by address, with what they have', async () => {
	const got = await run(['user', 'list']);
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /^EMAIL +ID +CREATED_AT +LAST_SEEN_AT +SESSIONS +CARDS\n/);
	assert.match(got.out, new RegExp(`^ann@example\\.org +${ann.id} .* 1 +1$`, 'm'));
	const json = JSON.parse((await run(['user', 'list', '--json'])).out);
	assert.deepEqual(json.map(({ email, cards }) => [email, cards]), [
		['ann@example.org', 1],
		['bob@example.org', 0],
	]);
});

test('a password is reset from stdin, and every session ends', async () => {
	const got = await run(['user', 'reset-password', ' Ann@Example.org '], {
		input: 'her second password\n',
	});
	assert.equal(got.status, 0, got.err);
	assert.match(got.out, /has a new password; sessions ended: 1\n$/);
	assert.equal(await works(ann.token), 401);
	assert.equal((await signIn(ann.email, 'her first password')).status, 401);
	const again = await signIn(ann.email, 'her second password');
	assert.equal(again.status, 201);
	ann.token = again.json.token;
	assert.equal(await works(bob.token), 200);
});

test('at a terminal it is typed twice and never shown', async () => {
	const terminal = await Terminal.open(stack, ['user', 'reset-password', ann.email]);
	after(() => terminal.close());
	await terminal.shows(/^New password:/m);
	await terminal.type('her third password', 'Enter');
	await terminal.shows(/^Once more:/m);
	await terminal.type('her third password', 'Enter');
	const screen = await terminal.shows(/^ended 0$/m);
	assert.doesNotMatch(screen, /third/);
	const again = await signIn(ann.email, 'her third password');
	assert.equal(again.status, 201);
	ann.token = again.json.token;
});

test('two that differ, one too short and none at all change nothing', async () => {
	const terminal = await Terminal.open(stack, ['user', 'reset-password', ann.email]);
	after(() => terminal.close());
	await terminal.shows(/^New password:/m);
	await terminal.type('one password', 'Enter');
	await terminal.shows(/^Once more:/m);
	await terminal.type('two password', 'Enter');
	await terminal.shows(/the two are not the same\nended 65$/m);
	for (const input of ['short\n', '', `${'x'.repeat(1025)}\n`]) {
		const got = await run(['user', 'reset-password', ann.email], { input });
		assert.equal(got.status, 65, got.err);
	}
	const unknown = await run(['user', 'reset-password', 'x@example.org'], { input: 'password\n' });
	assert.equal(unknown.status, 67);
	assert.equal(await works(ann.token), 200);
});

test('sessions are listed by device; one is revoked and refused from then on', async () => {
	const other = (await signIn(ann.email, 'her third password')).json;
	const list = JSON.parse((await run(['sessions', 'list', ann.email, '--json'])).out);
	assert.equal(list.length, 2);
	assert.ok(list.every(({ live }) => live));
	const got = await run(['sessions', 'revoke', other.session.id]);
	assert.equal(got.status, 0, got.err);
	assert.equal(await works(other.token), 401);
	assert.equal(await works(ann.token), 200);
	assert.equal((await run(['sessions', 'revoke', other.session.id])).status, 69);
	assert.equal((await run(['sessions', 'revoke', 'him'])).status, 64);
	assert.equal(JSON.parse((await run(['sessions', 'list', ann.email, '--json'])).out).length, 1);
	const all = JSON.parse((await run(['sessions', 'list', ann.email, '--json', '--all'])).out);
	assert.ok(all.some(({ id, live }) => id === other.session.id && !live));
	assert.match((await run(['sessions', 'list', bob.email])).out, /Bob's \u260e phone/);
});

test('what is lost is asked for: no terminal without --yes, and only yes means yes', async () => {
	const nobody = await run(['user', 'delete', bob.email]);
	assert.equal(nobody.status, 64);
	assert.match(nobody.err, /there is nobody to ask; --yes goes ahead/);
	const terminal = await Terminal.open(stack, ['sessions', 'revoke-all', bob.email]);
	after(() => terminal.close());
	await terminal.shows(/^End all 1 sessions of bob@example\.org\? \[yes\/no\]/m);
	await terminal.type('y', 'Enter');
	await terminal.shows(/nothing was changed\nended 1$/m);
	assert.equal(await works(bob.token), 200);
	const got = await run(['sessions', 'revoke-all', bob.email, '--yes']);
	assert.equal(got.out, 'sessions ended: 1\n');
	assert.equal(await works(bob.token), 401);
});

test('a deleted account is gone with what it had; the slug stays retired', async () => {
	const terminal = await Terminal.open(stack, ['user', 'delete', ann.email]);
	after(() => terminal.close());
	await terminal.shows(/^Delete ann@example\.org with 1 cards, both profiles, history and 1 se/m);
	await terminal.type('yes', 'Enter');
	await terminal.shows(/^ann@example\.org is deleted; cards that went along: 1\nended 0$/m);
	assert.equal(await works(ann.token), 401);
	assert.equal((await run(['user', 'delete', ann.email, '-y'])).status, 67);
	const cyd = await client.register();
	assert.notEqual((await client.card(cyd.token, { name: 'Ann' })).slug, 'ann');
});

// Rows from before Cardkeep, under ids that have no account.
async function waiting(name) {
	const id = randomUUID();
	await stack.sql(`insert into cardkeep.users (id) values ('${id}');
		insert into cardkeep.business_cards (user_id, name, slug) values ('${id}', '${name}', '${name}');
		insert into cardkeep.personal_info (user_id, full_name) values ('${id}', '${name}')`);
	return id;
}

test('what waits is adopted by an account that is there, or becomes one', async () => {
	const [old1, old2] = [await waiting('old1'), await waiting('old2')];
	const list = JSON.parse((await run(['user', 'list', '--waiting', '--json'])).out);
	assert.deepEqual(list.map(({ full_name }) => full_name).sort(), ['old1', 'old2']);

	const given = await run(['user', 'adopt', old1, bob.email]);
	assert.equal(given.status, 0, given.err);
	assert.match(given.out, /^bob@example\.org has what waited: cards 1, profiles \["personal_info"\]\n/);

	const made = await run(['user', 'adopt', old2, 'new@example.org'], { input: 'a password\n' });
	assert.equal(made.status, 0, made.err);
	assert.match(made.out, /^new@example\.org is the account of what waited: cards 1/);
	const { json } = await signIn('new@example.org', 'a password');
	assert.equal(json.user.id, old2);
	const cards = (await client.get('/api/cards', { token: json.token })).json.cards;
	assert.deepEqual(cards.map(({ slug }) => slug), ['old2']);
	assert.equal((await run(['user', 'adopt', old2, 'new@example.org'])).status, 67);
	assert.equal((await run(['user', 'adopt', 'him', 'new@example.org'])).status, 64);
	assert.deepEqual(JSON.parse((await run(['user', 'list', '-w', '-j'])).out), []);
});

test('wrong verbs and options that a verb does not take are 64', async () => {
	for (const args of [
		['user'],
		['user', 'lose', bob.email],
		['user', 'delete'],
		['user', 'list', '--yes'],
		['sessions', 'list'],
		['sessions', 'revoke', randomUUID(), '--all'],
	]) {
		const got = await run(args);
		assert.equal(got.status, 64, `${args}: ${got.err}`);
		assert.equal(got.out, '');
	}
});

test('who is no administrator is told so with 77', async () => {
	const runtime = `${stack.conninfo.super} options='-c role=cardkeep_runtime'`;
	const got = await run(['user', 'list', '-D', runtime]);
	assert.equal(got.status, 77);
	assert.match(got.err, /permission denied for .*; connect as an administrator\n$/);
});

test('what it did leaves a database that keeps its promises', async () => {
	const got = await run(['verify']);
	assert.equal(got.status, 0, got.out);
});

endsCleanly(stack);
