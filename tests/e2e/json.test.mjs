// RFC 8259 to the byte, through the whole service: what is not JSON is 400, and what is is taken.
import { assert, isInvalid, isProblem, shared, test } from '../lib/harness.mjs';

const { stack, client } = await shared();
const { token } = await client.register();

const name = '"name":"A"';
const deep = (n) => `{${name},"fields_config":${'{"a":'.repeat(n - 1)}1${'}'.repeat(n - 1)}}`;
const bytes = (...parts) =>
	Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))));

const malformed = [
	['an empty body', ''],
	['white space only', ' \t\r\n'],
	['a text that ends early', `{${name}`],
	['a string that ends early', '{"name":"A'],
	['trailing text', `{${name}} x`],
	['two values', `{${name}}{${name}}`],
	['a trailing comma', `{${name},}`],
	['a leading comma', `{,${name}}`],
	['a missing colon', '{"name" "A"}'],
	['a missing value', '{"name":}'],
	['a key without quotes', '{name:"A"}'],
	['single quotes', "{'name':'A'}"],
	['a comment', `{${name} /* why */}`],
	['the same key twice', `{${name},${name}}`],
	['the same key twice, once escaped', `{${name},"n\\u0061me":"B"}`],
	['the same key twice, deep inside', `{${name},"fields_config":{"a":{"b":1,"b":2}}}`],
	['an escaped NUL', '{"name":"A\\u0000B"}'],
	['an escaped NUL in a key', `{${name},"fields_config":{"a\\u0000":1}}`],
	['a raw NUL', bytes('{"name":"A', [0], 'B"}')],
	['a lone high surrogate', '{"name":"\\ud83d"}'],
	['a lone low surrogate', '{"name":"\\ude00"}'],
	['surrogates the wrong way round', '{"name":"\\ude00\\ud83d"}'],
	['NaN', `{${name},"fields_config":{"a":NaN}}`],
	['Infinity', `{${name},"fields_config":{"a":Infinity}}`],
	['a negative Infinity', `{${name},"fields_config":{"a":-Infinity}}`],
	['a number that overflows', `{${name},"fields_config":{"a":1e400}}`],
	['a leading zero', `{${name},"fields_config":{"a":01}}`],
	['a plus sign', `{${name},"fields_config":{"a":+1}}`],
	['a fraction without digits', `{${name},"fields_config":{"a":1.}}`],
	['a number that starts with a point', `{${name},"fields_config":{"a":.5}}`],
	['a hexadecimal number', `{${name},"fields_config":{"a":0x10}}`],
	['a raw line feed in a string', '{"name":"A\nB"}'],
	['a raw tab in a string', '{"name":"A\tB"}'],
	['an unknown escape', '{"name":"\\x41"}'],
	['a short escape', '{"name":"\\u12"}'],
	['a byte order mark', bytes([0xef, 0xbb, 0xbf], `{${name}}`)],
	['invalid UTF-8', bytes('{"name":"', [0xff, 0xfe], '"}')],
	['overlong UTF-8', bytes('{"name":"', [0xc0, 0xaf], '"}')],
	['a surrogate in UTF-8', bytes('{"name":"', [0xed, 0xa0, 0x80], '"}')],
	['UTF-8 cut short', bytes('{"name":"', [0xe2, 0x82], '"}')],
	['UTF-16', Buffer.from(`{${name}}`, 'utf16le')],
	['True with a capital', `{${name},"is_public":True}`],
	['a bracket of the wrong kind', `{${name},"fields_config":{"a":[1}}}`],
	['nesting of 17', deep(17)],
	['nesting of 10,000', '['.repeat(10_000)],
];

for (const [what, body] of malformed)
	test(`${what} is 400`, async () => {
		isProblem(await client.post('/api/cards', body, { token }), 400, 'bad-json');
	});

const accepted = [
	['nesting of 16', deep(16)],
	['white space around everything', ` \t\r\n{ \n "name" \t:\r "A" } \n`],
	['every escape', '{"name":"\\"\\\\\\/\\u0041","fields_config":{"a":"\\b\\f\\n\\r\\t"}}'],
	['a pair of surrogates', '{"name":"\\ud83d\\ude00"}'],
	['characters beyond the first plane', '{"name":"😀 𝔘"}'],
	['numbers of every form', `{${name},"fields_config":{"a":[0,-0,1.5,-2e3,4E-2,123456789012345678901234567890]}}`],
	['empty keys and empty values', `{${name},"fields_config":{"":{},"b":[]}}`],
	['null, true and false', `{${name},"fields_config":{"a":null,"b":true,"c":false},"is_public":false}`],
	['a control character that is allowed raw', '{"name":"A\u007fB"}', [201, 422]],
];

for (const [what, body, statuses = [201]] of accepted)
	test(`${what} is taken`, async () => {
		const got = await client.post('/api/cards', body, { token });
		assert.ok(statuses.includes(got.status), `${got.status} ${got.text}`);
	});

test('a number keeps every digit on its way into the database and back', async () => {
	const got = await client.post(
		'/api/cards',
		`{${name},"fields_config":{"a":123456789012345678901234567890.125}}`,
		{ token },
	);
	assert.match(got.text, /123456789012345678901234567890\.125/);
});

for (const body of ['[]', '"text"', '1', 'null', 'true'])
	test(`${body} is JSON but no object: 4xx, not 5xx`, async () => {
		const got = await client.post('/api/cards', body, { token });
		assert.ok([400, 422].includes(got.status), `${got.status} ${got.text}`);
	});

test('a body has at most 4,000 keys, however they are nested', async () => {
	const keys = (count) => Array.from({ length: count }, (_, i) => `"k${i}":${i}`);
	const own = 2;
	const create = (document) => client.post('/api/cards', `{${name},"fields_config":${document}}`, { token });
	assert.equal((await create(`{${keys(4000 - own)}}`)).status, 201);
	for (const document of [
		`{${keys(4001 - own)}}`, `{${keys(12_000)}}`,
		`{"a":[${keys(4000 - own).map((key) => `{${key}}`)}]}`, `{"a":{"b":{${keys(4000 - own)}}}}`,
	]) {
		const got = await create(document);
		assert.match(isInvalid(got, 'body').errors[0].message, /more than 4000 keys/);
		assert.ok(got.text.length < 1000, `${got.text.length} bytes`);
	}
});

const types = [
	['application/json', true], ['application/json; charset=utf-8', true], ['APPLICATION/JSON', true],
	['application/vnd.api+json', true], ['application/merge-patch+json', true], ['text/plain', true],
	['text/plain;charset=UTF-8', true], ['application/x-www-form-urlencoded', true], [undefined, true],
	['text/html', false], ['application/xml', false], ['multipart/form-data; boundary=x', false],
	['application/octet-stream', false], ['application/jsonx', false], ['json', false], ['image/png', false],
];

for (const [type, taken] of types)
	test(`a body of type ${type ?? '(none)'} is ${taken ? 'read as JSON' : '415'}`, async () => {
		const got = await client.post('/api/cards', `{${name}}`, { token, headers: { 'Content-Type': type } });
		if (taken) assert.equal(got.status, 201, got.text);
		else isProblem(got, 415, 'unsupported-type');
	});

test('none of this was a fault of the service', () => {
	assert.deepEqual(stack.faults(), []);
});
