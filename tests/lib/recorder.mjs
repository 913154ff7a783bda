// Clients that write down what they ask and what they are told, for tests/checker to judge.
//
//   const record = new Record(FILE);
//   const tab = new RecordedClient(record, client, {name, user: {id, token}, keys: true});
//   const told = await tab.update('card/ID', 3, {name: 'A name that no other write uses'});
//
// The lines stand in the order in which things happened: one process writes them, a request's before
// its first byte is sent, an answer's when it was read. A client with keys repeats a write under its
// key until the answer is definite; one without takes what it gets.
import fs from 'node:fs';

import { pause } from './wait.mjs';

const PATIENCE_MS = 60_000;

export class Record {
	#file;
	tries = 0;

	constructor(file) {
		this.#file = fs.openSync(file, 'w');
	}

	line(line) {
		fs.writeSync(this.#file, `${JSON.stringify(line)}\n`);
	}

	close() {
		fs.closeSync(this.#file);
	}
}

const UNDER_WAY = 'urn:cardkeep:problem:idempotency-in-progress';
const mustAskAgain = ({ status, body }) =>
	['unknown', 504, 503, 429].includes(status) || body?.type === UNDER_WAY;

export class RecordedClient {
	#record;
	#http;
	#written = 0;
	undecided = []; // what was told last of the writes that ended without a definite answer

	constructor(record, http, { name, user, keys = false }) {
		Object.assign(this, { name, user, keys });
		this.#record = record;
		this.#http = http;
	}

	// A text that names the next write: the field that MARK (tests/checker/past.mjs) looks at.
	mark() {
		return `${this.name} ${++this.#written}`;
	}

	create(sent) {
		return this.#write({ do: 'create', sent }, 'POST', '/api/cards', sent);
	}

	update(entity, from, sent) {
		return this.#write({ do: 'update', entity, from, sent }, 'PATCH', address(entity), { version: from, ...sent });
	}

	remove(entity, from) {
		return this.#write({ do: 'delete', entity, from }, 'DELETE', `${address(entity)}?version=${from}`);
	}

	save(kind, from, sent) {
		const entity = `${kind}/${this.user.id}`;
		return this.#write({ do: 'save', entity, from, sent }, 'PATCH', address(entity), { version: from, ...sent });
	}

	// An update or a save that is to be merged, named by a mark of its own.
	merge(entity, from, sent, mark) {
		const body = { version: from, merge: true, ...sent };
		return this.#write({ do: 'merge', entity, from, sent, mark }, 'PATCH', address(entity), body);
	}

	revert(entity, from, to) {
		return this.#write({ do: 'revert', entity, from, to }, 'POST', `${address(entity)}/revert`, { version: from, to });
	}

	read(entity) {
		return this.#try({ do: 'read', entity }, 'GET', address(entity));
	}

	async #write(asked, method, path, body) {
		const key = this.keys ? `k ${this.name} ${this.#written}` : undefined;
		const end = performance.now() + PATIENCE_MS;
		for (;;) {
			const told = await this.#try({ ...asked, key }, method, path, body, key);
			if (!mustAskAgain(told)) return told;
			if (!this.keys || performance.now() > end) {
				this.undecided.push(told);
				return told;
			}
			await pause(10 + Math.random() * 90);
		}
	}

	async #try(asked, method, path, body, key) {
		const number = ++this.#record.tries;
		this.#record.line({ line: 'asked', try: number, client: this.name, ...asked });
		const told = await this.#ask(asked, method, path, body, key);
		this.#record.line({ line: 'told', try: number, ...told });
		return told;
	}

	async #ask(asked, method, path, body, key) {
		const headers = { 'Idempotency-Key': key === undefined ? undefined : `"${key}"` };
		try {
			const got = await this.#http.request(method, path, { token: this.user.token, body, headers });
			return seen(asked, got);
		} catch (error) {
			return { status: 'unknown', why: error.message };
		}
	}
}

// 'card/ID' is /api/cards/ID, 'personal/USER' is /api/profile/personal.
function address(entity) {
	const [kind, id] = entity.split('/');
	return kind === 'card' ? `/api/cards/${id}` : `/api/profile/${kind}`;
}

function seen(asked, { status, headers, json }) {
	const told = { status, request: headers['x-request-id'] };
	if (status >= 400) {
		const { type, currentVersion, current, reason } = json ?? {};
		return { ...told, body: { type, currentVersion, current, reason } };
	}
	if (json === undefined) return told;
	return { ...told, entity: asked.entity?.startsWith('card/') === false ? asked.entity : `card/${json.id}`, version: json.version, body: json };
}
