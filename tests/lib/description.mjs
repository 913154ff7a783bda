// doc/openapi.yaml as data. To parse YAML takes longer than many a file of tests, so the runner does it once and
// leaves what came out beside the suite's instance.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { top } from './shell.mjs';

export async function readDescription() {
	if (process.env.CK_DESCRIPTION) return JSON.parse(readFileSync(process.env.CK_DESCRIPTION, 'utf8'));
	const { parse } = await import('yaml');
	return parse(readFileSync(path.join(top, 'doc/openapi.yaml'), 'utf8'));
}

// Resolves to where it lies then, for CK_DESCRIPTION.
export async function leaveDescription(dir) {
	const file = path.join(dir, 'description.json');
	writeFileSync(file, JSON.stringify(await readDescription()));
	return file;
}
