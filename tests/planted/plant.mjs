// Puts a fault into a service: its stored functions are replaced in a database that is there, what is
// C is built from a copy of the sources. Nothing of it is in what is shipped.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { top } from '../lib/shell.mjs';

const changes = (fault, room) => fault.change.filter(([file]) => file.startsWith(`${room}/`));

// The statements that replace the functions which the fault changes; '' where it changes none.
export function replacements(fault) {
	const found = changes(fault, 'sql').flatMap(([file, words, others]) => {
		const text = fs.readFileSync(path.join(top, file), 'utf8');
		const before = functionsOf(text);
		const after = functionsOf(replaced(file, text, words, others));
		const wrong = after.filter((each, i) => each !== before[i]);
		if (wrong.length === 0) throw new Error(`${file}: no function with a body of its own holds ${words}`);
		return wrong;
	});
	if (found.length === 0) return '';
	const statements = found.map((each) => each.replace('create function', 'create or replace function'));
	return `set role cardkeep_owner; ${statements.join('\n')}`;
}

const functionsOf = (text) => text.match(/^create function(?:(?!^create function)[^])*?^\$\$;$/gm) ?? [];

// The words must stand there once, so that a source which has moved on is noticed.
function replaced(file, text, words, others) {
	const parts = text.split(words);
	if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times what the fault changes: ${words}`);
	return parts.join(others);
}

// Fails where the source has moved on from what the fault changes.
export function fits(fault) {
	for (const [file, words, others] of fault.change)
		replaced(file, fs.readFileSync(path.join(top, file), 'utf8'), words, others);
}

// The daemon with the fault, built in `dir` from a copy of the sources and of what `buildDir` has
// built of them: the times of files are kept, so make builds only what the fault touches. Without a
// change in C it is the one that is there.
export async function daemonOf(fault, buildDir, dir) {
	const inC = changes(fault, 'src');
	if (inC.length === 0) return path.join(buildDir, 'cardkeepd');
	await bash(COPY, top, buildDir, dir);
	for (const [file, words, others] of inC) {
		const copy = path.join(dir, file);
		fs.writeFileSync(copy, replaced(file, fs.readFileSync(copy, 'utf8'), words, others));
	}
	// Make is told where the sources are; what it noted of them leads there by way of ../.. as well.
	await bash('make -s -C "$1/build/planted" srcdir="$1" top_srcdir="$1" VPATH="$1" cardkeepd', dir);
	return path.join(dir, 'build/planted/cardkeepd');
}

const COPY = `cd "$1"
	tar -c --exclude=./build --exclude=./.git --exclude=./var --exclude=node_modules . | tar -x -C "$3"
	mkdir "$3/build"
	cp -a "$2" "$3/build/planted"`;

async function bash(script, ...args) {
	try {
		await promisify(execFile)('bash', ['-c', `set -euo pipefail; ${script}`, 'plant', ...args], { maxBuffer: 64 << 20 });
	} catch (error) {
		throw new Error(`${script}\n${error.stdout}${error.stderr}`);
	}
}
