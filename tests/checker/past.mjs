// What happened, as the database tells it afterwards: every entity with the content of each of its
// versions.
//
// A history row holds what was before, so contents are made from the present backwards. That the
// versions of an entity are 1 to N, each once, and that no two cards share a slug, is known by then.
import { isDeepStrictEqual } from 'node:util';

import { must } from './contradiction.mjs';

// The fields whose values may name the write that set them: each write of a run sets another, but for
// reverts, which bring back the marks of others. Keys of a document stand for themselves.
const MARKS = {
	card: ({ name, fields_config }) => [name, ...Object.values(fields_config ?? {})],
	personal: ({ full_name, address }) => [full_name, address],
	professional: ({ job_title, department }) => [job_title, department],
};
const marksOf = (entity, content) =>
	content === undefined ? [] : MARKS[kindOf(entity)](content).filter((mark) => typeof mark === 'string');

// The one that names a write unless it says otherwise.
export const MARK = { card: 'name', personal: 'full_name', professional: 'job_title' };

export const kindOf = (entity) => entity.slice(0, entity.indexOf('/'));

export class Past {
	#entities = new Map(); // entity -> {versions: [row], now: row | undefined, contents, origins: by version}
	#slugs = new Map();
	#marks = new Map(); // mark -> {entity, version}, where it first appeared

	// One row of the dump (dump.sql).
	take(row) {
		if (row.slug !== undefined) this.#takeSlug(row);
		if (row.row === 'retired') return;
		const entity = this.#entity(row.entity);
		if (row.row === 'version') this.#takeVersion(entity, row);
		else entity.now = row;
	}

	#entity(name) {
		if (!this.#entities.has(name)) this.#entities.set(name, { versions: [], contents: [], origins: [] });
		return this.#entities.get(name);
	}

	#takeSlug(row) {
		const other = this.#slugs.get(row.slug);
		must(other === undefined, `two cards have the slug ${row.slug}`, [['one', other], ['another', row]]);
		this.#slugs.set(row.slug, row);
	}

	#takeVersion({ versions }, row) {
		const last = versions.at(-1);
		must(row.version === versions.length + 1, `${row.entity} has no version ${versions.length + 1} in its history`,
			[['the row before', last ?? 'none'], ['the row found', row]]);
		must(!last?.deletion, `${row.entity} was written after it was deleted`, [['deleted', last], ['written', row]]);
		versions.push(row);
	}

	// All rows are there: makes the contents.
	complete() {
		for (const [name, entity] of this.#entities) {
			this.#checkEnd(name, entity);
			this.#makeContents(entity);
			this.#noteMarks(name, entity);
		}
	}

	#checkEnd(name, { now, versions }) {
		const last = versions.at(-1);
		if (last?.deletion) {
			must(now === undefined, `${name} was deleted and is there`, [['deleted', last], ['there', now]]);
			return;
		}
		must(now !== undefined, `${name} has a history that does not end in its deletion, and is not there`,
			[['the last version', last]]);
		must(now.version === versions.length, `${name} is at version ${now.version} and its history at ${versions.length}`,
			[['now', now], ['the last version', last ?? 'none']]);
	}

	#makeContents({ now, versions, contents }) {
		let content = now?.content;
		for (let v = versions.length; v > 0; v--) {
			contents[v] = versions[v - 1].deletion ? undefined : content;
			content = { ...content, ...versions[v - 1].before };
		}
	}

	#noteMarks(name, { versions, contents, origins }) {
		for (let version = 1; version <= versions.length; version++) {
			const before = marksOf(name, contents[version - 1]);
			const origin = { fresh: [], again: [] };
			origins[version] = origin;
			for (const mark of new Set(marksOf(name, contents[version]))) {
				if (before.includes(mark)) continue;
				const first = this.#marks.get(mark);
				origin[first === undefined ? 'fresh' : 'again'].push(mark);
				if (first === undefined) this.#marks.set(mark, { entity: name, version });
			}
		}
	}

	// What is to be said of a write that is there twice.
	twice(mark, entity, version) {
		const first = this.#marks.get(mark);
		return [`one write was applied twice: "${mark}"`, () => [
			['once', this.row(first.entity, first.version)],
			['again', this.row(entity, version)],
		]];
	}

	// {entity, version} that the write with this mark made, or undefined.
	where(mark) {
		return this.#marks.get(mark);
	}

	// Every {entity, version, fresh, again} but the deletions: the marks that it brought, and those it
	// brought back.
	*changes() {
		for (const [entity, { versions, origins }] of this.#entities)
			for (const { version, deletion } of versions)
				if (!deletion) yield { entity, version, ...origins[version] };
	}

	// The content as of that version; undefined where it is none, or the deletion.
	content(entity, version) {
		return this.#entities.get(entity)?.contents[version];
	}

	// The history row, or a text that says there is none.
	row(entity, version) {
		return this.#entities.get(entity)?.versions[version - 1] ?? `${entity} has no version ${version}`;
	}

	// The version that the deletion made, or undefined.
	deletion(entity) {
		const last = this.#entities.get(entity)?.versions.at(-1);
		return last?.deletion ? last.version : undefined;
	}

	*deletions() {
		for (const [entity] of this.#entities) {
			const version = this.deletion(entity);
			if (version !== undefined) yield { entity, version };
		}
	}
}

// Whether `shown`, an answer's body, shows this content.
export function shows(shown, content) {
	return Object.keys(content).every((field) =>
		isDeepStrictEqual(shown[field] ?? null, content[field] ?? null));
}
