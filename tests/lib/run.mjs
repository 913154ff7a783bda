// Runs the test files of one suite and counts: one line a test, `N passed, N failed` last.
//
//   node tests/lib/run.mjs SUITE --daemon PROGRAM [--variant gcc|asan|tsan] [FILE...]
//
// e2e and web files share one instance, which this starts and stops, but where it must be another one;
// checker's need none; the others start their own, from a cluster that is deployed once. Files run one
// after another: two cores are for the service.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { parseArgs } from 'node:util';

import { leaveDescription } from './description.mjs';
import { top } from './shell.mjs';
import { Stack, makeTemplate } from './stack.mjs';

// For a file, in all.
const FILE_LIMIT_MS = Number(process.env.CARDKEEP_FILE_LIMIT_S ?? 300) * 1000;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: { daemon: { type: 'string' }, variant: { type: 'string', default: 'gcc' } },
});
const [suite, ...only] = positionals;
const count = { passed: 0, failed: 0, skipped: 0 };

function report(good, sentence) {
	count[good ? 'passed' : 'failed']++;
	console.log(`${good ? 'ok' : 'not ok'} - ${sentence}`);
}

function files() {
	if (only.length > 0) return only.map((file) => path.resolve(file));
	const dir = path.join(top, 'tests', suite);
	return fs
		.readdirSync(dir)
		.filter((name) => name.endsWith('.test.mjs'))
		.sort()
		.map((name) => path.join(dir, name));
}

// One file in a process of its own, its TAP read line by line: only top-level results count.
async function runFile(file, env) {
	const label = `${suite}/${path.basename(file, '.test.mjs')} (${values.variant})`;
	const child = spawn(process.execPath, ['--test-reporter=tap', file], {
		env: { ...process.env, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const closed = once(child, 'close');
	const began = performance.now();
	const stop = () => child.kill('SIGTERM');
	process.once('exit', stop);
	const before = count.failed;
	let errors = '';
	let seen = 0;
	let detail = false;
	child.stderr.setEncoding('utf8').on('data', (part) => (errors += part));
	// Asked, it ends its instance too.
	const limit = setTimeout(() => {
		stop();
		setTimeout(() => child.kill('SIGKILL'), 30_000).unref();
	}, FILE_LIMIT_MS);
	for await (const line of readline.createInterface({ input: child.stdout })) {
		const m = /^(not )?ok \d+ - (.*)$/.exec(line);
		if (!m) {
			if (detail && line.startsWith(' ')) console.log(`  ${line}`);
			// What a test has to say for the record: t.diagnostic('measured: ...').
			if (line.startsWith('# measured: ')) console.log(`  ${label}: ${line.slice(2)}`);
			continue;
		}
		seen++;
		detail = Boolean(m[1]);
		if (/ # SKIP/.test(m[2])) {
			count.skipped++;
			console.log(`ok - ${label}: ${m[2]}`);
		} else report(!m[1], `${label}: ${m[2].replaceAll('\\#', '#')}`);
	}
	const [status] = await closed;
	console.log(`# ${label}: ${((performance.now() - began) / 1000).toFixed(1)} s`);
	clearTimeout(limit);
	process.removeListener('exit', stop);
	if (seen === 0 || (status !== 0 && count.failed === before)) {
		report(false, `${label}: the file runs (it ended with ${status})`);
		console.log(errors.slice(-4000));
	}
}

// For a file that needs an instance of its own.
const ofDaemon = { CK_DAEMON: path.resolve(values.daemon ?? ''), CK_VARIANT: values.variant };

async function sharedSuite(template) {
	const stack = await Stack.start({ daemon: values.daemon, variant: values.variant, template });
	const env = { CK_STACK: stack.describe(), CK_TEMPLATE: template, CK_DESCRIPTION: await leaveDescription(stack.dir) };
	for (const file of files()) await runFile(file, { ...env, ...ofDaemon });
	const wrong = await stack.stop();
	report(wrong === '', `${suite} (${values.variant}): the daemon ends with status 0 and no sanitizer report`);
	if (wrong !== '') console.log(wrong);
}

async function ownSuite(template) {
	for (const file of files()) await runFile(file, { ...ofDaemon, CK_TEMPLATE: template });
}

// With a deployed cluster to copy: the one that scripts/test keeps for all suites, or one of its own.
async function withTemplate(run) {
	const kept = process.env.CARDKEEP_TEST_TEMPLATE;
	const dir = kept ?? fs.mkdtempSync(path.join(os.tmpdir(), 'ckt-'));
	const remove = () => fs.rmSync(dir, { recursive: true, force: true });
	if (kept === undefined) process.once('exit', remove);
	try {
		await run(await makeTemplate(dir));
	} finally {
		if (kept === undefined) remove();
	}
}

// Files that need no instance.
async function bareSuite() {
	for (const file of files()) await runFile(file, {});
}

// Interrupted, it still ends what it started: the handlers of `exit` do.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
try {
	if (suite === 'checker') await bareSuite();
	else await withTemplate(['e2e', 'web'].includes(suite) ? sharedSuite : ownSuite);
} catch (error) {
	report(false, `${suite} (${values.variant}): the instance starts`);
	console.log(error.stack);
}
const { passed, failed, skipped } = count;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 ? 1 : 0);
