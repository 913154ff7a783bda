// What a test file imports: an instance to talk to, and the tools to do it.
//
//   const { stack, client } = await shared();      the run's one instance (tests/e2e)
//   const stack = await own({env, proxied});       an instance of the file's own (tests/fault)
//
// The runner (run.mjs) says by the environment which instance, which daemon and which template.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { watchAnswers } from './client.mjs';
import { Stack } from './stack.mjs';

// The runner ends a file so; the handlers of `exit` then end the file's instance.
process.once('SIGTERM', () => process.exit(143));

export { assert, test, after };
export { raw, Client } from './client.mjs';
export { shell, top } from './shell.mjs';
export { Stack } from './stack.mjs';
export { atOnce, pause, until } from './wait.mjs';

// The instance that the runner started for the whole suite. What it answers from now on must be
// described in doc/openapi.yaml.
export async function shared() {
	const { mustBeDescribed } = await import('./described.mjs');
	watchAnswers(mustBeDescribed);
	const stack = Stack.attach(process.env.CK_STACK);
	after(() => stack.detach());
	return { stack, client: stack.client };
}

// An instance for one file. Its last test must be endsCleanly(stack).
export async function own(options = {}) {
	const stack = await Stack.start({
		daemon: process.env.CK_DAEMON,
		variant: process.env.CK_VARIANT,
		template: process.env.CK_TEMPLATE,
		...options,
	});
	after(() => stack.destroy());
	return stack;
}

export function endsCleanly(stack) {
	test('the daemon ends with status 0 and no sanitizer report', async () => {
		assert.equal(await stack.stop(), '');
	});
}

// Asserts a refusal: RFC 9457, with what the contract adds, under the id of its request.
export function isProblem(got, status, name) {
	const text = `${got.status} ${got.text}`;
	assert.equal(got.status, status, text);
	assert.equal(got.headers['content-type'], 'application/problem+json', text);
	assert.equal(got.headers['cache-control'], 'no-store', text);
	const problem = got.json;
	assert.equal(problem.type, `urn:cardkeep:problem:${name}`, text);
	assert.equal(problem.status, status, text);
	assert.equal(problem.instance, `urn:uuid:${got.headers['x-request-id']}`, text);
	for (const member of ['title', 'detail', 'error'])
		assert.ok(typeof problem[member] === 'string' && problem[member] !== '', `${member}: ${text}`);
	assert.equal(problem.message, problem.detail, text);
	if (status === 401) assert.match(got.headers['www-authenticate'] ?? '', /^Bearer/, text);
	if (status === 429 || status === 503) assert.match(got.headers['retry-after'] ?? '', /^[0-9]+$/, text);
	return problem;
}

// Asserts a refusal of the REST face: PostgREST's four members, and the headers of all refusals.
export function isRestError(got, status, code) {
	const text = `${got.status} ${got.text}`;
	assert.equal(got.status, status, text);
	assert.equal(got.headers['content-type'], 'application/json; charset=utf-8', text);
	assert.equal(got.headers['cache-control'], 'no-store', text);
	assert.deepEqual(Object.keys(got.json), ['code', 'message', 'details', 'hint'], text);
	assert.equal(got.json.code, code, text);
	assert.ok(typeof got.json.message === 'string' && got.json.message !== '', text);
	for (const member of ['details', 'hint'])
		assert.ok(got.json[member] === null || typeof got.json[member] === 'string', text);
	if (status === 401) assert.match(got.headers['www-authenticate'] ?? '', /^Bearer/, text);
	if ([429, 503, 504].includes(status)) assert.match(got.headers['retry-after'] ?? '', /^[0-9]+$/, text);
	return got.json;
}

// Asserts an answer of 422 that names `field`.
export function isInvalid(got, field) {
	const problem = isProblem(got, 422, 'validation');
	assert.ok(Array.isArray(problem.errors) && problem.errors.length > 0, got.text);
	for (const error of problem.errors) {
		assert.equal(typeof error.field, 'string', got.text);
		assert.ok(typeof error.message === 'string' && error.message !== '', got.text);
	}
	if (field !== undefined)
		assert.ok(problem.errors.some((error) => error.field === field), `${field}: ${got.text}`);
	return problem;
}

// Asserts a 409 (or 412) that tells what is there now.
export function isConflict(got, status, current) {
	const name = status === 409 ? 'version-conflict' : 'precondition-failed';
	const problem = isProblem(got, status, name);
	assert.equal(problem.error, 'Version conflict');
	assert.equal(problem.currentVersion, current.version, got.text);
	assert.deepEqual(problem.current, current, got.text);
	assert.ok(Array.isArray(problem.conflictingFields), got.text);
	return problem;
}
