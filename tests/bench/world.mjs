// What the database holds when a case begins, and what it has come to when the case is over.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { atOnce } from '../lib/wait.mjs';
import { shell } from '../lib/shell.mjs';

export const USERS = 2000;
export const CARDS = USERS * 8;
export const WARM = 64; // so many first cards, and first profiles, are for warming up, and left alone by the load
export const STRIDE = 7919; // a prime: walking by it reaches every card, neighbours far apart

// What a case finds filled and may write to; keys it finds none.
const TABLES = [
	'cardkeep.business_cards', 'cardkeep.business_card_versions', 'cardkeep.personal_info',
	'cardkeep.personal_info_versions', 'bench.naive_cards', 'bench.naive_profiles',
];

// What grows by one with each write that is acknowledged.
const COUNTS = {
	cards: 'count(*) from cardkeep.business_cards',
	versions: 'coalesce(sum(version), 0) from cardkeep.business_cards',
	profiles: 'coalesce(sum(version), 0) from cardkeep.personal_info',
	'naive-cards': 'count(*) from bench.naive_cards',
};

// The way before, as functions in the place of these.
const NAIVE = new URL('naive.sql', import.meta.url);
const REPLACED = ['read_card', 'create_card', 'update_card', 'save_own_profile'];

const MUST = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', commit_delay: '0' };

export class World {
	static async make(stack) {
		const world = new World();
		world.stack = stack;
		const file = (name) => path.join(stack.dir, name);
		world.files = { tokens: file('tokens'), cards: file('cards') };
		await world.#seed();
		world.session = stack.session('super');
		world.functions = { safe: await world.#definitions(), naive: await readFile(NAIVE, 'utf8') };
		world.standing = 'safe';
		await world.#run('set client_min_messages = error');
		world.tokens = await world.#run(
			`select bench.token_text(u) from generate_series(0, ${WARM - 1}) u order by u`,
		);
		world.ids = await world.#run(`select id from bench.cards where k < ${WARM} order by k`);
		return world;
	}

	async #seed() {
		const seed = path.join(path.dirname(new URL(import.meta.url).pathname), 'seed.sql');
		const { tokens, cards } = this.files;
		await shell(
			'psql -XAtq -v users="$1" -v tokens="$2" -v cards="$3" -f "$4" "$5"',
			USERS, tokens, cards, seed, this.stack.conninfo.super,
		);
	}

	// As the role that does the work sees them, in its own session.
	async settings() {
		const list = Object.keys(MUST).map((name) => `'${name}'`).join(',');
		const text = await shell(
			'service_as psql -XAtq -c "$1" "$2"',
			`select name || '=' || setting from pg_settings where name in (${list}) order by name`,
			this.stack.conninfo.runtime,
		);
		return Object.fromEntries(text.split('\n').map((line) => line.split('=')));
	}

	async refuseUnsafe() {
		const have = await this.settings();
		const wrong = Object.keys(MUST).filter((name) => have[name] !== MUST[name]);
		const words = wrong.map((name) => `${name} is ${have[name]}, must be ${MUST[name]}`);
		if (wrong.length > 0)
			throw new Error(`no figures without safe writes: ${words.join('; ')}`);
		return have;
	}

	async #run(sql) {
		const rows = await this.session.run(sql);
		if (this.session.errors) throw new Error(`${sql}\n${this.session.errors}`);
		return rows;
	}

	// The functions that naive.sql puts others in the place of, as they are.
	async #definitions() {
		const names = REPLACED.map((name) => `'cardkeep_api.${name}'::regproc`).join(', ');
		const text = await this.stack.sql(
			`select string_agg(pg_get_functiondef(p.oid), ';' || chr(10)) || ';' from pg_proc p where p.oid in (${names})`,
			'super',
		);
		return text.join('\n');
	}

	// What a case begins with. Tables that only reads have seen since serve again.
	async begin(kind, way) {
		await this.#install(way === 'naive' ? 'naive' : 'safe');
		if (kind.world !== 'grown' || !this.untouched) await this.#remake(kind.world);
		this.untouched = kind.world === 'grown' && !kind.counts;
		await this.#failMarked(kind.mark);
	}

	// `grown` is every card, in tables made anew, so that no case has another's dead rows, pages to
	// write or statistics; `growing` the few cards to warm up with; `empty` none.
	async #remake(world) {
		await this.#run('set session_replication_role = replica');
		await this.#run(`truncate ${TABLES.join(', ')}, cardkeep.writes`);
		await this.#run('reset session_replication_role');
		if (world === 'growing') await this.#fill(0, WARM - 1);
		if (world !== 'grown') return;
		await this.#fill(0, CARDS - 1);
		await this.#run('select bench.put_naive()');
		for (const table of TABLES) await this.#run(`vacuum (analyze) ${table}`);
		await this.#run('checkpoint');
	}

	async #install(functions) {
		if (this.standing === functions) return;
		await this.stack.sql(this.functions[functions], 'super');
		this.standing = functions;
	}

	// The rest of a `growing` world; nothing tells the planner.
	grow() {
		return this.#fill(WARM, CARDS - 1);
	}

	async #fill(from, to) {
		await this.#run(`select bench.put(${from}, ${to})`);
	}

	async #failMarked(on) {
		await this.#run('drop trigger if exists bench_refuse on cardkeep.business_cards');
		if (!on) return;
		await this.#run(
			'create trigger bench_refuse before insert or update on cardkeep.business_cards ' +
				"for each row when (new.name like 'refuse %') execute function bench.refuse()",
		);
	}

	// Connections opened, statements prepared, plans settled (PostgreSQL settles one at its sixth
	// use), with the cards that are there for it.
	async warm(client, sends, rounds) {
		const answers = await atOnce(WARM, WARM, async (lane) => {
			const person = sends === 'profile' ? lane : Math.floor(lane / 8);
			const options = { token: this.tokens[person] };
			const at = `/api/cards/${this.ids[lane]}`;
			const got = [];
			for (let version = 1; version <= rounds; version++)
				for (const each of sends === 'mixed' ? ['read', 'update', 'create'] : [sends])
					got.push(await warmer(client, each, at, version, options));
			return got;
		});
		const bad = answers.flat().find(({ status }) => status >= 300);
		if (bad) throw new Error(`warming up with ${sends} got ${bad.status}: ${bad.text}`);
	}

	// How much of it was written so far.
	async written(counts) {
		return counts ? Number((await this.#run(`select ${COUNTS[counts]}`))[0]) : 0;
	}
}

function warmer(client, sends, at, version, options) {
	const name = `Warm ${at.slice(-12)} ${version}`;
	const key = sends.endsWith('-key') ? { 'Idempotency-Key': `"${name}"` } : {};
	const told = { ...options, headers: key };
	if (sends.startsWith('create')) return client.post('/api/cards', { name }, told);
	if (sends === 'profile')
		return client.patch('/api/profile/personal', { full_name: name, version }, told);
	if (/^(update|hot)/.test(sends)) return client.patch(at, { name, version }, told);
	return client.get(at, options);
}
