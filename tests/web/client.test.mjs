// The client against a service made of answers: each rule, and each accident on the way.
import { CardkeepClient, configure, defaultClient, settleConflict, updateCardWithRetry } from '../../web/cardkeep.js';
import {
	AnotherUserError,
	CardkeepError,
	DatabaseError,
	NetworkError,
	UniqueConstraintError,
	VersionConflictError,
} from '../../web/cardkeep.js';
import { assert, test } from '../lib/harness.mjs';
import { base, card, conflict, fake, problem, quick, refused, reset } from './fake.mjs';

const keys = (asked) => asked.map(({ headers }) => headers['Idempotency-Key']);
const counts = (asked) => asked.map(({ headers }) => headers['X-Retry-Count']);
const noContent = [204];

// ---- keys and repeats ----

test('a write carries a key of its own, and every repeat of it the same', async () => {
	const { client, asked } = fake([503], [504], reset(), [201, card(1)]);
	await client.cards.create({ name: 'My Card' });
	await client.cards.create({ name: 'My Card' });
	assert.equal(asked.length, 5);
	const [first, ...rest] = keys(asked);
	assert.match(first, /^"[0-9a-f-]{36}"$/);
	assert.deepEqual(rest.slice(0, 3), [first, first, first]);
	assert.notEqual(rest[3], first);
	assert.deepEqual(counts(asked), [undefined, '1', '2', '3', undefined]);
	assert.deepEqual(asked[3].body, asked[0].body);
});

test('each kind of write carries a key; reading, registering and signing in do not', async () => {
	const signedIn = [201, { user: { id: 'u' }, session: { id: 's' }, token: 'ck_a' }];
	const entity = [200, card(3)];
	const writes = [
		[(c) => c.cards.create({ name: 'x' }), entity],
		[(c) => c.cards.update(card(2), { name: 'x' }), entity],
		[(c) => c.cards.delete(card(2)), noContent],
		[(c) => c.cards.revert(card(2), 1), entity],
		[(c) => c.personal.save({ full_name: 'x', version: 2 }), entity],
		[(c) => c.professional.revert(1, { version: 2 }), entity],
		[(c) => c.sessions.end('s1'), noContent],
		[(c) => c.sessions.endOthers(), noContent],
		[(c) => c.signOut(), noContent],
		[(c) => c.signOutEverywhere(), noContent],
		[(c) => c.changePassword('old', 'new'), noContent],
		[(c) => c.deleteAccount('old'), noContent],
	];
	for (const [write, answer] of writes) {
		const { client, asked } = fake(answer);
		await write(client);
		assert.equal(typeof keys(asked)[0], 'string', String(write));
	}
	const others = [
		[(c) => c.cards.get('c1'), entity],
		[(c) => c.signUp({ email: 'a', password: 'b' }), signedIn],
		[(c) => c.signIn({ email: 'a', password: 'b' }), signedIn],
	];
	for (const [other, answer] of others) {
		const { client, asked } = fake(answer);
		await other(client);
		assert.deepEqual(keys(asked), [undefined], String(other));
	}
});

test('429, 502, 503, 504 and no answer are repeated; other refusals are not', async () => {
	for (const step of [[429], [502], [503], [504], reset(), refused()]) {
		const { client, asked } = fake(step, [200, card(2)]);
		await client.cards.update(card(1), { name: 'x' });
		assert.equal(asked.length, 2, String(step));
	}
	for (const status of [400, 401, 403, 404, 413, 415, 422, 428, 500]) {
		const { client, asked } = fake([status, problem('whatever')]);
		const error = await client.cards.get('c1').catch((e) => e);
		assert.ok(error instanceof CardkeepError, String(status));
		assert.equal(error.status, status);
		assert.equal(asked.length, 1, String(status));
	}
});

test('a key that is still in progress is waited for: it is no conflict', async () => {
	const busy = [409, problem('idempotency-in-progress'), { 'Retry-After': '0' }];
	const { client, asked } = fake(busy, busy, [200, card(2)]);
	assert.equal((await client.cards.update(card(1), { name: 'x' })).version, 2);
	assert.equal(new Set(keys(asked)).size, 1);

	const stuck = fake(busy);
	const error = await stuck.client.cards.update(card(1), { name: 'x' }).catch((e) => e);
	assert.ok(!(error instanceof VersionConflictError));
	assert.equal(error.outcomeUnknown, true);
});

test('retry: false sends once, for a client and for a call', async () => {
	const one = fake([503]);
	await assert.rejects(one.make({ retry: false }).cards.get('c1'), DatabaseError);
	assert.equal(one.asked.length, 1);
	await assert.rejects(one.client.cards.get('c1', { retry: false }), DatabaseError);
	assert.equal(one.asked.length, 2);
});

test('the limit of tries is the limit, and each retry is told', async () => {
	const { asked, make } = fake([503, problem('unavailable'), { 'X-Request-Id': 'r1' }]);
	const told = [];
	const client = make({ retry: { ...quick, maxAttempts: 3, onRetry: (info) => told.push(info) } });
	await assert.rejects(client.cards.get('c1'), { attempts: 3, requestId: 'r1' });
	assert.equal(asked.length, 3);
	assert.deepEqual(
		told.map(({ operation, attempt, maxAttempts }) => [operation, attempt, maxAttempts]),
		[
			['GET /api/cards/c1', 2, 3],
			['GET /api/cards/c1', 3, 3],
		],
	);
});

test('a repeat is the same request, whatever became of the token and the changes meanwhile', async () => {
	const changes = { name: 'meant' };
	const { client, asked } = fake(() => {
		changes.name = 'typed since';
		client.token = 'ck_other';
		return [504];
	}, [200, card(2)]);
	await client.cards.update(card(1), changes);
	assert.deepEqual(asked[1].body, { name: 'meant', version: 1 });
	assert.equal(asked[1].headers.Authorization, 'Bearer ck_test');
});

// ---- Retry-After ----

async function asksToWait(headers) {
	const { make } = fake([503, problem('unavailable'), headers]);
	const error = await make({ retry: false }).cards.get('c1').catch((e) => e);
	return error.retryAfterMs;
}

test('Retry-After is read as seconds or as a date by the service\'s clock', async () => {
	assert.equal(await asksToWait({ 'Retry-After': '7' }), 7000);
	const Date = 'Tue, 24 Nov 2026 12:00:00 GMT';
	assert.equal(await asksToWait({ Date, 'Retry-After': 'Tue, 24 Nov 2026 12:00:30 GMT' }), 30_000);
	assert.equal(await asksToWait({ Date, 'Retry-After': 'Tue, 24 Nov 2026 11:00:00 GMT' }), 0);
	assert.equal(await asksToWait({ 'Retry-After': 'soon' }), undefined);
	assert.equal(await asksToWait({}), undefined);
	const soon = new globalThis.Date(globalThis.Date.now() + 60_000).toUTCString();
	const ms = await asksToWait({ 'Retry-After': soon });
	assert.ok(ms > 50_000 && ms <= 60_000, String(ms));
});

test('no try is made before Retry-After is over', async () => {
	const { client } = fake([429, undefined, { 'Retry-After': '1' }], [200, card(1)]);
	const began = performance.now();
	await client.cards.get('c1');
	assert.ok(performance.now() - began >= 990);
});

test('a Retry-After beyond the time limit ends it at once', async () => {
	const { client, asked } = fake([503, problem('unavailable'), { 'Retry-After': '3600' }]);
	await assert.rejects(client.cards.get('c1'), { retryAfterMs: 3_600_000 });
	assert.equal(asked.length, 1);
});

// ---- outcomes ----

test('an unknown outcome stays unknown, whatever later tries say of themselves', async () => {
	for (const first of [[504], [502], reset()])
		for (const last of [[503], [429], [401, problem('unauthorized')], refused()]) {
			const { client } = fake(first, last);
			const error = await client.cards.create({ name: 'x' }).catch((e) => e);
			assert.equal(error.outcomeUnknown, true, `${first} then ${last}: ${error}`);
		}
	const known = fake([504], [422, problem('validation', { errors: [{ field: 'name' }] })]);
	const error = await known.client.cards.create({ name: '' }).catch((e) => e);
	assert.equal(error.outcomeUnknown, false);
	assert.deepEqual(error.errors, [{ field: 'name' }]);
});

test('what was refused, and what never left, is known not to be applied', async () => {
	for (const step of [[503], [429], refused()]) {
		const error = await fake(step).client.cards.create({ name: 'x' }).catch((e) => e);
		assert.equal(error.outcomeUnknown, false, String(step));
	}
});

test('reading has no outcome to be unknown', async () => {
	for (const step of [[504], reset()]) {
		const error = await fake(step).client.cards.get('c1').catch((e) => e);
		assert.equal(error.outcomeUnknown, false);
	}
});

test('signing in and up are repeated when nothing was applied, not when nobody knows', async () => {
	const credentials = { email: 'ada@example.org', password: 'correct horse' };
	const answer = [201, { user: { id: 'u' }, session: { id: 's' }, token: 'ck_a' }];
	for (const enter of ['signUp', 'signIn']) {
		for (const step of [[503], [429], refused()]) {
			const { asked, client } = fake(step, answer);
			await client[enter](credentials);
			assert.equal(asked.length, 2, String(step));
		}
		for (const step of [[504], [502], reset()]) {
			const { asked, client } = fake(step, answer);
			await assert.rejects(client[enter](credentials), { outcomeUnknown: true });
			assert.equal(asked.length, 1, String(step));
		}
	}
});

test('an answer that is no JSON is no answer', async () => {
	const { client, asked } = fake([200, '<html>the hotel wants your room number</html>'], [200, card(1)]);
	assert.equal((await client.cards.get('c1')).version, 1);
	assert.equal(asked.length, 2);
});

test('a try without an answer in time is given up and repeated under its key', async () => {
	const never = (_, { signal }) =>
		new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
	const { make, asked } = fake(never, [201, card(1)]);
	await make({ attemptTimeoutMs: 20 }).cards.create({ name: 'x' });
	assert.equal(new Set(keys(asked)).size, 1);
	assert.equal(asked.length, 2);

	const lost = fake(never).make({ attemptTimeoutMs: 5 });
	const error = await lost.cards.create({ name: 'x' }).catch((e) => e);
	assert.ok(error instanceof NetworkError);
	assert.equal(error.outcomeUnknown, true);
	assert.equal(error.cause.name, 'TimeoutError');
});

test('an address that is taken is a UniqueConstraintError, and no retry mends it', async () => {
	const { client } = fake([409, problem('address-taken', { error: 'Address taken' })]);
	const error = await client.signUp({ email: 'a', password: 'b' }).catch((e) => e);
	assert.ok(error instanceof UniqueConstraintError);
	assert.equal(error.code, '23505');
	assert.equal(error.retryable, false);
	assert.equal(error.type, 'address-taken');
});

// ---- signals ----

test('a signal, of the call or of the client, ends a request and a pause at once', async () => {
	const slow = { ...quick, initialDelayMs: 60_000, maxDelayMs: 60_000, random: () => 0.9 };
	for (const whose of ['call', 'client'])
		for (const step of [[503], () => new Promise(() => {})]) {
			const controller = new AbortController();
			const { signal } = controller;
			const { make, asked } = fake(step);
			const retry = { ...slow, maxElapsedMs: Infinity };
			const client = make(whose === 'client' ? { signal, retry } : { retry });
			const running = client.cards.get('c1', whose === 'call' ? { signal } : {});
			setTimeout(() => controller.abort(new Error('enough')), 10);
			await assert.rejects(running, { message: 'enough' });
			assert.equal(asked.length, 1);
			assert.ok(asked[0].signal instanceof AbortSignal);
		}
});

test('one signal may end many calls, and Node finds nothing to warn of', async () => {
	const warnings = [];
	const note = (warning) => warnings.push(warning);
	process.on('warning', note);
	const controller = new AbortController();
	const { signal } = controller;
	const { make } = fake(() => new Promise(() => {}));
	const client = make({ signal });
	const calls = Array.from({ length: 50 }, () => client.cards.get('c1', { signal }));
	const ended = Promise.allSettled(calls);
	controller.abort();
	assert.ok((await ended).every(({ reason }) => reason.name === 'AbortError'));
	await new Promise(setImmediate);
	process.off('warning', note);
	assert.deepEqual(warnings, []);
});

test('a signal ends the work on conflicts', async () => {
	const controller = new AbortController();
	const { client } = fake((_, { method }) => {
		if (method === 'PATCH') controller.abort();
		return method === 'PATCH' ? conflict(card(2)) : [200, card(1)];
	});
	const options = { signal: controller.signal };
	await assert.rejects(client.cards.update('c1', () => ({ name: 'x' }), options), {
		name: 'AbortError',
	});
});

// ---- versions ----

test('what was read is asked for by its ETag, and 304 gives a fresh copy of it', async () => {
	const { client, asked } = fake([200, card(4), { ETag: '"4"' }], [304]);
	const first = await client.cards.get('c1');
	first.name = 'scribbled over';
	assert.deepEqual(await client.cards.get('c1'), card(4));
	assert.deepEqual(
		asked.map(({ headers }) => headers['If-None-Match']),
		[undefined, '"4"'],
	);
});

test('an update names the version of the card it was given, or the one that is said', async () => {
	const { client, asked } = fake([200, card(7)], [200, card(8)]);
	await client.cards.get('c1');
	await client.cards.update(card(5), { name: 'from what the form shows' });
	await client.cards.update('c1', { name: 'from what was seen last' }, { version: 'seen' });
	await client.cards.update('c1', { name: 'said' }, { version: 2 });
	assert.deepEqual(
		asked.slice(1).map(({ body }) => body.version),
		[5, 8, 2],
	);
});

// Every write that takes an id, or nothing, in place of what was read.
const unnamed = {
	'cards.update': (c, options) => c.cards.update('c1', { name: 'x' }, options),
	'cards.delete': (c, options) => c.cards.delete('c1', options),
	'cards.revert': (c, options) => c.cards.revert('c1', 1, options),
	'personal.save': (c, options) => c.personal.save({ full_name: 'x' }, options),
	'personal.revert': (c, options) => c.personal.revert(1, options),
	'professional.save': (c, options) => c.professional.save({ job_title: 'x' }, options),
};

for (const [name, write] of Object.entries(unnamed)) {
	test(`${name} of a version that its caller has not seen is refused before it is sent`, async () => {
		const { client, asked } = fake([200, card(2)]);
		await assert.rejects(write(client), TypeError);
		await client.cards.get('c1');
		await client.personal.get();
		await client.professional.get();
		await assert.rejects(write(client), TypeError, 'somebody else on the page may have read it');
		assert.equal(asked.length, 3);
	});

	test(`${name} takes what was seen last where it is told to, and never from nowhere`, async () => {
		const { client, asked } = fake([200, card(2)]);
		await assert.rejects(write(client, { version: 'seen' }), TypeError);
		assert.equal(asked.length, 0);
		await client.cards.get('c1');
		await client.personal.get();
		await client.professional.get();
		await write(client, { version: 'seen' });
		const { body, url } = asked[3];
		assert.ok(body?.version === 2 || url.endsWith('version=2'));
	});
}

test('what another part of the page has read meanwhile is not overwritten by a form', async () => {
	const { client, asked } = fake([200, { full_name: 'Ada', version: 1 }], [200, { full_name: 'Grace', version: 2 }], (_, { body }) =>
		JSON.parse(body).version === 2 ? [200, { version: 3 }] : conflict({ full_name: 'Grace', version: 2 }),
	);
	const form = await client.personal.get();
	await client.personal.get();
	await assert.rejects(client.personal.save({ full_name: 'Mine' }), TypeError);
	await assert.rejects(client.personal.save({ ...form, full_name: 'Mine' }), VersionConflictError);
	await assert.rejects(client.personal.save({ full_name: 'Mine' }), TypeError, 'nor once more');
	assert.equal(asked.length, 3);
});

test('an answer that was overtaken does not bring an old version back', async () => {
	const { client, asked } = fake([200, card(9)], [200, { cards: [card(3)], next: null }], [200, card(10)]);
	await client.cards.get('c1');
	await client.cards.list();
	await client.cards.update('c1', { name: 'x' }, { version: 'seen' });
	assert.equal(asked[2].body.version, 9);
});

test('what was seen under one token is not known under another', async () => {
	const { client } = fake([200, card(9)]);
	await client.cards.get('c1');
	client.token = 'ck_other';
	await assert.rejects(client.cards.update('c1', { name: 'x' }, { version: 'seen' }), TypeError);
});

test('what arrives late under an old token is not taken for the new one\'s', async () => {
	const { client } = fake(() => {
		client.token = 'ck_other';
		return [200, { full_name: 'Ada', version: 9 }];
	});
	await client.personal.get();
	await assert.rejects(client.personal.save({ full_name: 'Grace' }, { version: 'seen' }), TypeError);
});

test('what is said of one write only is not taken for the profile', async () => {
	const written = { full_name: 'Ada', version: 1, isNew: true, merged: true, mergedWith: [1] };
	const { client } = fake([201, written, { ETag: '"1"' }], [304]);
	assert.equal((await client.personal.save({ full_name: 'Ada', version: 0 })).isNew, true);
	assert.deepEqual(await client.personal.get(), { full_name: 'Ada', version: 1 });
});

// ---- conflicts ----

test('a conflict is handed over with base, mine and theirs, and with what was typed', async () => {
	const fields = [{ field: 'name', base: 'A', mine: 'B', theirs: 'C' }];
	const { client, asked } = fake(conflict(card(6, { name: 'C' }), fields), [200, card(7)]);
	const error = await client.cards.update(card(5), { name: 'B' }).catch((e) => e);
	assert.ok(error instanceof VersionConflictError);
	assert.equal(error.currentVersion, 6);
	assert.deepEqual(error.current, card(6, { name: 'C' }));
	assert.deepEqual(error.conflictingFields, fields);
	assert.deepEqual(error.changes, { name: 'B' });
	assert.equal(error.status, 409);
	await client.cards.update(error.current, error.changes);
	assert.equal(asked[1].body.version, 6);
});

test('what was chosen of a conflict becomes the changes: nothing typed is lost, and nothing of theirs undone', async () => {
	const error = Object.assign(new VersionConflictError('x', {
		current: card(6, { name: 'C', fields_config: { a: 2, added: [1], same: 1 }, is_public: true }),
		conflictingFields: [
			{ field: 'name', base: 'A', mine: 'B', theirs: 'C' },
			{ field: 'fields_config.a', base: 1, mine: 3, theirs: 2 },
			{ field: 'fields_config.added', base: null, mine: null, theirs: [1] },
			{ field: 'fields_config.gone.by.them', base: 1, mine: 1, theirs: null },
		],
	}), { changes: { version: 5, id: 'c1', name: 'B', is_public: false, fields_config: { a: 3, own: 7, 'gone.by.them': 1, same: 1 } } });
	const typed = structuredClone(error.changes);
	assert.deepEqual(await settleConflict(error, () => 'theirs'), {
		name: 'C', is_public: false, fields_config: { a: 2, own: 7, added: [1], same: 1 },
	});
	assert.deepEqual(await settleConflict(error, async () => 'mine'), {
		name: 'B', is_public: false, fields_config: { a: 3, own: 7, 'gone.by.them': 1, same: 1 },
	});
	const both = await settleConflict(error, ({ field }) => (field === 'name' ? { value: 'B & C' } : 'theirs'));
	assert.equal(both.name, 'B & C');
	assert.deepEqual(error.changes, typed, 'what was typed is as it was');
});

test('keys of a large document that were not told are chosen at once', async () => {
	const error = Object.assign(new VersionConflictError('x', {
		current: card(6, { fields_config: { a: 2, b: 2, theirs: 1 } }),
		conflictingFields: [{ field: 'fields_config.a', base: 1, mine: 3, theirs: 2 }, { field: 'fields_config', more: 2 }],
	}), { changes: { fields_config: { a: 3, b: 3, mine: 1 } } });
	const choose = (rest) => settleConflict(error, ({ more }) => (more ? rest : 'mine'));
	assert.deepEqual(await choose('mine'), { fields_config: { a: 3, b: 3, mine: 1 } });
	assert.deepEqual(await choose('theirs'), { fields_config: { a: 3, b: 2, theirs: 1 } });
	await assert.rejects(choose({ value: 1 }), TypeError);
	await assert.rejects(settleConflict(Object.assign(error, { changes: { to: 1 } }), () => 'mine'), TypeError);
	await assert.rejects(settleConflict(Object.assign(error, { changes: null }), () => 'mine'), TypeError);
});

// ---- numbers ----

const NUMBERS = '{"id":"c1","version":1,"fields_config":{"discord":369553424691494913,"price":10.00,"deep":[{"tiny":0.1234567890123456789}],"n":7,"text":"10.00 \\"1e3"}}';
const sent = ({ raw }) => /"fields_config":(\{.*\}),"version"/.exec(raw)[1];

test('numbers that nobody touched go back as they came', async () => {
	const { client, asked } = fake([200, NUMBERS]);
	const shown = await client.cards.get('c1');
	assert.equal(shown.fields_config.price, 10);
	const views = ({ fields_config }) => ({ fields_config: { ...fields_config, views: 1 } });
	await client.cards.update('c1', views);
	await client.cards.update(shown, views(shown));
	await client.cards.update(shown, views(structuredClone(shown)), { merge: true });
	for (const each of asked.filter(({ method }) => method === 'PATCH'))
		assert.equal(sent(each), '{"discord":369553424691494913,"price":10.00,"deep":[{"tiny":0.1234567890123456789}],"n":7,"text":"10.00 \\"1e3","views":1}');
});

test('numbers of the card that was shown go back as they came, also once another version was seen', async () => {
	const later = NUMBERS.replace('"version":1', '"version":2').replace('"n":7', '"n":8');
	const { client, asked } = fake([200, NUMBERS], [200, `{"cards":[${later}],"next":null}`], [200, later]);
	const shown = await client.cards.get('c1');
	await client.cards.list();
	await client.cards.update(shown, { fields_config: { ...shown.fields_config, views: 1 } }, { merge: true });
	assert.equal(sent(asked.at(-1)), '{"discord":369553424691494913,"price":10.00,"deep":[{"tiny":0.1234567890123456789}],"n":7,"text":"10.00 \\"1e3","views":1}');
});

test('numbers of what was read go wherever it is put', async () => {
	const { client, asked } = fake([200, NUMBERS]);
	const { fields_config } = await client.cards.get('c1');
	const boxed = [new Number(1), new String('x'), new Date(0), undefined, [, 2]];
	await client.cards.create({ name: 'Copy', fields_config, design_config: { all: [fields_config.deep[0], boxed] } });
	assert.ok(asked.at(-1).raw.includes('"discord":369553424691494913,"price":10.00'));
	assert.ok(asked.at(-1).raw.includes('[{"tiny":0.1234567890123456789},[1,"x","1970-01-01T00:00:00.000Z",null,[null,2]]]'));
});

test('numbers of an array that has grown or shrunk are known by themselves, and none is taken for another', async () => {
	const ids = '[369553424691494913,369553424691494912,123456789012345678901,10.00]';
	const { client, asked } = fake([200, `{"id":"c1","version":1,"fields_config":{"ids":${ids}}}`]);
	const send = async (change) => {
		await client.cards.update('c1', ({ fields_config }) => ({ fields_config: { ids: change(fields_config.ids) } }));
		return sent(asked.at(-1));
	};
	assert.equal(await send((list) => list), `{"ids":${ids}}`);
	assert.equal(await send((list) => [...list, 1]), '{"ids":[369553424691494900,369553424691494900,123456789012345678901,10.00,1]}');
	assert.equal(await send((list) => list.slice(1)), '{"ids":[369553424691494900,123456789012345678901,10.00]}');
	assert.equal(await send((list) => (list.splice(0, 2), list)), '{"ids":[123456789012345678901,10.00]}');
	assert.equal(await send((list) => ({ ...list })), '{"ids":{"0":369553424691494900,"1":369553424691494900,"2":123456789012345680000,"3":10}}');
});

test('a number that somebody changed, or put elsewhere, is JavaScript\'s', async () => {
	const { client, asked } = fake([200, NUMBERS]);
	await client.cards.update('c1', ({ fields_config: { discord, price } }) => ({ fields_config: { discord: discord + 4096, price: 11, copy: price } }));
	assert.equal(sent(asked.at(-1)), '{"discord":369553424691499000,"price":11,"copy":10}');
	const shown = await client.cards.get('c1');
	shown.fields_config.price = 11; // in place
	shown.fields_config.deep.unshift(1);
	await client.cards.update(shown, { fields_config: shown.fields_config });
	assert.equal(sent(asked.at(-1)), '{"discord":369553424691494913,"price":11,"deep":[1,{"tiny":0.1234567890123456789}],"n":7,"text":"10.00 \\"1e3"}');
});

test('a text that looks like the sign for a number is a text', async () => {
	const text = `\ue000cardkeep number 7`;
	const { client, asked } = fake([200, NUMBERS]);
	await client.cards.update('c1', ({ fields_config: { price } }) => ({ fields_config: { price, text } }));
	assert.deepEqual(JSON.parse(asked.at(-1).raw).fields_config, { price: 10, text });
	for (const written of [text, text.replace('\ue000', '\\ue000'), text.replace('\ue000', '\\uE000')]) {
		const other = fake([200, NUMBERS.replace('"n":7', `"n":"${written}"`)]);
		assert.equal((await other.client.cards.get('c1')).fields_config.n, text);
	}
});

test('a merge or a revert that history does not reach says so', async () => {
	const [, body] = conflict(card(9));
	const { client } = fake([409, { ...body, reason: 'base-unavailable' }]);
	await assert.rejects(client.cards.revert(card(9), 1), { reason: 'base-unavailable' });
});

test('412 is a conflict too', async () => {
	const [, body] = conflict(card(2));
	const answer = { ...body, type: 'urn:cardkeep:problem:precondition-failed' };
	const { client } = fake([412, answer]);
	await assert.rejects(client.cards.delete(card(1)), VersionConflictError);
});

test('a function is applied to the fresh card after each conflict', async () => {
	let version = 1;
	const { client, asked } = fake((_, { method, body }) => {
		if (method === 'GET') return [200, card(version, { count: version * 10 })];
		const expected = JSON.parse(body).version;
		if (version < 4) version++;
		return expected === version ? [200, card(5)] : conflict(card(version));
	});
	const done = await client.cards.update('c1', ({ count }) => ({ fields_config: { n: count + 1 } }));
	assert.equal(done.version, 5);
	const patches = asked.filter(({ method }) => method === 'PATCH');
	assert.deepEqual(
		patches.map(({ body }) => [body.version, body.fields_config.n]),
		[
			[1, 11],
			[2, 21],
			[3, 31],
			[4, 41],
		],
	);
	assert.equal(new Set(keys(patches)).size, 4, 'each is another intended write');
});

test('a function that wants no change writes nothing, and one that says nothing is a mistake', async () => {
	const { client, asked } = fake([200, card(3)]);
	assert.deepEqual(await client.cards.update('c1', () => null), card(3));
	assert.deepEqual(await client.cards.update('c1', async () => ({})), card(3));
	await assert.rejects(client.cards.update('c1', () => undefined), TypeError);
	assert.ok(asked.every(({ method }) => method === 'GET'));
});

test('conflicts are worked through within a limit', async () => {
	const { client, asked } = fake((_, { method }) =>
		method === 'GET' ? [200, card(1)] : conflict(card(2)),
	);
	const give = client.cards.update('c1', () => ({ name: 'x' }), { maxAttempts: 4 });
	await assert.rejects(give, (error) => error instanceof VersionConflictError && error.attempts === 4);
	assert.equal(asked.length, 8);
});

test('merge: true asks the service to merge', async () => {
	const { client, asked } = fake([200, card(3, { merged: true, mergedWith: [2] })]);
	const done = await client.cards.update(card(1), { name: 'x' }, { merge: true });
	assert.deepEqual(done.mergedWith, [2]);
	assert.deepEqual(asked[0].body, { name: 'x', version: 1, merge: true });
});

// ---- repeats that meet their own write ----

test('a repeat that finds its own write done is no conflict, though the service kept no key', async () => {
	const now = card(2, { name: 'Ada', fields_config: { b: [1, { c: null }], a: 1 } });
	const wanted = { name: ' Ada ', fields_config: { a: 1, b: [1, { c: null }] }, design_config: null };
	for (const lost of [[504], reset()]) {
		const { client } = fake(lost, conflict(now));
		assert.deepEqual(await client.cards.update(card(1), wanted), now);
	}
});

test('what the service passes over in a change says nothing of whether it was applied', async () => {
	const got = card(2, { merged: true, mergedWith: [2], isNew: true, updated_at: 'then' });
	const now = card(3, { name: 'Ada', updated_at: 'now' });
	const { client } = fake([504], conflict(now));
	assert.deepEqual(await client.cards.update(got, { ...got, name: 'Ada' }), now);
});

test('a conflict with what others wrote stays one after a lost answer', async () => {
	for (const name of ['Grace', '', null]) {
		const { client } = fake([504], conflict(card(2, { name })));
		await assert.rejects(client.cards.update(card(1), { name: 'Ada' }), VersionConflictError);
	}
	const inside = card(2, { fields_config: { a: 1, b: 2 } });
	const { client } = fake([504], conflict(inside));
	await assert.rejects(client.cards.update(card(1), { fields_config: { a: 1 } }), VersionConflictError);
});

test('without a lost answer an equal card is a conflict like any other', async () => {
	const { client } = fake(conflict(card(2, { name: 'Ada' })));
	await assert.rejects(client.cards.update(card(1), { name: 'Ada' }), VersionConflictError);
});

test("somebody else's equal card is not taken for the change that a function made", async () => {
	const counted = (version, count) => card(version, { fields_config: { count } });
	const { client, asked } = fake(
		[200, counted(1, 5)],
		reset(),
		conflict(counted(2, 6)),
		[200, counted(2, 6)],
		[200, counted(3, 7)],
	);
	const more = ({ fields_config: { count } }) => ({ fields_config: { count: count + 1 } });
	assert.equal((await client.cards.update('c1', more)).fields_config.count, 7);
	assert.deepEqual(asked[4].body, { fields_config: { count: 7 }, version: 2 });
});

test('deleting, ending and signing out twice because of a lost answer are done once', async () => {
	const gone = [404, problem('not-found')];
	await fake([504], gone).client.cards.delete(card(1));
	await fake([504], gone).client.sessions.end('s1');
	await assert.rejects(fake(gone).client.cards.delete(card(1)), { status: 404 });
	const { client } = fake([504], [401, problem('unauthorized')]);
	await client.signOut();
	assert.equal(client.token, undefined);
});

// ---- signing in, pages, addresses ----

test('signing in keeps the token, and the next request carries it', async () => {
	const { make, asked } = fake([201, { user: { id: 'u' }, session: { id: 's' }, token: 'ck_new' }], [200, card(1)]);
	const client = make();
	const credentials = { email: 'ada@example.org', password: 'correct horse', deviceName: 'Phone' };
	assert.equal((await client.signIn(credentials)).session.id, 's');
	assert.equal(client.token, 'ck_new');
	await client.cards.get('c1');
	const { email, password } = credentials;
	assert.deepEqual(asked[0].body, { email, password, device_name: 'Phone' });
	assert.equal(asked[0].headers.Authorization, undefined);
	assert.equal(asked[1].headers.Authorization, 'Bearer ck_new');
	assert.equal(asked[1].credentials, 'omit');
});

test('by cookie no token is kept, and the cookie goes along', async () => {
	const { make, asked } = fake([201, { user: { id: 'u' }, session: { id: 's' } }], [200, card(1)]);
	const client = make({ cookie: true });
	await client.signIn({ email: 'a', password: 'b' });
	await client.cards.get('c1');
	assert.equal(asked[0].body.cookie, true);
	assert.equal(client.token, undefined);
	assert.deepEqual(
		asked.map(({ credentials }) => credentials),
		['same-origin', 'same-origin'],
	);
});

test('the late answer to a sign-out takes nothing from a newer sign-in', async () => {
	const leave = {
		signOut: (c) => c.signOut(),
		'signOut of a session that was over': (c) => c.signOut(),
		signOutEverywhere: (c) => c.signOutEverywhere(),
		deleteAccount: (c) => c.deleteAccount('old'),
	};
	for (const [name, call] of Object.entries(leave)) {
		let arrive;
		const late = () => new Promise((resolve) => (arrive = resolve));
		const entered = [201, { user: { id: 'u2' }, session: { id: 's2' }, token: 'ck_new' }];
		const { client } = fake(late, entered, [200, card(4)]);
		const leaving = call(client);
		await new Promise(setImmediate);
		await client.signIn({ email: 'a', password: 'b' });
		await client.cards.get('c1');
		arrive(/over/.test(name) ? [401, problem('unauthorized')] : noContent);
		await leaving;
		assert.equal(client.token, 'ck_new', name);
		await client.cards.update('c1', { name: 'x' }, { version: 'seen' });
		const alone = fake(noContent).client;
		await call(alone);
		assert.equal(alone.token, undefined, name);
	}
});

// ---- one cookie, many tabs ----

// A browser whose cookie is `signedIn`'s, a user's id; each has a profile at version 3. Requests that
// `onto` answers never get that far.
function browser(onto = () => undefined) {
	const jar = { signedIn: 'A' };
	const { asked, make } = fake((url, init) => {
		const early = onto(url, init, jar);
		if (early !== undefined) return early;
		if (url.endsWith('/users/me')) return [200, { user: { id: jar.signedIn } }];
		if (url.endsWith('/sessions')) return [201, { user: { id: jar.signedIn }, session: { id: 's' } }];
		if (init.headers['If-None-Match'] === '"3"') return [304];
		return [200, { full_name: jar.signedIn, version: 3 }, { ETag: '"3"' }];
	});
	const writes = () => asked.filter(({ method, url }) => method !== 'GET' && !url.endsWith('/sessions'));
	return { jar, asked, writes, client: make({ cookie: true }) };
}

test('by cookie a profile is never asked for by ETag: the path does not say whose it is', async () => {
	const { asked, client } = browser();
	for (const profile of [client.personal, client.professional])
		for (let i = 0; i < 2; i++) assert.equal((await profile.get()).full_name, 'A');
	assert.ok(asked.every(({ headers }) => headers['If-None-Match'] === undefined));
});

test('nothing is asked through the browser\'s cache, which knows no users either', async () => {
	const { asked, client } = browser();
	await client.personal.get();
	await client.cards.get('c1');
	assert.deepEqual(new Set(asked.map(({ cache }) => cache)), new Set(['no-store']));
});

test('once another tab signed in as somebody else, nothing of theirs is read or written', async () => {
	const calls = [
		(c) => c.personal.get(),
		(c) => c.personal.history(),
		(c) => c.personal.save({ full_name: 'x' }, { version: 'seen' }),
		(c) => c.personal.save({ full_name: 'x', version: 3 }),
		(c) => c.personal.save({ full_name: 'x' }, { version: 3, merge: true }),
		(c) => c.personal.save(() => ({ full_name: 'x' })),
		(c) => c.personal.revert(1, { version: 'seen' }),
		(c) => c.cards.create({ name: 'x' }),
		(c) => c.sessions.endOthers(),
		(c) => c.signOutEverywhere(),
		(c) => c.changePassword('a', 'b'),
		(c) => c.deleteAccount('a'),
	];
	const beginnings = [
		(c) => c.personal.get(),
		(c) => c.user().then(() => c.personal.get()),
		(c) => c.signIn({ email: 'a', password: 'b' }).then(() => c.personal.get()),
	];
	for (const begin of beginnings)
		for (const call of calls) {
			const { jar, client, asked } = browser();
			await begin(client);
			const before = asked.length;
			jar.signedIn = 'B';
			const error = await call(client).catch((e) => e);
			assert.ok(error instanceof AnotherUserError, `${call}: ${error}`);
			assert.equal(error.outcomeUnknown, false);
			assert.deepEqual(asked.slice(before).map(({ url }) => url), ['/api/users/me'], String(call));
		}
});

test('user() tells who is signed in, and the client stays the one\'s it was', async () => {
	const { jar, client, writes } = browser();
	const shown = await client.personal.get();
	jar.signedIn = 'B';
	assert.equal((await client.user()).id, 'B');
	await assert.rejects(client.personal.save({ ...shown, full_name: 'x' }), AnotherUserError);
	assert.deepEqual(writes(), []);
	jar.signedIn = 'A';
	assert.equal((await client.personal.save({ ...shown, full_name: 'x' })).full_name, 'A');
});

test('whoever signs in through the client is whom it works for from then on', async () => {
	const { jar, client, writes } = browser();
	await client.personal.get();
	jar.signedIn = 'B';
	await client.signIn({ email: 'b', password: 'b' });
	await assert.rejects(client.personal.save({ full_name: 'x' }, { version: 'seen' }), TypeError, 'what A had seen');
	assert.equal((await client.personal.get()).full_name, 'B');
	await client.personal.save({ full_name: 'x' }, { version: 'seen' });
	assert.equal(writes().length, 1);
});

test('by cookie a profile\'s version means nothing until it is known whose it is', async () => {
	const { client, asked } = browser();
	await assert.rejects(client.personal.save({ full_name: 'x', version: 3 }), TypeError);
	await assert.rejects(client.personal.revert(1, { version: 3 }), TypeError);
	assert.equal(asked.length, 0);
	await client.user();
	await client.personal.save({ full_name: 'x', version: 3 });
});

test('a repeat is not sent under somebody else\'s cookie, and the outcome stays unknown', async () => {
	for (const write of [(c) => c.personal.save({ full_name: 'x', version: 3 }), (c) => c.cards.create({ name: 'x' })]) {
		const { client, writes } = browser((_, { method }, jar) => {
			if (method === 'GET') return undefined;
			jar.signedIn = 'B';
			return reset();
		});
		await client.personal.get();
		const error = await write(client).catch((e) => e);
		assert.ok(error instanceof AnotherUserError, String(error));
		assert.equal(error.outcomeUnknown, true);
		assert.equal(writes().length, 1);
	}
});

test('the question who is signed in is repeated as any other', async () => {
	let times = 0;
	const { client, writes } = browser((url) =>
		url.endsWith('/users/me') ? [[503], [504], reset()][times++] : undefined,
	);
	assert.equal((await client.personal.get()).full_name, 'A');
	await client.personal.save({ full_name: 'x', version: 3 });
	assert.equal(writes().length, 1);
});

test('a change made from one user\'s profile is not written to the next one\'s', async () => {
	const { client, asked } = fake([200, { full_name: 'Ada', version: 3 }]);
	const change = () => {
		client.token = 'ck_other';
		return { full_name: 'x' };
	};
	await assert.rejects(client.personal.save(change), AnotherUserError);
	assert.equal(asked.length, 1);
});

test('all cards come a page at a time', async () => {
	const pages = { '': ['a', 'b'], '?limit=2&after=p%261': ['c', 'd'], '?limit=2&after=p2': [] };
	const nexts = ['p&1', 'p2', null];
	const { client, asked } = fake((url) => {
		const cards = (pages[url.replace(`${base}/api/cards`, '')] ?? ['a', 'b']).map((id) => card(1, { id }));
		return [200, { cards, next: nexts[asked.length - 1] }];
	});
	const ids = [];
	for await (const { id } of client.cards.all({ limit: 2 })) ids.push(id);
	assert.deepEqual(ids, ['a', 'b', 'c', 'd']);
	assert.equal(asked[1].url, '/api/cards?limit=2&after=p%261');
});

test('each call goes to its address', async () => {
	const calls = [
		[(c) => c.cards.update(card(1), { name: 'x' }), 'PATCH /api/cards/c1'],
		[(c) => c.cards.get('a/b?c'), 'GET /api/cards/a%2Fb%3Fc'],
		[(c) => c.cards.delete(card(1)), 'DELETE /api/cards/c1?version=1'],
		[(c) => c.cards.history('c1', { limit: 5 }), 'GET /api/cards/c1/history?limit=5'],
		[(c) => c.cards.revert(card(3), 2), 'POST /api/cards/c1/revert'],
		[(c) => c.personal.get(), 'GET /api/profile/personal'],
		[(c) => c.professional.save({ job_title: 'x', version: 0 }), 'PATCH /api/profile/professional'],
		[(c) => c.professional.history(), 'GET /api/profile/professional/history'],
		[(c) => c.personal.revert(1, { version: 2 }), 'POST /api/profile/personal/revert'],
		[(c) => c.user(), 'GET /api/users/me'],
		[(c) => c.sessions.list(), 'GET /api/sessions'],
		[(c) => c.sessions.endOthers(), 'DELETE /api/sessions?scope=others'],
		[(c) => c.signOut(), 'DELETE /api/sessions/current'],
		[(c) => c.signOutEverywhere(), 'DELETE /api/sessions?scope=global'],
		[(c) => c.changePassword('a', 'b'), 'PUT /api/users/me/password'],
		[(c) => c.deleteAccount('a'), 'DELETE /api/users/me'],
	];
	for (const [call, wanted] of calls) {
		const { client, asked } = fake([200, { ...card(1), history: [], next: null, user: {}, sessions: [] }]);
		await call(client);
		assert.equal(`${asked[0].method} ${asked[0].url}`, wanted);
	}
});

test('a client outside of a page must be told where the service is', () => {
	assert.throws(() => new CardkeepClient(), TypeError);
	assert.throws(() => defaultClient(), TypeError);
});

test('updateCardWithRetry works with the configured client, or with one passed in', async () => {
	const one = fake([200, card(1)], [200, card(2)]);
	const other = fake([200, card(1)], conflict(card(2)), [200, card(2)], [200, card(3)]);
	configure(one.client);
	assert.equal(defaultClient(), one.client);
	assert.equal((await updateCardWithRetry('c1', { name: 'x' })).version, 2);
	assert.equal((await updateCardWithRetry('c1', { name: 'x' }, 3, other.client)).version, 3);
	assert.deepEqual(
		other.asked.map(({ method, body }) => [method, body?.version]),
		[
			['GET', undefined],
			['PATCH', 1],
			['GET', undefined],
			['PATCH', 2],
		],
	);
	assert.equal(one.asked.length, 2);
});

test('updateCardWithRetry gives up with the conflict', async () => {
	const { client, asked } = fake((_, { method }) =>
		method === 'GET' ? [200, card(1)] : conflict(card(2)),
	);
	await assert.rejects(updateCardWithRetry('c1', { name: 'x' }, 3, client), VersionConflictError);
	assert.equal(asked.filter(({ method }) => method === 'PATCH').length, 3);
});
