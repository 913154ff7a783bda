// Holds answers against doc/openapi.yaml, so that what is not written there fails the test that got
// it: a path, a method, a status, a header that is missing, a member nobody knows.
//
// A request that is wrong on purpose is no route: its refusal must be a problem all the same, of a
// status that says so. nginx's pages for operators and the client module are no part of the API.
import assert from 'node:assert/strict';

import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

import { readDescription } from './description.mjs';

const PREFIX = /^\/(api|rest|rpc)(\/|$)/;

// What a request that is no route may be answered: the refusals that all routes share.
const REFUSALS = {
	400: 'BadRequest',
	401: 'Unauthorized',
	403: 'CrossOrigin',
	404: 'NotFound',
	405: 'MethodNotAllowed',
	413: 'TooLarge',
	414: 'UriTooLong',
	429: 'RateLimited',
	431: 'HeadersTooLarge',
	503: 'Unavailable',
	504: 'OutcomeUnknown',
};

// Under these PostgREST's shape: the same names with Rest in front.
const REST = /^\/(rest|rpc)(\/|$)/;

export const described = await readDescription();

const ajv = formats(new Ajv({ strict: false, allErrors: true, validateSchema: false }));
ajv.addSchema(described, 'openapi');

// `{...}` takes one segment; a path that is spelt out comes before one that is not.
const templates = Object.keys(described.paths)
	.map((template) => ({
		template,
		pattern: new RegExp(`^${template.replaceAll(/\{[^}]*\}/g, '[^/]+')}$`),
	}))
	.sort((a, b) => a.template.split('{').length - b.template.split('{').length);

function resolve(pointer) {
	return pointer
		.slice(2)
		.split('/')
		.reduce((at, step) => at[step.replaceAll('~1', '/').replaceAll('~0', '~')], described);
}

// OPTIONS is no operation of any path: where origins are configured, it is answered alike on all.
function preflight(status) {
	return status === 204 ? described.components.responses.Preflight : undefined;
}

// What an operation may answer with a status; undefined where it may not.
function response(operation, status) {
	const listed = operation.responses[status];
	return listed && resolve(listed.$ref);
}

function check(schema, value, what) {
	const validate = ajv.getSchema(`openapi${schema}`);
	assert.ok(validate(value), `${what}: ${ajv.errorsText(validate.errors)}`);
}

function checkHeaders(expected, got, what) {
	for (const [name, { $ref }] of Object.entries(expected.headers)) {
		const value = got.headers[name.toLowerCase()];
		if (value === undefined) assert.ok(!resolve($ref).required, `${what}: no ${name}`);
		else check(`${$ref}/schema`, [value].flat().join(', '), `${what}: ${name}`);
	}
}

// A problem also carries what its own members promise: the status, and the id of the request.
function checkProblem(got, what) {
	assert.equal(got.json.status, got.status, what);
	assert.equal(got.json.instance, `urn:uuid:${got.headers['x-request-id']}`, what);
	assert.equal(got.json.message, got.json.detail, what);
}

function checkBody(expected, got, what) {
	if (!expected.content) return assert.equal(got.text, '', `${what}: a body`);
	const type = (got.headers['content-type'] ?? '').split(';')[0];
	assert.ok(type in expected.content, `${what}: its type is ${type}`);
	const { schema } = expected.content[type];
	check(schema.$ref, got.json, what);
	if (type === 'application/problem+json') checkProblem(got, what);
}

// The service reads escapes once; an encoded slash names nothing.
function decoded(url) {
	return url.replaceAll(/%(?!2f)([2-7][0-9a-f])/gi, (_, hex) =>
		String.fromCharCode(parseInt(hex, 16)),
	);
}

function operationOf(method, url) {
	const template = templates.find(({ pattern }) => pattern.test(decoded(url)))?.template;
	const item = described.paths[template] ?? {};
	return item[method === 'HEAD' ? 'get' : method.toLowerCase()];
}

function refusal(url, status) {
	return described.components.responses[`${REST.test(url) ? 'Rest' : ''}${REFUSALS[status]}`];
}

// Throws when `got` is no answer that the document gives to `method` on `target`.
export function mustBeDescribed(method, target, got) {
	const [url] = target.split('?');
	if (!PREFIX.test(url)) return;
	const operation = operationOf(method, url);
	const expected = operation
		? response(operation, got.status)
		: (method === 'OPTIONS' && preflight(got.status)) || refusal(url, got.status);
	const asked = `${method} ${target.slice(0, 200)}`;
	const what = `${asked} is answered ${got.status} as doc/openapi.yaml says`;
	assert.ok(expected, `${what}: it has no such status`);
	checkHeaders(expected, got, what);
	if (method !== 'HEAD') checkBody(expected, got, what);
}
