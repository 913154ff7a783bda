// Clients that repeat: each has an account of its own and writes one thing after the other, each under
// a key, and repeats it under that key until it is told how it ended. So each knows exactly what must
// be there afterwards.
import { randomUUID } from 'node:crypto';

import { assert, atOnce, pause, until } from '../lib/harness.mjs';

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const any = (values) => `'{${values.join(',')}}'`;

class Writer {
	constructor(stack, { id, token }, impatience) {
		Object.assign(this, { stack, user: id, token, impatience });
		this.cards = new Map(); // id: {version, name}
		this.gone = new Map(); // id: the version that its deletion made
		this.profile = 0;
		this.told = 0; // writes that were answered as applied
		this.tries = 0;
		this.unknown = 0; // tries that ended without a definite answer
		this.replayed = 0;
	}

	// One try: the answer, or nothing where it got lost on its way. Patience grows with the tries.
	async #try(method, path, body, key, tries) {
		const timeout = this.impatience ? tries * (1 + Math.random() * this.impatience) : undefined;
		try {
			return await this.stack.client.request(method, path, {
				token: this.token,
				body,
				headers: { 'Idempotency-Key': key },
				timeout,
			});
		} catch {
			return undefined;
		}
	}

	// Asks until the answer says what happened; that must be `status`.
	async #write(status, method, path, body) {
		const key = randomUUID();
		let unknown = false;
		for (let tries = 1; ; tries++) {
			const got = await this.#try(method, path, body, key, tries);
			this.tries++;
			if (got?.status === status) {
				this.told++;
				if (got.headers['idempotent-replayed']) this.replayed++;
				return got;
			}
			const open = got === undefined || got.status === 504;
			if (open) this.unknown++;
			else assert.ok(
				got.status === 503 || got.json?.type === 'urn:cardkeep:problem:idempotency-in-progress',
				`${method} ${path}: ${got.status} ${got.text}`,
			);
			unknown ||= open || got.status === 409;
			if (got?.status === 503 && !unknown) await this.#nothingApplied(got);
			assert.ok(tries < 2000, `${method} ${path}: no answer in ${tries} tries`);
			await pause(Math.random() * 20);
		}
	}

	// 503 promises that nothing was applied; nobody else writes for this account.
	async #nothingApplied(got) {
		const count = () =>
			this.stack.sql(`select count(*) from cardkeep.writes where user_id = '${this.user}'`, 'super')
				.then(([text]) => ({ text }), () => undefined);
		const { text } = await until('the database tells', count, 30_000);
		assert.equal(Number(text), this.told, `503 for what was applied: ${got.headers['x-request-id']}`);
	}

	async create() {
		const name = `Written ${this.told}`;
		const { json } = await this.#write(201, 'POST', '/api/cards', { name });
		assert.equal(json.version, 1);
		this.cards.set(json.id, { version: 1, name });
	}

	async update() {
		const [id, card] = pick([...this.cards]);
		const name = `Updated ${this.told}`;
		const { json } = await this.#write(200, 'PATCH', `/api/cards/${id}`, { version: card.version, name });
		assert.equal(json.version, card.version + 1);
		assert.equal(json.name, name);
		this.cards.set(id, { version: json.version, name });
	}

	async delete() {
		const [id, { version }] = pick([...this.cards]);
		await this.#write(204, 'DELETE', `/api/cards/${id}?version=${version}`);
		this.cards.delete(id);
		this.gone.set(id, version + 1);
	}

	async save() {
		const { json } = await this.#write(this.profile === 0 ? 201 : 200, 'PATCH', '/api/profile/personal', {
			version: this.profile,
			address: `Address ${this.told}`,
		});
		assert.equal(json.version, this.profile + 1);
		this.profile = json.version;
	}

	step() {
		if (this.cards.size < 2) return this.create();
		return this[pick(['create', 'update', 'update', 'update', 'delete', 'save'])]();
	}

	// What the database has must be what this writer was told.
	async verify() {
		const ask = (text) => this.stack.sql(text, 'super');
		const cards = await ask(`select id, version, name from cardkeep.business_cards where user_id = '${this.user}'`);
		assert.deepEqual(
			cards.sort(),
			[...this.cards].map(([id, { version, name }]) => `${id}|${version}|${name}`).sort(),
		);
		const versions = new Map([...this.gone, ...[...this.cards].map(([id, { version }]) => [id, version])]);
		const history = await ask(
			`select card_id, count(*), max(version) from cardkeep.business_card_versions
			where card_id = any (${any([...versions.keys()])}::uuid[]) group by card_id`,
		);
		assert.deepEqual(history.sort(), [...versions].map(([id, version]) => `${id}|${version}|${version}`).sort());
		const [saves] = await ask(`select count(*) from cardkeep.personal_info_versions where user_id = '${this.user}'`);
		assert.equal(Number(saves), this.profile);
		const [kept] = await ask(`select count(*) from cardkeep.writes where user_id = '${this.user}'`);
		assert.equal(Number(kept), this.told);
	}
}

// Starts `width` of them. impatience: they wait for an answer up to so many milliseconds.
export async function repeating(stack, { width = 8, impatience } = {}) {
	const people = await atOnce(width, width, () => stack.client.register());
	const writers = people.map((person) => new Writer(stack, person, impatience));
	let going = true;
	const done = atOnce(width, width, async (i) => {
		while (going) await writers[i].step();
	});
	// Told at once, not when somebody comes to ask.
	let failed;
	done.catch((error) => (failed = error));
	const sum = (what) => {
		if (failed) throw failed;
		return writers.reduce((total, writer) => total + writer[what], 0);
	};
	return {
		told: () => sum('told'),
		unknown: () => sum('unknown'),
		// Resolves when all is done and found to be as told, to how it went.
		async stop() {
			going = false;
			writers.forEach((writer) => (writer.impatience = undefined));
			await done;
			for (const writer of writers) await writer.verify();
			return Object.fromEntries(['told', 'tries', 'unknown', 'replayed'].map((what) => [what, sum(what)]));
		},
	};
}
