// doc/best-practices.md against the mission's two lists, and against what it names.
import fs from 'node:fs';
import path from 'node:path';

import * as module from '../../web/cardkeep.js';
import { assert, test } from '../lib/harness.mjs';
import { top } from '../lib/shell.mjs';

const read = (file) => fs.readFileSync(path.join(top, file), 'utf8');
const page = read('doc/best-practices.md');
const [, dos, donts] = page.split(/^## (?:Do|Don't)$/m);

// The paragraph that says so, and what it must not do without.
const SAID = [
	[dos, 'Send the version you read with every change.', ['version', 'If-Match', 'cards.update']],
	[dos, 'Treat 409 and 412 as news.', ['current', 'conflictingFields']],
	[dos, 'read again and make the change anew', ['updateCardWithRetry']],
	[dos, 'Repeat what timing broke, and only that.', ['retryWithBackoff']],
	[dos, 'Test with many at once.', ['./scripts/demo', 'tests/checker/check.mjs']],
	[donts, "Don't drop a conflict.", []],
	[donts, "Don't repeat for ever.", []],
	[donts, "Don't hide it from the person", []],
	[donts, "Don't skip the version for a quick fix", ['update', 'where']],
	[donts, "Don't assume that one person is one writer.", []],
];

test('both lists of the mission are in doc/best-practices.md', () => {
	for (const [list, sentence, names] of SAID) {
		const from = list.replaceAll(/\s+/g, ' ').indexOf(sentence);
		assert.ok(from >= 0, sentence);
		const rest = list.replaceAll(/\s+/g, ' ').slice(from);
		const end = rest.indexOf(' **', sentence.length);
		for (const name of names)
			assert.ok(rest.slice(0, end < 0 ? undefined : end).includes(name), `${sentence} ${name}`);
	}
});

test('and what it names is there', () => {
	const quoted = [...page.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text);
	const client = new module.CardkeepClient({ baseUrl: 'http://cardkeep.test' });
	const deployed = fs.readdirSync(path.join(top, 'sql/deploy')).map((name) => read(`sql/deploy/${name}`));
	let met = 0;
	for (const text of quoted) {
		const [, file] = /^(?:\.\/)?((?:scripts|tests|doc)\/\S+)$/.exec(text) ?? [];
		const [, call] = /^client\.(\w+\.\w+)\(/.exec(text) ?? [];
		const [, sql] = /^(\w+_(?:atomic|optimistic))\b/.exec(text) ?? [];
		if (file) assert.ok(fs.existsSync(path.join(top, file)), text);
		else if (call) assert.equal(typeof call.split('.').reduce((at, n) => at[n], client), 'function', text);
		else if (sql) assert.ok(deployed.some((s) => s.includes(`function cardkeep.${sql}(`)), text);
		else if (/^(retry|update)[A-Z]\w+$|Error$/.test(text)) assert.ok(text in module, text);
		else continue;
		met++;
	}
	assert.ok(met >= 10, `${met} names are known`);
});
