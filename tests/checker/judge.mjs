// Holds a record of what clients asked and were told against what the database says happened.
//
// The record is read once, in the order in which it was written, which is the order in which things
// happened to the clients; what is remembered is one entry a request, a write and an entity, so the
// work is linear in the length of the run. The rules are those of doc/guarantees.md:
//
//   2xx      the write is there once, at the version that was told, with what was sent
//   4xx      it is not there, whichever of its tries were answered how (but for what says only that
//            another try is under way, or too many are)
//   503      this try did not apply it
//   504, no answer   it is wholly there or wholly absent
//   reads    show a version as it was written, and never one older than anybody had seen before
//            the read began
import { Contradiction, must } from './contradiction.mjs';
import { MARK, kindOf, shows } from './past.mjs';

const UNCERTAIN = new Set(['unknown', 504]);
// What says nothing of the write itself: it may have been applied by another try of it.
const PASSING = new Set(['urn:cardkeep:problem:idempotency-in-progress', 'urn:cardkeep:problem:rate-limited']);
const KNOWN = new Set([200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 428, 429, 503, 504, 'unknown']);

const isWrite = (asked) => asked.do !== 'read';
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
	#number = 0;
	counts = { lines: 0, writes: 0, reads: 0, applied: 0, refused: 0, uncertain: 0, repeats: 0 };

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
			const mark = asked.sent?.[MARK[kindOf(asked.entity ?? 'card/')]];
			if (mark !== undefined) this.#senders.set(mark, write);
		} else this.counts.repeats++;
		write.mark ??= asked.sent?.[MARK[kindOf(asked.entity ?? 'card/')]];
		asked.write = write;
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
		const { write } = asked;
		this.#sameAsFirst(asked, told);
		if (asked.do === 'delete') {
			const version = this.#past.deletion(asked.entity);
			must(version === asked.from + 1, `a deletion was acknowledged, and ${asked.entity} was not deleted from version ${asked.from}`, () =>
				[...proof(asked, told), ['the last version', this.#past.row(asked.entity, version ?? asked.from)]]);
			this.#saw(asked.entity, version, told);
			write.deleted = true;
			return;
		}
		if (asked.do === 'create') this.#checkPlace(asked, told, told.entity, 1);
		else this.#checkPlace(asked, told, asked.entity, asked.from + 1);
		this.#checkBody(asked, told);
		this.#checkSent(asked, told);
		this.#saw(told.entity, told.version, told);
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
		this.#checkSeen(asked, { ...told, entity: asked.entity, version: currentVersion, body: current });
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
		for (const place of this.#past.marks()) this.#checkAuthor(place);
		this.#checkDeletions();
		for (const { meanings } of this.#writes.values()) {
			if (meanings.has('applied')) this.counts.applied++;
			else if (meanings.has('refused') || !meanings.has('uncertain')) this.counts.refused++;
			else this.counts.uncertain++;
		}
		return this.counts;
	}

	#checkAuthor({ mark, entity, version }) {
		const write = this.#senders.get(mark);
		const row = () => [['the database', this.#past.row(entity, version)]];
		must(write !== undefined, `nobody asked for version ${version} of ${entity}`, row);
		must(mayBeApplied(write), 'a write whose every try was answered as not applied is there', () =>
			[...proof(...[...write.meanings.values()].at(-1)), ...row()]);
	}

	#checkDeletions() {
		const suspects = new Map();
		for (const write of this.#writes.values())
			if (write.first.do === 'delete') {
				const name = `${write.first.entity} ${write.first.from + 1}`;
				suspects.set(name, [...(suspects.get(name) ?? []), write]);
			}
		for (const { entity, version } of this.#past.deletions()) {
			const writes = suspects.get(`${entity} ${version}`) ?? [];
			const row = ['the database', this.#past.row(entity, version)];
			must(writes.length > 0, `nobody asked for the deletion of ${entity}`, [row]);
			const done = writes.filter(({ meanings }) => meanings.has('applied'));
			must(done.length <= 1, `${entity} was deleted by two who were both told so`, () =>
				[...done.flatMap(({ meanings }) => proof(...meanings.get('applied'))), row]);
			must(writes.some((write) => mayBeApplied(write) && !(write.meanings.has('refused') && !write.meanings.has('applied'))),
				`everybody who would delete ${entity} was refused, and it is deleted`, () =>
				[...proof(...[...writes[0].meanings.values()].at(-1)), row]);
		}
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
