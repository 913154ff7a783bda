// A run of many clients that is written down and judged: creates, updates, merges, reverts, deletes,
// profile saves and reads, several tabs to an account, while something breaks.
//
//   const run = await startRun(stack, {clients, keys, port, keep});
//   ... break things, until run.counts say enough ...
//   const verdict = await run.judge();     {status, text, undecided, counts}
//
// What is judged is a file of lines and a dump of the database (tests/checker/check.mjs). Where the
// verdict is a contradiction, or a write got no definite answer, both files are kept, unless `keep` is
// false, and the verdict's text says where.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { Client, atOnce, top, until } from '../lib/harness.mjs';
import { Record, RecordedClient } from '../lib/recorder.mjs';

const USERS = 4;
const CARDS_MAX = 12; // of one account, so that its tabs meet at the same cards

const pick = (list) => list[Math.floor(Math.random() * list.length)];

export async function startRun(stack, { clients = 16, keys = false, port = stack.port, keep = true } = {}) {
	const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckt-'));
	const remove = () => fs.rmSync(dir, { recursive: true, force: true });
	process.once('exit', remove);
	const record = new Record(path.join(dir, 'record'));
	const users = await atOnce(USERS, USERS, () => stack.client.register());
	const http = new Client(port, { width: clients });
	const counts = { told: 0, applied: 0 };
	const tabs = Array.from({ length: clients }, (_, i) =>
		new Tab(new RecordedClient(record, http, { name: `tab ${i}`, user: users[i % USERS], keys }), counts));
	let going = true;
	const done = Promise.all(tabs.map((tab) => tab.work(() => going)));
	return {
		counts,
		judge: async () => {
			going = false;
			await done;
			http.close();
			record.close();
			const undecided = tabs.flatMap(({ client }) => client.undecided);
			const judged = await verdict(stack, dir);
			if ((judged.status !== 0 || undecided.length > 0) && keep) {
				process.removeListener('exit', remove);
				judged.text += `\njudged: ${judged.command}`;
			}
			return { ...judged, undecided, counts };
		},
	};
}

// What one tab knows and does. Cards are shared by the tabs of one account, as one person's are.
class Tab {
	static #cards = new WeakMap(); // user -> Map of entity -> what a tab saw of it last: {version, fields}

	constructor(client, counts) {
		Object.assign(this, { client, counts, profiles: { personal: 0, professional: 0 }, olds: new Map() });
		if (!Tab.#cards.has(client.user)) Tab.#cards.set(client.user, new Map());
		this.cards = Tab.#cards.get(client.user);
	}

	async work(going) {
		while (going()) {
			const told = await this.#one(Math.random());
			this.counts.told++;
			if (told.status < 300) this.counts.applied++;
		}
	}

	#one(chance) {
		if (this.cards.size === 0 || (chance < 0.2 && this.cards.size < CARDS_MAX)) return this.#create();
		if (chance < 0.45) return this.#update();
		if (chance < 0.58) return this.#merge();
		if (chance < 0.65) return this.#revert();
		if (chance < 0.72) return this.#remove();
		if (chance < 0.86) return this.#save(pick(['personal', 'professional']));
		return this.#read();
	}

	async #create() {
		const name = this.client.mark();
		const told = await this.client.create({ name, fields_config: { by: name } });
		if (told.status === 201) this.cards.set(told.entity, seenIn(told));
		return told;
	}

	async #update() {
		const [entity, { version }] = pick([...this.cards]);
		const name = this.client.mark();
		const sent = pick([{ name }, { name, fields_config: { by: name } }, { name, is_public: Math.random() < 0.5 }]);
		return this.#learn(entity, await this.client.update(entity, version, sent));
	}

	// From what this tab saw of the card some time ago, and under a key of its own in one document.
	async #merge() {
		const [entity, now] = pick([...this.cards]);
		const { version, fields } = this.olds.get(entity) ?? now;
		const mark = this.client.mark();
		this.olds.set(entity, now);
		const sent = { fields_config: { ...fields, [this.client.name]: mark } };
		return this.#learn(entity, await this.client.merge(entity, version, sent, mark));
	}

	async #revert() {
		const [entity, { version }] = pick([...this.cards]);
		this.client.mark();
		const to = 1 + Math.floor(Math.random() * version);
		return this.#learn(entity, await this.client.revert(entity, version, to));
	}

	async #remove() {
		const [entity, { version }] = pick([...this.cards]);
		this.client.mark();
		const told = await this.client.remove(entity, version);
		if (told.status === 204) this.cards.delete(entity);
		return this.#learn(entity, told);
	}

	// The field that names saves, or another that is merged, so that both may land.
	async #save(kind) {
		const mark = this.client.mark();
		const [saved, merged] = kind === 'personal' ? ['full_name', 'address'] : ['job_title', 'department'];
		const from = this.profiles[kind];
		const told = Math.random() < 0.5
			? await this.client.save(kind, from, { [saved]: mark })
			: await this.client.merge(`${kind}/${this.client.user.id}`, from, { [merged]: mark }, mark);
		this.profiles[kind] = told.version ?? told.body?.currentVersion ?? from;
		return told;
	}

	async #read() {
		const [entity] = pick([...this.cards]);
		return this.#learn(entity, await this.client.read(entity));
	}

	#learn(entity, told) {
		const seen = seenIn(told);
		if (told.status === 404) this.cards.delete(entity);
		else if (seen !== undefined && this.cards.has(entity)) this.cards.set(entity, seen);
		return told;
	}
}

// What an answer, also a refusal, shows of a card; undefined where it shows none.
function seenIn({ body }) {
	const card = body?.current ?? body;
	return card?.version === undefined ? undefined : { version: card.version, fields: card.fields_config };
}

const idle = "select count(*) from pg_stat_activity where usename = 'cardkeep_runtime' and state <> 'idle'";

// Waits for what forgotten backends have in flight, dumps, and asks the checker.
async function verdict(stack, dir) {
	await until('no call is under way', async () => Number(await stack.sql(idle, 'super')) === 0, 20_000);
	const [record, dump] = ['record', 'dump'].map((name) => path.join(dir, name));
	await dumpInto(stack, dump);
	const judged = await run(process.execPath, [path.join(top, 'tests/checker/check.mjs'), record, dump]);
	return { ...judged, command: `node tests/checker/check.mjs ${record} ${dump}` };
}

async function dumpInto(stack, file) {
	const out = fs.openSync(file, 'w');
	const script = path.join(top, 'tests/checker/dump.sql');
	const { status, text } = await run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-o', file, '-f', script, stack.conninfo.super]);
	fs.closeSync(out);
	if (status !== 0) throw new Error(`the dump failed: ${text}`);
}

async function run(program, args) {
	try {
		const { stdout, stderr } = await promisify(execFile)(program, args, { maxBuffer: 64 << 20 });
		return { status: 0, text: (stdout + stderr).trimEnd() };
	} catch (error) {
		return { status: error.code, text: `${error.stdout}${error.stderr}`.trimEnd() };
	}
}
