// How nginx gives the module out.
import fs from 'node:fs';
import path from 'node:path';

import { assert, isProblem, shared, test } from '../lib/harness.mjs';
import { top } from '../lib/shell.mjs';

const { client } = await shared();

test('the module is served as it is, as JavaScript that no browser may take for anything else', async () => {
	const got = await client.get('/cardkeep.js');
	assert.equal(got.status, 200);
	assert.equal(got.text, fs.readFileSync(path.join(top, 'web/cardkeep.js'), 'utf8'));
	assert.equal(got.headers['content-type'], 'text/javascript');
	assert.equal(got.headers['x-content-type-options'], 'nosniff');
	assert.equal(got.headers['cache-control'], 'public, max-age=0, must-revalidate');
	assert.match(got.headers['x-request-id'], /^[0-9a-f-]{36}$/);
});

test('who has the module already gets 304, compressed or not', async () => {
	for (const headers of [{}, { 'Accept-Encoding': 'gzip' }]) {
		const { headers: first } = await client.get('/cardkeep.js', { headers });
		assert.equal(first['content-encoding'], headers['Accept-Encoding']);
		const again = { ...headers, 'If-None-Match': first.etag };
		assert.equal((await client.get('/cardkeep.js', { headers: again })).status, 304);
	}
});

test('the module can be read and nothing else, and nothing beside it is there', async () => {
	assert.equal((await client.request('HEAD', '/cardkeep.js')).status, 200);
	for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
		const got = await client.request(method, '/cardkeep.js');
		isProblem(got, 405, 'method-not-allowed');
		assert.equal(got.headers.allow, 'GET, HEAD');
	}
	for (const other of ['/cardkeep.d.ts', '/package.json', '/.cardkeep.js.new', '/cardkeep.js/'])
		isProblem(await client.get(other), 404, 'not-found');
});
