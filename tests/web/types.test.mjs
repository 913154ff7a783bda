// The declarations that are made from the module's JSDoc, and the package that carries them.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { after, assert, test } from '../lib/harness.mjs';
import { top } from '../lib/shell.mjs';

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckw-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
const installed = path.join(dir, 'node_modules/cardkeep');
const tsc = path.join(top, 'tests/node_modules/typescript/bin/tsc');

function run(program, ...args) {
	try {
		return execFileSync(program, args, { encoding: 'utf8', cwd: dir, stdio: 'pipe' });
	} catch (error) {
		assert.fail(`${program} ${args.join(' ')}\n${error.stdout}${error.stderr}`);
	}
}

// Strict in all that this package can be wrong about; the standard library is not ours to check.
const strict = ['--strict', '--noUncheckedIndexedAccess', '--exactOptionalPropertyTypes'];
const node = ['--module', 'nodenext', '--target', 'es2022', '--skipDefaultLibCheck', '--noEmit'];

test('the module type-checks strictly, and its declarations are made', () => {
	fs.mkdirSync(installed, { recursive: true });
	run(path.join(top, 'scripts/gen-types'), installed);
	for (const name of ['cardkeep.js', 'package.json'])
		fs.copyFileSync(path.join(top, 'web', name), path.join(installed, name));
	fs.copyFileSync(path.join(top, 'tests/web/consumer.ts'), path.join(dir, 'consumer.ts'));
	fs.writeFileSync(path.join(dir, 'package.json'), '{"type": "module"}');
});

test('strict TypeScript accepts what a program writes, and refuses its mistakes', () => {
	run(process.execPath, tsc, ...strict, ...node, 'consumer.ts');
});

test('the package holds all that it names, has no dependency, and works where it is installed', () => {
	const manifest = JSON.parse(fs.readFileSync(path.join(installed, 'package.json'), 'utf8'));
	const named = [manifest.types, ...Object.values(manifest.exports['.'])];
	for (const name of named) {
		assert.ok(manifest.files.includes(path.basename(name)), name);
		assert.ok(fs.existsSync(path.join(installed, name)), name);
	}
	assert.equal(manifest.dependencies, undefined);
	const version = /^AC_INIT\(\[cardkeep\], \[(.*?)\]/m.exec(
		fs.readFileSync(path.join(top, 'configure.ac'), 'utf8'),
	);
	assert.equal(manifest.version, version[1], 'the version is the service\'s');
	const script = `import('cardkeep').then((m) => console.log(Object.keys(m).sort().join(' ')))`;
	assert.equal(
		run(process.execPath, '-e', script).trim(),
		'AnotherUserError CardkeepClient CardkeepError DatabaseError NetworkError ' +
			'UniqueConstraintError VersionConflictError configure defaultClient isRetryable ' +
			'isVersionConflict logRetry retryDatabaseOperation retryOptimisticLock ' +
			'retryWithBackoff settleConflict updateCardWithRetry',
	);
});
