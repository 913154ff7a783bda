// Judges a recorded run of clients against a dump of the database made after it.
//
//   node tests/checker/check.mjs RECORD DUMP
//   psql -XAtq -f tests/checker/dump.sql URL >DUMP        URL: scripts/db-url, or another superuser's
//
// Both are files of JSON lines, so the same run can be judged again when the database is long gone.
// RECORD (tests/lib/recorder.mjs writes it) holds a line when a client asks and one when it is told:
//
//   {line: 'asked', try, client, do: create|update|delete|save|merge|revert|read, entity, key, from,
//    sent, to, mark}         to: of a revert; mark: names the write, where not the usual field does
//   {line: 'told', try, status: NUMBER|'unknown', entity, version, body}
//
// Prints what was judged, or the first contradiction. Exit status: 0 none, 1 one, 2 cannot judge.
import fs from 'node:fs';
import readline from 'node:readline';

import { Contradiction, Judge } from './judge.mjs';
import { Past } from './past.mjs';

async function* lines(file) {
	const input = fs.createReadStream(file);
	await new Promise((resolve, reject) => input.once('open', resolve).once('error', reject));
	let number = 0;
	for await (const text of readline.createInterface({ input, crlfDelay: Infinity })) {
		number++;
		if (text === '') continue;
		try {
			yield JSON.parse(text);
		} catch (error) {
			throw new Error(`${file}, line ${number}: ${error.message}`);
		}
	}
}

export async function check(record, dump) {
	const past = new Past();
	for await (const row of lines(dump)) past.take(row);
	past.complete();
	const judge = new Judge(past);
	for await (const line of lines(record)) judge.take(line);
	return judge.end();
}

function tell({ lines, writes, repeats, reads, applied, merged, reverted, refused, uncertain }) {
	return `no contradiction in ${lines} lines: ${writes} writes (${applied} applied, of them ${merged} merged and ` +
		`${reverted} reverts; ${refused} refused, ${uncertain} unknown; ${repeats} repeats) and ${reads} reads`;
}

async function main([record, dump]) {
	if (dump === undefined) {
		console.error('check.mjs RECORD DUMP');
		return 2;
	}
	try {
		console.log(tell(await check(record, dump)));
		return 0;
	} catch (error) {
		if (error instanceof Contradiction) {
			console.log(String(error));
			return 1;
		}
		console.error(error.message);
		return 2;
	}
}

if (process.argv[1] && import.meta.url === new URL(process.argv[1], 'file:').href) process.exitCode = await main(process.argv.slice(2));
