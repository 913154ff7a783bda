// Both profiles: as cards, but that the first write makes them.
import { assert, atOnce, isConflict, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();

const kinds = {
	personal: [
		'full_name', 'primary_email', 'secondary_email', 'primary_phone', 'secondary_phone', 'website',
		'address',
	],
	professional: [
		'job_title', 'company_name', 'department', 'work_email', 'work_phone', 'work_address',
		'company_website', 'linkedin_url',
	],
};

const value = (field) => {
	if (/email/.test(field)) return 'ada@example.org';
	if (/website|url/.test(field)) return 'https://example.org/ada?x=1#y';
	if (/phone/.test(field)) return '+44 20 7946 0000';
	return `A ${field}`;
};

for (const [kind, fields] of Object.entries(kinds)) {
	const path = `/api/profile/${kind}`;
	const [first, second] = fields;
	const save = (token, body, headers) => client.patch(path, body, { token, headers });
	const written = async (body = { [first]: value(first) }) => {
		const { token } = await client.register();
		const got = await save(token, { version: 0, ...body });
		assert.equal(got.status, 201, got.text);
		return { token, now: got.json };
	};

	test(`${kind}: not yet written, it is 200 with version 0 and null fields`, async () => {
		const { token } = await client.register();
		const got = await client.get(path, { token });
		assert.equal(got.status, 200);
		assert.equal(got.headers.etag, '"0"');
		assert.equal(got.json.version, 0);
		for (const field of fields) assert.equal(got.json[field], null, field);
	});

	test(`${kind}: the first write says version 0 and gets 201 with isNew`, async () => {
		const { token } = await client.register();
		const all = Object.fromEntries(fields.map((field) => [field, value(field)]));
		const got = await save(token, { version: 0, ...all });
		assert.equal(got.status, 201, got.text);
		assert.equal(got.headers.etag, '"1"');
		assert.equal(got.json.isNew, true);
		assert.equal(got.json.version, 1);
		for (const field of fields) assert.equal(got.json[field], all[field], field);
	});

	test(`${kind}: later writes change what they name, and only that`, async () => {
		const { token } = await written({ [first]: value(first), [second]: value(second) });
		const got = await save(token, { version: 1, [first]: null });
		assert.equal(got.status, 200, got.text);
		assert.equal(got.headers.etag, '"2"');
		assert.equal(got.json.version, 2);
		assert.notEqual(got.json.isNew, true);
		assert.equal(got.json[first], null);
		assert.equal(got.json[second], value(second));
		assert.deepEqual((await client.get(path, { token })).json, got.json);
	});

	test(`${kind}: a stale version is 409, a stale If-Match 412, each with what is there now`, async () => {
		const { token } = await written();
		const now = (await save(token, { version: 1, [second]: value(second) })).json;
		const conflict = isConflict(await save(token, { version: 1, [second]: null }), 409, now);
		assert.deepEqual(conflict.conflictingFields, [
			{ field: second, base: null, mine: null, theirs: value(second) },
		]);
		isConflict(await save(token, { [first]: null }, { 'If-Match': '"1"' }), 412, now);
		isConflict(await save(token, { version: 0, [first]: null }), 409, now);
		assert.deepEqual((await client.get(path, { token })).json, now);
	});

	test(`${kind}: a version from the future is 409 before and after the first write`, async () => {
		const { token } = await client.register();
		const got = await save(token, { version: 3, [first]: value(first) });
		const problem = isProblem(got, 409, 'version-conflict');
		assert.equal(problem.currentVersion, 0);
	});

	test(`${kind}: no version is 428, no field 422, an unchanged one 200 without a write`, async () => {
		const { token, now } = await written();
		isProblem(await save(token, { [first]: value(first) }), 428, 'version-required');
		isInvalid(await save(token, { version: 1 }));
		const got = await save(token, { version: 1, [first]: value(first) });
		assert.equal(got.status, 200, got.text);
		assert.equal(got.json.version, now.version);
	});

	test(`${kind}: fields are text of one line, or null`, async () => {
		const { token } = await client.register();
		for (const bad of [7, true, {}, [], 'x'.repeat(10_000), 'a\u0007'])
			isInvalid(await save(token, { version: 0, [first]: bad }), first);
		assert.equal((await client.get(path, { token })).json.version, 0);
	});

	test(`${kind}: If-None-Match gives 304`, async () => {
		const { token } = await written();
		const got = await client.get(path, { token, headers: { 'If-None-Match': '"1"' } });
		assert.equal(got.status, 304);
	});

	test(`${kind}: of 32 simultaneous first writes one makes it, 31 get 409`, async () => {
		const { id, token } = await client.register();
		const got = await atOnce(32, 32, () => save(token, { version: 0, [first]: value(first) }));
		const statuses = got.map((answer) => answer.status).sort();
		assert.deepEqual(statuses, [201, ...new Array(31).fill(409)]);
		const rows = await stack.sql(
			`select count(*), max(version) from cardkeep.${kind}_info where user_id = '${id}'`, 'super');
		assert.deepEqual(rows, ['1|1']);
	});

	test(`${kind}: two tabs that save different fields from one version: the second gets 409`, async () => {
		const { token } = await written();
		const [a, b] = await Promise.all([
			save(token, { version: 1, [first]: null }),
			save(token, { version: 1, [second]: value(second) }),
		]);
		const [won, lost] = a.status === 200 ? [a, b] : [b, a];
		assert.equal(won.status, 200, won.text);
		isConflict(lost, 409, won.json);
	});
}

const links = {
	good: [
		'https://example.org', 'http://example.org/', 'HTTPS://EXAMPLE.ORG', 'https://例え.jp/パス',
		'https://example.org:8443/a?b=c#d', 'http://[2001:db8::1]/', 'https://xn--r8jz45g.jp',
	],
	bad: [
		'javascript:alert(1)', 'data:text/html,x', 'ftp://example.org', '//example.org', '/path', 'example.org',
		'http://', 'https://user@example.org', 'https://user:pw@example.org', 'https://exa mple.org',
		'vbscript:x', ' javascript:alert(1)', 'java\tscript:alert(1)', 'http:example.org', 'mailto:a@example.org',
		`https://example.org/${'x'.repeat(3000)}`,
	],
};

for (const [kind, field] of [['personal', 'website'], ['professional', 'company_website'], ['professional', 'linkedin_url']]) {
	test(`${field} takes http and https addresses`, async () => {
		for (const link of links.good) {
			const { token } = await client.register();
			const got = await client.patch(`/api/profile/${kind}`, { version: 0, [field]: link }, { token });
			assert.equal(got.status, 201, `${link}: ${got.text}`);
		}
	});

	test(`${field} takes nothing else`, async () => {
		const { token } = await client.register();
		for (const link of links.bad)
			isInvalid(await client.patch(`/api/profile/${kind}`, { version: 0, [field]: link }, { token }), field);
	});
}
