// Holds a record of what clients asked and were told against what the database says happened.
//
// The record is read once, in the order in which it was written, which is the order in which things
// happened to the clients; what is remembered is one entry a request, a write and an entity, so the
// work is linear in the length of the run. The rules are those of doc/guarantees.md:
//
//   2xx      the write is there once, at the version that was told, with what was sent; a merge with
//            what it came to, and a revert with what was there
//   4xx      it is not there, whichever of its tries were answered how (but for what says only that
//            another try is under way, or too many are)
//   503      this try did not apply it
//   504, no answer   it is wholly there or wholly absent
//   reads    show a version as it was written, and never one older than anybody had seen before
//            the read began
import { isDeepStrictEqual } from 'node:util';

import { Contradiction, must } from './contradiction.mjs';
import { merge } from './merge.mjs';
import { MARK, kindOf, shows } from './past.mjs';

// How many versions back a merge may begin (cardkeep_api.reach()).
const REACH = 1000;
const UNCERTAIN = new Set(['unknown', 504]);
// What says nothing of the write itself: it may have been applied by another try of it.
const PASSING = new Set(['urn:cardkeep:problem:idempotency-in-progress', 'urn:cardkeep:problem:rate-limited']);
const KNOWN = new Set([200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 503, 504, 'unknown']);

const isWrite = (asked) => asked.do !== 'read';
// What leaves no mark of its own is known by the version that it would make.
const UNMARKED = new Set(['delete', 'revert']);
const markOf = (asked) => asked.mark ?? asked.sent?.[MARK[kindOf(asked.entity ?? 'card/')]];
const applied = (told) => told.status === 200 || told.status === 201 || told.status === 204;

// applied | refused | not-now | uncertain
function meaning(told) {
	if (UNCERTAIN.has(told.status)) return 'uncertain';
	if (applied(told)) return 'applied';
	if (told.status === 503 || told.status === 429 || PASSING.has(told.body?.type)) return 'not-now';
	return 'refused';
}

export class Judge {
	#past;
	#asked = new Map(); // try -> what was asked, until it is told
	#writes = new Map(); // key, or try where there is none -> {tries, first answer, verdicts}
	#newest = new Map(); // entity -> the told line that showed its newest version so far
	#senders = new Map(); // mark -> write
	#suspects = new Map(); // 'entity version' -> deletions and reverts that would make that version
	#number = 0;
	counts = { lines: 0, writes: 0, reads: 0, applied: 0, merged: 0, reverted: 0, refused: 0, uncertain: 0, repeats: 0 };

	constructor(past) {
		this.#past = past;
	}

	// One line of the record.
	take(line) {
		this.#number++;
		this.counts.lines++;
		line.number = this.#number;
		if (line.line === 'asked') this.#takeAsked(line);
		else if (line.line === 'told') this.#takeTold(line);
		else throw new Error(`line ${line.number} is neither asked nor told`);
	}

	#takeAsked(asked) {
		if (asked.entity) asked.floor = this.#newest.get(asked.entity);
		this.#asked.set(asked.try, asked);
		if (!isWrite(asked)) return;
		const name = asked.key ?? `try ${asked.try}`;
		const write = this.#writes.get(name) ?? { first: asked, meanings: new Map() };
		if (write.first === asked) {
			this.counts.writes++;
			this.#writes.set(name, write);
			write.mark = markOf(asked);
			if (write.mark !== undefined) this.#senders.set(write.mark, write);
			if (UNMARKED.has(asked.do)) this.#suspect(asked, write);
		} else this.counts.repeats++;
		asked.write = write;
	}

	#suspect({ entity, from }, write) {
		const place = `${entity} ${from + 1}`;
		if (!this.#suspects.has(place)) this.#suspects.set(place, []);
		this.#suspects.get(place).push(write);
	}

	#takeTold(told) {
		const asked = this.#asked.get(told.try);
		if (asked === undefined) throw new Error(`line ${told.number} answers a try that nobody made`);
		this.#asked.delete(told.try);
		must(KNOWN.has(told.status), `${told.status} is no answer that the service may give`, proof(asked, told));
		if (isWrite(asked)) this.#judgeWrite(asked, told);
		else this.#judgeRead(asked, told);
	}

	// ---- writes ----

	#judgeWrite(asked, told) {
		const { write } = asked;
		const what = meaning(told);
		write.meanings.set(what, [asked, told]);
		if (what === 'applied') this.#judgeApplied(asked, told);
		if (what === 'refused') this.#judgeRefused(asked, told);
	}

	#judgeApplied(asked, told) {
		this.#sameAsFirst(asked, told);
		if (asked.do === 'delete') {
			this.#judgeDeleted(asked, told);
			return;
		}
		if (asked.do === 'revert') this.#checkReverted(asked, told);
		else if (told.body?.merged) this.#checkMerged(asked, told);
		else {
			if (asked.do === 'create') this.#checkPlace(asked, told, told.entity, 1);
			else this.#checkPlace(asked, told, asked.entity, asked.from + 1);
			this.#checkSent(asked, told);
		}
		this.#checkBody(asked, told);
		this.#saw(told.entity, told.version, told);
	}

	#judgeDeleted(asked, told) {
		const version = this.#past.deletion(asked.entity);
		must(version === asked.from + 1, `a deletion was acknowledged, and ${asked.entity} was not deleted from version ${asked.from}`, () =>
			[...proof(asked, told), ['the last version', this.#past.row(asked.entity, version ?? asked.from)]]);
		this.#saw(asked.entity, version, told);
	}

	// The content that was wanted is there, at the next version, or nothing was to be done.
	#checkReverted(asked, told) {
		const { entity, from, to } = asked;
		const content = this.#past.content(entity, told.version);
		const wanted = this.#past.content(entity, to);
		const kept = isDeepStrictEqual(this.#past.content(entity, from), wanted);
		must(told.entity === entity && told.version === (kept ? from : from + 1),
			`a revert of ${entity} from version ${from} to ${to} was acknowledged as version ${told.version} of ${told.entity}`,
			proof(asked, told));
		must(isDeepStrictEqual(content, wanted), `version ${told.version} of ${entity} is not what version ${to} was`, () =>
			[...proof(asked, told), ['the content', content ?? 'none'], ['what it was', wanted ?? 'none']]);
	}

	// It is where it was said to be, made from all that it says, and changed what the request changed.
	#checkMerged(asked, told) {
		const { entity, from } = asked;
		const { version } = told;
		this.#checkPlace(asked, told, entity, version);
		const between = Array.from({ length: Math.max(version - from - 1, 0) }, (_, i) => from + 1 + i);
		must(asked.do === 'merge' && between.length > 0 && isDeepStrictEqual(told.body.mergedWith, between),
			`a merge from version ${from} that made version ${version} of ${entity} names other versions in between`, proof(asked, told));
		const { content, overlaps } = this.#merge(asked, version - 1);
		must(overlaps.length === 0, `a write was merged with what it overlaps: ${overlaps[0]}`, () =>
			[...proof(asked, told), ['merged with', this.#past.content(entity, version - 1)]]);
		const found = this.#past.content(entity, version);
		must(shows(found, content), `version ${version} of ${entity} is not what the merge comes to`, () =>
			[...proof(asked, told), ['the content', found], ['it comes to', content]]);
	}

	#merge({ entity, from, sent }, with_) {
		return merge(this.#past.content(entity, from) ?? {}, this.#past.content(entity, with_) ?? {}, sent);
	}

	#sameAsFirst({ write, ...asked }, told) {
		const first = write.answer;
		if (first === undefined) {
			write.answer = told;
			return;
		}
		const same = ['status', 'entity', 'version'].every((each) => first[each] === told[each])
			&& JSON.stringify(first.body) === JSON.stringify(told.body);
		must(same, 'one write got two different answers', [['first', first], ...proof(asked, told)]);
	}

	// It is where it was said to be, and was meant to be.
	#checkPlace(asked, told, entity, version) {
		const where = this.#past.where(asked.write.mark);
		const found = () => [...proof(asked, told), ['the database', where ? this.#past.row(where.entity, where.version) : 'does not have it']];
		must(where !== undefined, 'an acknowledged write is not there', found);
		must(told.entity === where.entity && told.version === where.version,
			`a write was acknowledged as version ${told.version} of ${told.entity}, and is version ${where.version} of ${where.entity}`, found);
		must(where.entity === entity && where.version === version,
			`a write was to be version ${version} of ${entity}, and was applied as version ${where.version} of ${where.entity}`, found);
	}

	#checkBody(asked, told) {
		const content = this.#past.content(told.entity, told.version);
		must(content === undefined || shows(told.body, content),
			`an answer shows something else than version ${told.version} of ${told.entity}`, () =>
			[...proof(asked, told), ['the content', content ?? 'none'], ['the row', this.#past.row(told.entity, told.version)]]);
	}

	// What was sent is there, and what was not sent stayed.
	#checkSent(asked, told) {
		const content = this.#past.content(told.entity, told.version);
		const before = this.#past.content(told.entity, told.version - 1) ?? {};
		const unlike = Object.keys(content).find((field) => {
			if (field in asked.sent) return !shows({ [field]: asked.sent[field] }, { [field]: content[field] });
			return told.version > 1 && !shows({ [field]: before[field] }, { [field]: content[field] });
		});
		must(unlike === undefined, `version ${told.version} of ${told.entity} is not what was sent: ${unlike}`, () =>
			[...proof(asked, told), ['the content', content], ['the one before', before]]);
	}

	#judgeRefused(asked, told) {
		const where = this.#past.where(asked.write.mark);
		const words = told.status === 409 || told.status === 412
			? 'a client was told of a conflict with its own write' : 'a write was refused, and is there';
		must(where === undefined, words, () => [...proof(asked, told), ['the database', this.#past.row(where.entity, where.version)]]);
		const { currentVersion, current } = told.body ?? {};
		if (currentVersion === undefined || !asked.entity) return;
		must(currentVersion !== asked.from, 'a conflict was told with the version that is there', proof(asked, told));
		if (asked.do === 'merge') this.#checkOverlap(asked, told);
		this.#checkSeen(asked, { ...told, entity: asked.entity, version: currentVersion, body: current });
	}

	// A merge is refused for what overlaps, or for want of its base: one that is gone, or too long ago.
	#checkOverlap(asked, told) {
		const { currentVersion, reason } = told.body;
		const known = asked.from === 0 || this.#past.content(asked.entity, asked.from) !== undefined;
		const baseless = reason === 'base-unavailable' && currentVersion - asked.from > REACH;
		must(!known || baseless || this.#merge(asked, currentVersion).overlaps.length > 0,
			'a merge was refused in which nothing overlaps', () =>
			[...proof(asked, told), ['made from', this.#past.content(asked.entity, asked.from) ?? 'nothing']]);
	}

	// ---- reads ----

	#judgeRead(asked, told) {
		this.counts.reads++;
		if (told.status === 404) {
			must(this.#past.deletion(asked.entity) !== undefined, `${asked.entity} was not found, and was never deleted`, proof(asked, told));
			this.#saw(asked.entity, this.#past.deletion(asked.entity), told);
		}
		if (told.status === 200) this.#checkSeen(asked, told);
	}

	// A version that somebody was shown: as it was written, and not older than what was seen before
	// it was asked for. Version 0 is a profile before its first.
	#checkSeen(asked, told) {
		const { entity, version } = told;
		if (asked.entity) must(entity === asked.entity, `somebody asked for ${asked.entity} and was shown ${entity}`, proof(asked, told));
		const content = this.#past.content(entity, version);
		must(version === 0 || content !== undefined, `${entity} was shown at version ${version}, which it never had`, () =>
			[...proof(asked, told), ['the database', this.#past.row(entity, version)]]);
		if (version > 0) this.#checkBody(asked, told);
		const floor = asked.floor;
		must(floor === undefined || version >= floor.seen,
			`${entity} went back from version ${floor?.seen} to ${version}`, () =>
			[['seen before', lineOf(floor.told)], ...proof(asked, told)]);
		this.#saw(entity, version, told);
	}

	#saw(entity, version, told) {
		const newest = this.#newest.get(entity);
		if (newest === undefined || newest.seen < version) this.#newest.set(entity, { seen: version, told });
	}

	// ---- the end ----

	// The record is through: what was never answered is as good as lost, and whatever is there must
	// have been asked for by somebody who was not told that it is not.
	end() {
		for (const asked of this.#asked.values())
			if (isWrite(asked)) asked.write.meanings.set('uncertain', [asked, { status: 'unknown', why: 'the record ends' }]);
		for (const change of this.#past.changes()) this.#checkAuthor(change);
		this.#checkDeletions();
		for (const { first, answer, meanings } of this.#writes.values()) {
			if (answer?.body?.merged) this.counts.merged++;
			if (first.do === 'revert' && answer?.version > first.from) this.counts.reverted++;
			if (meanings.has('applied')) this.counts.applied++;
			else if (meanings.has('refused') || !meanings.has('uncertain')) this.counts.refused++;
			else this.counts.uncertain++;
		}
		return this.counts;
	}

	#checkAuthor({ entity, version, fresh, again }) {
		if (fresh.length === 0) {
			this.#checkReverter({ entity, version, again });
			return;
		}
		must(again.length === 0, ...this.#past.twice(again[0], entity, version));
		must(new Set(fresh.map((mark) => this.#senders.get(mark))).size === 1,
			`version ${version} of ${entity} holds what several writes sent`, () => [['marks', fresh]]);
		const row = () => [['the database', this.#past.row(entity, version)]];
		for (const mark of fresh) {
			const write = this.#senders.get(mark);
			must(write !== undefined, `nobody asked for version ${version} of ${entity}`, row);
			must(mayBeApplied(write), 'a write whose every try was answered as not applied is there', () =>
				[...proof(...[...write.meanings.values()].at(-1)), ...row()]);
		}
	}

	// A version that brought nothing new is a revert's, or somebody's who wrote twice.
	#checkReverter({ entity, version, again }) {
		const content = this.#past.content(entity, version);
		const writes = this.#suspectsOf('revert', entity, version)
			.filter(({ first }) => isDeepStrictEqual(this.#past.content(entity, first.to), content));
		if (again.length > 0) must(writes.length > 0, ...this.#past.twice(again[0], entity, version));
		this.#checkDoer(writes, entity, version, [`nobody asked for version ${version} of ${entity}`,
			`version ${version} of ${entity} was made by two who were both told so`,
			`everybody who would make version ${version} of ${entity} was refused, and it is there`]);
	}

	#checkDeletions() {
		for (const { entity, version } of this.#past.deletions())
			this.#checkDoer(this.#suspectsOf('delete', entity, version), entity, version, [
				`nobody asked for the deletion of ${entity}`,
				`${entity} was deleted by two who were both told so`,
				`everybody who would delete ${entity} was refused, and it is deleted`]);
	}

	#suspectsOf(what, entity, version) {
		return (this.#suspects.get(`${entity} ${version}`) ?? []).filter(({ first }) => first.do === what);
	}

	// Somebody did it, one at most was told so, and not all were refused.
	#checkDoer(writes, entity, version, [nobody, two, refused]) {
		const row = ['the database', this.#past.row(entity, version)];
		must(writes.length > 0, nobody, [row]);
		const done = writes.filter(({ meanings }) => meanings.has('applied'));
		must(done.length <= 1, two, () => [...done.flatMap(({ meanings }) => proof(...meanings.get('applied'))), row]);
		must(writes.some((write) => mayBeApplied(write) && !(write.meanings.has('refused') && !write.meanings.has('applied'))),
			refused, () => [...proof(...[...writes[0].meanings.values()].at(-1)), row]);
	}
}

const mayBeApplied = ({ meanings }) => meanings.has('applied') || meanings.has('uncertain');

// The lines that cannot be right, as they stand in the record.
function proof(asked, told) {
	return [[`line ${asked.number}`, lineOf(asked)], [told.number ? `line ${told.number}` : 'then', lineOf(told)]];
}

function lineOf(line) {
	const { number, write, floor, ...rest } = line;
	return rest;
}

// Judges a whole run: `past` complete, `lines` any iterable of the record's lines, in order.
// Returns the counts; throws the first Contradiction.
export function judge(past, lines) {
	const one = new Judge(past);
	for (const line of lines) one.take(line);
	return one.end();
}

export { Contradiction };
