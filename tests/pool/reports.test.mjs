// What a process says that finds itself wrong is not passed over where its successor serves, and all ends
// well.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { assert, after, test } from '../lib/harness.mjs';
import { until } from '../lib/wait.mjs';
import { Pool } from './pool.mjs';

// Makes libfcgi refuse to start, which it never does, in the first process that asks.
const BREAKS_ONE = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
int FCGX_Init(void)
{
	int (*real)(void) = (int (*)(void))dlsym(RTLD_NEXT, "FCGX_Init");
	return open("broken", O_CREAT | O_EXCL, 0600) >= 0 ? 1 : real();
}
`;

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ckb-'));
fs.chmodSync(dir, 0o755);
after(() => fs.rmSync(dir, { recursive: true, force: true }));

function build(text) {
	const library = path.join(dir, 'breaks.so');
	const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, '-x', 'c', '-'], { input: text, encoding: 'utf8' });
	assert.equal(status, 0, stderr);
	return library;
}

test('a broken invariant of one worker is told at the end of a run that went well otherwise', async () => {
	const pool = await Pool.start({
		keys: { sandbox: 0 },
		env: { LD_PRELOAD: build(BREAKS_ONE), ASAN_OPTIONS: 'verify_asan_link_order=0' },
	});
	after(() => pool.destroy());
	await until('both workers serve', () => pool.workers().length === 2);
	assert.match(pool.reports(), /msg="broken invariant" cond="\(FCGX_Init\(\)\) == 0" at=\S*src\/http\/fcgi\.c:\d+/);
	assert.match(await pool.stop(), /msg="broken invariant"/);
});
