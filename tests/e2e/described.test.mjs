// doc/openapi.yaml is OpenAPI 3.1, names every route and no other, and can fail what it should.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Validator } from '@seriousme/openapi-schema-validator';

import { described, mustBeDescribed } from '../lib/described.mjs';
import { assert, shared, test, top } from '../lib/harness.mjs';

const { client } = await shared();

const ROUTE = /^ROUTE(?:_ALSO)?\(\w+, (?:"[^"]+", )?(\w+), "([^"]+)"/gm;
const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

// With names in braces left out: routes.def has none.
function documented() {
	return Object.entries(described.paths).flatMap(([url, item]) =>
		METHODS.filter((method) => item[method]).map(
			(method) => `${method.toUpperCase()} ${url.replaceAll(/\{[^}]*\}/g, '{}')}`,
		),
	);
}

test('doc/openapi.yaml is valid OpenAPI 3.1', async () => {
	const { valid, errors } = await new Validator().validate(structuredClone(described));
	assert.ok(valid, JSON.stringify(errors));
	assert.match(described.openapi, /^3\.1\./);
});

test('doc/openapi.yaml names every route of the service, and no other', () => {
	const table = readFileSync(path.join(top, 'src/catalog/routes.def'), 'utf8');
	const routes = [...table.matchAll(ROUTE)].map(([, method, url]) => `${method} ${url}`);
	assert.equal(routes.length, table.match(/^ROUTE(_ALSO)?\(/gm).length);
	assert.deepEqual(documented().sort(), routes.sort());
});

test('each operation has an id of its own, and each $ref leads somewhere', () => {
	const ids = Object.values(described.paths).flatMap((item) =>
		METHODS.filter((method) => item[method]).map((method) => item[method].operationId),
	);
	assert.equal(new Set(ids).size, ids.length);
	for (const [, ref] of JSON.stringify(described).matchAll(/"\$ref":"#\/([^"]+)"/g))
		assert.ok(ref.split('/').reduce((at, step) => at?.[step], described), ref);
});

test('404 is described where a request names a card, a session or arguments, and nowhere else', () => {
	const inBody = ['updateCardById'];
	for (const [url, item] of Object.entries(described.paths))
		for (const operation of METHODS.filter((method) => item[method]).map((method) => item[method])) {
			const names = url.includes('{') || url.includes('/rpc/') || inBody.includes(operation.operationId);
			assert.equal('404' in operation.responses, names, operation.operationId);
		}
});

test('an answer that is not described fails, by its status, a header or a member', async () => {
	const { token } = await client.register();
	const url = `/api/cards/${(await client.card(token)).id}`;
	const got = await client.get(url, { token });
	const { etag, ...untagged } = got.headers;
	assert.ok(etag);
	mustBeDescribed('GET', url, got);
	for (const wrong of [
		{ ...got, json: { ...got.json, colour: 'red' } },
		{ ...got, json: { ...got.json, version: '1' } },
		{ ...got, headers: untagged },
		{ ...got, status: 202 },
	])
		assert.throws(() => mustBeDescribed('GET', url, wrong), /as doc\/openapi\.yaml says/);
	assert.throws(() => mustBeDescribed('PUT', url, got), /no such status/);
});
