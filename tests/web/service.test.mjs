// The client against the real service, in Node.
import {
	AnotherUserError,
	CardkeepClient,
	UniqueConstraintError,
	VersionConflictError,
	settleConflict,
	updateCardWithRetry,
} from '../../web/cardkeep.js';
import { assert, shared, test } from '../lib/harness.mjs';
import { freePort } from '../lib/stack.mjs';

const { stack, client: http } = await shared();
const baseUrl = `http://127.0.0.1:${stack.port}`;

async function account() {
	const { token } = await http.register();
	return token;
}

// What the retries of a test would print is counted in place.
function quiet(token, onRetry = null) {
	return new CardkeepClient({ baseUrl, token, retry: { onRetry } });
}

test('a whole visit: sign up, cards, profile, sessions, sign out', async () => {
	const client = quiet();
	const email = `ada-${process.pid}@example.org`;
	const { user } = await client.signUp({ email, password: 'correct horse', deviceName: 'Desk' });
	assert.equal((await client.user()).id, user.id);
	await assert.rejects(quiet().signUp({ email, password: 'correct horse' }), UniqueConstraintError);

	const card = await client.cards.create({ name: 'My Card' });
	const renamed = await client.cards.update(card, { name: 'Renamed', fields_config: { a: 1 } });
	assert.deepEqual([renamed.version, renamed.slug], [2, card.slug]);
	assert.deepEqual(await client.cards.get(card.id), renamed);
	await client.cards.create({ name: 'Another' });
	const names = [];
	for await (const { name } of client.cards.all({ limit: 1 })) names.push(name);
	assert.deepEqual(names, ['Another', 'Renamed']);
	await client.cards.delete(renamed);
	await assert.rejects(client.cards.get(card.id), { status: 404, type: 'not-found' });

	assert.equal((await client.personal.get()).version, 0);
	assert.equal((await client.personal.save({ full_name: 'Ada' }, { version: 'seen' })).isNew, true);
	assert.equal((await client.personal.save(() => ({ website: 'https://ada.example' }))).version, 2);
	assert.equal((await client.professional.save({ job_title: 'Countess', version: 0 })).version, 1);

	const phone = quiet();
	await phone.signIn({ email, password: 'correct horse', deviceName: 'Phone' });
	assert.equal((await client.sessions.list()).length, 2);
	await client.signOut();
	assert.equal((await phone.sessions.list()).length, 1);
	await assert.rejects(client.user(), { status: 401 });
});

test('what a person may do to an account: change the password, end sessions, delete it', async () => {
	const email = `grace-${process.pid}@example.org`;
	const [desk, phone, tablet] = [quiet(), quiet(), quiet()];
	await desk.signUp({ email, password: 'correct horse' });
	await phone.signIn({ email, password: 'correct horse' });
	await assert.rejects(desk.changePassword('wrong horse', 'battery staple'), { status: 422 });
	await desk.changePassword('correct horse', 'battery staple');
	await assert.rejects(phone.user(), { status: 401, type: 'unauthorized' });
	await phone.signIn({ email, password: 'battery staple' });
	await tablet.signIn({ email, password: 'battery staple' });
	await phone.sessions.endOthers();
	assert.equal((await phone.sessions.list()).length, 1);
	await tablet.signIn({ email, password: 'battery staple' });
	await tablet.signOutEverywhere();
	await assert.rejects(phone.user(), { status: 401 });
	await phone.signIn({ email, password: 'battery staple' });
	await phone.deleteAccount('battery staple');
	assert.equal(phone.token, undefined);
	await assert.rejects(quiet().signIn({ email, password: 'battery staple' }), { status: 401 });
});

test('a conflict carries base, mine and theirs, and the choice made of it is saved', async () => {
	const token = await account();
	const [tab, other] = [quiet(token), quiet(token)];
	const card = await tab.cards.create({ name: 'Base', fields_config: { a: 1, b: 1 } });
	await other.cards.update(card, { name: 'Theirs', fields_config: { a: 2, b: 1 } });
	const mine = { name: 'Mine', fields_config: { a: 3, b: 1 } };
	const error = await tab.cards.update(card, mine).catch((e) => e);
	assert.ok(error instanceof VersionConflictError);
	const fields = error.conflictingFields.sort((a, b) => (a.field < b.field ? -1 : 1));
	assert.deepEqual(fields, [
		{ field: 'fields_config.a', base: 1, mine: 3, theirs: 2 },
		{ field: 'name', base: 'Base', mine: 'Mine', theirs: 'Theirs' },
	]);
	assert.deepEqual(error.changes, mine);
	assert.equal((await tab.cards.update(error.current, error.changes)).version, 3);
});

test('a person who always picks theirs ends with nothing of theirs undone, and nothing typed lost', async () => {
	const token = await account();
	const [tab, other] = [quiet(token), quiet(token)];
	const document = { a: 1, kept: 1, gone: 1, n: null };
	const card = await tab.cards.create({ name: 'Base', fields_config: document, design_config: { font: 'a' } });
	await other.cards.update(card, {
		name: 'Theirs', fields_config: { a: 2, kept: 1, n: null, phone: '+49 1' }, design_config: { font: 'a', size: 9 },
	});
	const now = await other.cards.get(card.id);
	const typed = { name: 'Mine', fields_config: { ...document, a: 3, own: 'typed' }, design_config: { font: 'b' }, is_public: false };
	const error = await tab.cards.update(card, typed).catch((e) => e);
	assert.ok(error instanceof VersionConflictError);
	const asked = [];
	const chosen = await settleConflict(error, ({ field }) => (asked.push(field), 'theirs'));
	assert.deepEqual(asked.sort(), ['design_config.size', 'fields_config.a', 'fields_config.gone', 'fields_config.phone', 'name']);
	const saved = await tab.cards.update(error.current, chosen);
	assert.deepEqual(saved.fields_config, { ...now.fields_config, own: 'typed' });
	assert.deepEqual(saved.design_config, { font: 'b', size: 9 });
	assert.deepEqual([saved.name, saved.is_public], ['Theirs', false]);
	// The same without a base: the request of a version that history does not reach.
	const again = await tab.cards.update({ ...card, version: 99 }, typed).catch((e) => e);
	const other99 = await tab.cards.update(again.current, await settleConflict(again, () => 'theirs'));
	assert.deepEqual(other99.fields_config, saved.fields_config);
});

test('a page saves digits that JavaScript has not', async () => {
	const token = await account();
	const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
	const numbers = '{"discord": 369553424691494913, "price": 10.00, "tiny": 0.1234567890123456789}';
	const made = await fetch(`${baseUrl}/api/cards`, { method: 'POST', headers, body: `{"name":"Big","fields_config":${numbers}}` });
	const { id } = await made.json();
	const [tab, other] = [quiet(token), quiet(token)];
	const shown = await tab.cards.get(id);
	await other.cards.update(id, ({ fields_config }) => ({ fields_config: { ...fields_config, views: 1 } }));
	await tab.cards.update(shown, { fields_config: { ...shown.fields_config, own: 1 } }, { merge: true });
	const text = await (await fetch(`${baseUrl}/api/cards/${id}`, { headers })).text();
	for (const digits of ['369553424691494913', '10.00', '0.1234567890123456789', '"own": 1', '"views": 1']) assert.ok(text.includes(digits), text);
});

test('every version can be read and brought back', async () => {
	const client = quiet(await account());
	const card = await client.cards.create({ name: 'One' });
	const two = await client.cards.update(card, { name: 'Two' });
	const { history, next } = await client.cards.history(card.id, { limit: 1 });
	assert.deepEqual([history[0].version, history[0].changed, history[0].before], [2, ['name'], { name: 'One' }]);
	const rest = await client.cards.history(card.id, { limit: 1, after: next });
	assert.deepEqual([rest.history[0].version, rest.next], [1, null]);
	const back = await client.cards.revert(two, 1);
	assert.deepEqual([back.name, back.version], ['One', 3]);
	await assert.rejects(client.cards.revert(card, 2), VersionConflictError);

	await client.personal.save({ full_name: 'Ada', version: 0 });
	const grace = await client.personal.save({ full_name: 'Grace', version: 1 });
	assert.equal((await client.personal.revert(1, { version: grace.version })).full_name, 'Ada');
	assert.equal((await client.personal.history()).history.length, 3);
});

test('two clients change different fields from one version: with merge both land', async () => {
	const token = await account();
	const [tab, other] = [quiet(token), quiet(token)];
	const card = await tab.cards.create({ name: 'Base', fields_config: { a: 1, b: 1 } });
	await other.cards.update(card, { fields_config: { a: 2, b: 1 } });
	const merged = await tab.cards.update(card, { fields_config: { a: 1, b: 3 } }, { merge: true });
	assert.deepEqual([merged.merged, merged.mergedWith], [true, [2]]);
	assert.deepEqual(merged.fields_config, { a: 2, b: 3 });
	assert.equal((await tab.cards.get(card.id)).merged, undefined);
	const clash = tab.cards.update(card, { fields_config: { a: 9, b: 1 } }, { merge: true });
	await assert.rejects(clash, VersionConflictError);
});

// A network that hands each write on, and loses its first answer.
function losing() {
	const lost = new Set();
	return async (url, init) => {
		const response = await fetch(url, init);
		const key = init.headers['Idempotency-Key'];
		if (key === undefined || lost.has(key)) return response;
		lost.add(key);
		await response.arrayBuffer();
		throw new TypeError('fetch failed', { cause: { code: 'ECONNRESET' } });
	};
}

test('with every first answer lost, each write is still applied once', async () => {
	const email = `lost-${process.pid}@example.org`;
	const retry = { onRetry: null, initialDelayMs: 1 };
	const client = new CardkeepClient({ baseUrl, fetch: losing(), retry });
	await client.signUp({ email, password: 'correct horse' });
	const { id } = await client.cards.create({ name: 'Once', fields_config: { count: 0 } });
	const add = ({ fields_config: { count } }) => ({ fields_config: { count: count + 1 } });
	for (let i = 0; i < 5; i++) await client.cards.update(id, add);
	const card = await client.cards.get(id);
	assert.deepEqual([card.fields_config.count, card.version], [5, 6]);
	assert.equal((await client.cards.list()).cards.length, 1);
	assert.equal((await client.cards.revert(card, 1)).version, 7);
	assert.equal((await client.personal.save({ full_name: 'Ada', version: 0 })).isNew, true);
	await client.changePassword('correct horse', 'battery staple');
	await client.cards.delete(id, { version: 'seen' });
	await client.signOut();
	await client.signIn({ email, password: 'battery staple' });
	await client.deleteAccount('battery staple');
	await assert.rejects(quiet().signIn({ email, password: 'battery staple' }), { status: 401 });
});

// Tabs of one browser: each a client of its own, and one cookie between them.
function browser() {
	let jar = '';
	const fetch = async (url, init) => {
		const headers = { ...init.headers, Cookie: jar, Origin: baseUrl };
		const response = await globalThis.fetch(url, { ...init, headers });
		const set = response.headers.get('set-cookie');
		if (set) jar = set.split(';')[0];
		return response;
	};
	return () => new CardkeepClient({ baseUrl, fetch, cookie: true, retry: { onRetry: null } });
}

async function signUp(tab, name) {
	const credentials = { email: `${name}-${Math.random()}@example.org`, password: 'correct horse' };
	await tab.signUp(credentials);
	await tab.personal.save({ full_name: name, version: 0 });
	return credentials;
}

test('two users of one browser: neither is shown, nor overwrites, the other\'s profile', async () => {
	const open = browser();
	const [one, other] = [open(), open()];
	const ada = await signUp(one, 'Ada');
	const shown = await one.personal.get();
	const grace = await signUp(other, 'Grace');

	await assert.rejects(one.personal.get(), AnotherUserError);
	await assert.rejects(one.personal.save({ ...shown, full_name: 'x' }), AnotherUserError);
	await assert.rejects(one.personal.save(() => ({ full_name: 'x' })), AnotherUserError);
	await assert.rejects(one.cards.create({ name: 'x' }), AnotherUserError);
	assert.equal((await one.user()).email, grace.email.toLowerCase());

	const anew = open();
	assert.deepEqual(await anew.personal.get(), await other.personal.get());
	assert.equal((await anew.personal.get()).full_name, 'Grace');
	assert.equal((await other.personal.get()).version, 1);
	assert.deepEqual((await other.cards.list()).cards, []);

	await anew.signIn(ada);
	assert.deepEqual(await one.personal.get(), shown);
	assert.equal((await one.personal.save({ ...shown, full_name: 'Ada L.' })).version, 2);
	await assert.rejects(other.personal.get(), AnotherUserError);
});

test('16 clients update one card at once: all land, and the version rises by 16', async (t) => {
	const token = await account();
	const { id } = await quiet(token).cards.create({ name: 'Hot', fields_config: { count: 0 } });
	let retries = 0;
	const tries = [];
	await Promise.all(
		Array.from({ length: 16 }, async (_, i) => {
			const client = quiet(token, ({ attempt }) => (retries++, (tries[i] = attempt)));
			const add = ({ fields_config: { count, ...rest } }) => ({
				fields_config: { ...rest, count: count + 1, [`client-${i}`]: true },
			});
			await updateCardWithRetry(id, add, undefined, client);
		}),
	);
	const card = await quiet(token).cards.get(id);
	assert.equal(card.version, 17);
	assert.equal(card.fields_config.count, 16);
	assert.equal(Object.keys(card.fields_config).length, 17);
	t.diagnostic(`measured: ${retries} conflicts, ${Math.max(2, ...tries.filter(Boolean))} tries at most`);
});

test('16 clients with plain changes all land too', async () => {
	const token = await account();
	const { id } = await quiet(token).cards.create({ name: 'Hot' });
	const names = Array.from({ length: 16 }, (_, i) => `Name ${i}`);
	await Promise.all(
		names.map((name) => updateCardWithRetry(id, { name }, undefined, quiet(token))),
	);
	const card = await quiet(token).cards.get(id);
	assert.equal(card.version, 17);
	assert.ok(names.includes(card.name));
});

test('two clients create a profile at once with a function: both land', async () => {
	const token = await account();
	await Promise.all([
		quiet(token).personal.save(() => ({ full_name: 'Ada' })),
		quiet(token).personal.save(() => ({ primary_phone: '+44 1' })),
	]);
	const profile = await quiet(token).personal.get();
	assert.deepEqual([profile.version, profile.full_name, profile.primary_phone], [2, 'Ada', '+44 1']);
});

test('a service that is not there is found when it comes back', async () => {
	const token = await account();
	const closed = await freePort();
	let tries = 0;
	const fetch = (url, init) =>
		globalThis.fetch(++tries < 3 ? url.replace(stack.port, closed) : url, init);
	const client = new CardkeepClient({ baseUrl, token, fetch, retry: { onRetry: null } });
	assert.equal((await client.cards.create({ name: 'Patience' })).version, 1);
	assert.equal(tries, 3);
});
