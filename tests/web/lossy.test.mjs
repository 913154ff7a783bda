// Exactly once, whatever gets lost: clients work on a model of the service over a network that loses
// requests and answers as fast-check likes, and afterwards the model tells what was applied.
import fc from 'fast-check';

import { CardkeepClient, CardkeepError } from '../../web/cardkeep.js';
import { assert, test } from '../lib/harness.mjs';
import { base, conflict, quick, reset } from './fake.mjs';

// What can happen to one request on its way. `after` is the mean one: applied, and nobody is told.
const FAULTS = ['none', 'none', 'none', 'refused', 'limited', 'before', 'after', 'timeout', 'reset'];

// A service that keeps its cards, and its keys unless told otherwise, in memory.
class Model {
	constructor({ faults, keepsKeys = true }) {
		Object.assign(this, { faults, keepsKeys, sent: 0, cards: new Map(), keys: new Map() });
	}

	client(options) {
		const fetch = (url, init) => this.#travel(url.replace(base, ''), init);
		return new CardkeepClient({ baseUrl: base, token: 'ck_x', fetch, retry: { ...quick, ...options } });
	}

	async #travel(path, init) {
		const fault = this.faults[this.sent++] ?? 'none';
		await this.#some();
		if (fault === 'refused') return new Response(null, { status: 503 });
		if (fault === 'limited') return new Response(null, { status: 429 });
		if (fault === 'before') throw reset();
		const [status, body] = this.#once(path, init);
		await this.#some();
		if (fault === 'after' || fault === 'reset') throw reset();
		if (fault === 'timeout') return new Response(null, { status: 504 });
		return new Response(JSON.stringify(body), { status });
	}

	// Others get their turn in between.
	async #some() {
		for (let turns = this.sent % 4; turns > 0; turns--) await new Promise(setImmediate);
	}

	// Applied writes are kept under their key; refusals are decided anew.
	#once(path, { method, headers, body }) {
		if (method === 'GET') return [200, this.cards.get(path)];
		const key = headers['Idempotency-Key'];
		const kept = this.keepsKeys ? this.keys.get(key) : undefined;
		const answer = kept ?? this.#apply(method, path, JSON.parse(body));
		if (answer[0] < 300) this.keys.set(key, answer);
		return answer;
	}

	#apply(method, path, { version, ...changes }) {
		if (method === 'POST') {
			const card = { id: String(this.cards.size), fields_config: {}, ...changes, version: 1 };
			this.cards.set(`${path}/${card.id}`, card);
			return [201, card];
		}
		const card = this.cards.get(path);
		if (card.version !== version) return conflict(card);
		const changed = { ...card, ...changes, version: version + 1 };
		this.cards.set(path, changed);
		return [200, changed];
	}

	add(card) {
		this.cards.set(`/api/cards/${card.id}`, card);
		return card;
	}

	card(id) {
		return this.cards.get(`/api/cards/${id}`);
	}
}

// What became of an operation: done, refused (not applied), or unknown.
const outcome = (operation) =>
	operation.then(
		() => 'done',
		(error) => {
			if (!(error instanceof CardkeepError)) throw error;
			return error.outcomeUnknown ? 'unknown' : 'refused';
		},
	);

const allowed = { done: [1], refused: [0], unknown: [0, 1] };

function checkEach(outcomes, timesApplied) {
	outcomes.forEach((what, i) => {
		const times = timesApplied(i);
		assert.ok(allowed[what].includes(times), `operation ${i} is ${what} and was applied ${times} times`);
	});
}

const faults = fc.array(fc.constantFrom(...FAULTS), { minLength: 10, maxLength: 60 });
const maxAttempts = fc.constantFrom(2, 3, 50);

test('a change made from what is there is applied exactly once, by five clients at once', async () => {
	const property = fc.asyncProperty(faults, maxAttempts, async (way, tries) => {
		const model = new Model({ faults: way });
		const { id } = model.add({ id: 'hot', fields_config: { log: [] }, version: 1 });
		const add = (i) => (card) => ({ fields_config: { log: [...card.fields_config.log, i] } });
		const work = (_, i) =>
			outcome(model.client({ maxAttempts: tries }).cards.update(id, add(i), { maxAttempts: 60 }));
		const outcomes = await Promise.all(Array.from({ length: 5 }, work));
		const { fields_config, version } = model.card(id);
		checkEach(outcomes, (i) => fields_config.log.filter((n) => n === i).length);
		assert.equal(version, fields_config.log.length + 1);
	});
	await fc.assert(property, { numRuns: 80 });
});

test('a card is created exactly once', async () => {
	const property = fc.asyncProperty(faults, maxAttempts, async (way, tries) => {
		const model = new Model({ faults: way });
		const client = model.client({ maxAttempts: tries });
		const work = (_, i) => outcome(client.cards.create({ name: `card ${i}` }));
		const outcomes = await Promise.all(Array.from({ length: 5 }, work));
		const names = [...model.cards.values()].map(({ name }) => name);
		checkEach(outcomes, (i) => names.filter((name) => name === `card ${i}`).length);
	});
	await fc.assert(property, { numRuns: 80 });
});

test('fields set by one tab are set once each, even by a service that keeps no keys', async () => {
	const property = fc.asyncProperty(faults, async (way) => {
		const model = new Model({ faults: way, keepsKeys: false });
		let card = model.add({ id: 'mine', name: 'Base', fields_config: {}, version: 1 });
		const client = model.client({ maxAttempts: 100 });
		for (let i = 0; i < 5; i++) card = await client.cards.update(card, { name: `name ${i}` });
		assert.deepEqual([card.name, card.version], ['name 4', 6]);
		assert.deepEqual(model.card('mine'), card);
	});
	await fc.assert(property, { numRuns: 80 });
});

test('the check itself notices a service that applies a key twice', async () => {
	const model = new Model({ faults: ['after'], keepsKeys: false });
	const what = await outcome(model.client().cards.create({ name: 'twice' }));
	assert.throws(() => checkEach([what], () => model.cards.size), /applied 2 times/);
});
