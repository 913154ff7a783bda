// Requests that no client should send, made by chance: over HTTP, and as the FastCGI records that nginx
// would send of them.
import { routes, sample, soundBody } from '../lib/routes.mjs';

const all = routes();
const ID = sample('id');

// ---- HTTP -------------------------------------------------------------------------------------

const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get', 'G\0T', '', 'A'.repeat(300)];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'HTTP/11', 'HTTP/1.1 ', 'http/1.1', 'HTTQ/1.1', '', 'HTTP/1.1\x0b'];
const ENDS = ['\r\n', '\n', '\r', '\r\r\n', '\n\r'];
const ODD = ['\0', '%', '%zz', '%00', '%2f', '%2e%2e/', '%ff%fe', '\xff\xfe', '../', '//', '?', '#', '\\', '\t', ' ', '\x7f', ';', '{}', '\u00e9'];
const LENGTHS = ['0', '-1', '1', '99999999999999999999', '0x10', '1e3', '+5', ' 7', '5, 5', '262145', '1048577', ''];
const CODINGS = ['chunked', 'gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', 'chunked\x0b', 'CHUNKED'];
const CHUNKS = ['0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n', '-1\r\n', 'ffffffffffffffff\r\n', '5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n', '5\nhello\n0\n\n', 'zz\r\n', '3\r\nhello\r\n0\r\n\r\n', ''];
const BODIES = ['', '{', '{}', '[]', 'null', '"', '{"a":1,"a":2}', '{"\\u0000":1}', '{"name":"\ud83d"}', '{"name":1e999}', '[1e-16383]', 'name=x&y=z', '<a/>', '\xef\xbb\xbf{}', '{"version":99999999999999999999}', '['.repeat(200), '{"name":"\x01"}', '{"fields_config":'.repeat(20)];
const HOSTS = ['', 'a b', '[::1', 'x'.repeat(400), 'a:99999', '127.0.0.1, b', '\0'];
const HEADERS = [
	['Content-Type', ['application/json', 'text/xml', 'a/b+json', '', ';', 'x'.repeat(900), 'application/json; charset=\xff']],
	['Authorization', ['Bearer', 'Bearer ck_', 'Basic eDp5', `Bearer ck_${'A'.repeat(43)}`, `Bearer ck_${'A'.repeat(4000)}`, '\xff']],
	['Cookie', ['ck_session=', 'ck_session="', '; ; =', `a=${'b'.repeat(3000)}`, 'ck_session=a; ck_session=b']],
	['If-Match', ['*', '"', 'W/"1"', '"1","2",', '"-1"', '"99999999999999999999"', '1']],
	['If-None-Match', ['*', '"', 'W/', '"1', ',']],
	['Idempotency-Key', ['', '"', '"\\', 'k', 'k'.repeat(256), '\xc3\xa9', 'a b', 'a,b']],
	['Prefer', ['', ';', '=', 'count=exact', 'handling=strict, x', 'conflict="merge', ',,,']],
	['Range', ['0-', '5-2', 'bytes=0-1', '99999999999999999999-', '-', 'x']],
	['Accept', ['application/vnd.pgrst.object+json', ';', '*/*;q=x', ',']],
	['Accept-Profile', ['public', 'cardkeep', 'pg_catalog', '\x01']],
	['Origin', ['null', 'https://evil.example', '\xff', 'https://', '']],
	['Expect', ['100-continue', 'x']],
	['Upgrade', ['h2c', 'websocket']],
	['Connection', ['close', 'keep-alive', 'close, keep-alive', 'Authorization']],
	['X-Request-Id', ['00000000-0000-0000-0000-000000000000', '\r\tinjected']],
	['User-Agent', ['\x01\x02', '\xff', 'x'.repeat(2000)]],
	['Sec-Fetch-Site', ['same-origin', 'cross-site', '?']],
];

function target(dice, route) {
	let at = route.path.replace('{}', dice.once(3) ? dice.among(['', '0', ID.toUpperCase(), '..', '%00', 'x'.repeat(5000)]) : ID);
	if (dice.once(3)) at += `?${dice.among(['limit=', 'after=%ff', 'select=', 'or=(', 'id=in.("', 'version=1&version=2', '&'.repeat(2000), 'a=b'.repeat(3000)])}`;
	if (dice.once(6)) {
		const where = dice.below(at.length + 1);
		at = at.slice(0, where) + dice.among(ODD) + at.slice(where);
	}
	return dice.once(20) ? `http://${dice.among(['a', '', '127.0.0.1'])}${at}` : at;
}

function bodyOf(dice, route) {
	if (dice.once(3)) return dice.among(BODIES);
	const body = soundBody(route);
	for (const field of Object.keys(body))
		if (dice.once(5)) body[field] = dice.among([null, -1, 1e308, '', [], {}, true, '\u0000', 'x'.repeat(3000), '\u0301'.repeat(500), { a: [[[]]] }, 2 ** 53, '\ud800']);
	return JSON.stringify(body);
}

// A header may be malformed, folded or there twice.
function headerLines(dice, end) {
	const lines = [];
	while (!dice.once(2)) {
		const [name, values] = dice.among(HEADERS);
		const colon = dice.once(30) ? dice.among([' :', '', ':\r\n ', '\0:', ':\x0b']) : ': ';
		lines.push(`${name}${colon}${dice.among(values)}`);
		if (dice.once(12)) lines.push(lines.at(-1));
	}
	return lines.map((line) => line + end).join('');
}

function framed(dice, end, body) {
	if (dice.once(12)) return `Transfer-Encoding: ${dice.among(CODINGS)}${end}${end}${dice.among(CHUNKS)}`;
	const length = dice.once(12) ? dice.among(LENGTHS) : String(Buffer.byteLength(body, 'latin1'));
	const both = dice.once(15) ? `Transfer-Encoding: chunked${end}` : '';
	return `Content-Length: ${length}${end}${both}${end}${body}`;
}

// The bytes of one request, or of a few in one go.
export function httpBytes(dice, token) {
	const route = dice.among(all);
	const end = dice.once(12) ? dice.among(ENDS) : '\r\n';
	const method = dice.once(8) ? dice.among(METHODS) : route.method;
	const version = dice.once(12) ? dice.among(VERSIONS) : 'HTTP/1.1';
	const who = dice.once(3) ? '' : `Authorization: Bearer ${token}${end}`;
	const host = dice.once(30) ? '' : `Host: ${dice.once(30) ? dice.among(HOSTS) : 'localhost'}${end}`;
	let bytes = Buffer.from(
		`${method} ${target(dice, route)} ${version}${end}${host}${who}${headerLines(dice, end)}` +
			framed(dice, end, Buffer.from(bodyOf(dice, route)).toString('latin1')),
		'latin1',
	);
	if (dice.once(10)) for (let n = dice.below(5) + 1; n > 0; n--) bytes[dice.below(bytes.length)] = dice.below(256);
	if (dice.once(15)) bytes = bytes.subarray(0, dice.below(bytes.length));
	if (dice.once(30)) bytes = dice.bytes(dice.below(500) + 1);
	return dice.once(10) ? Buffer.concat([bytes, httpBytes(dice, token)]) : bytes;
}

// ---- FastCGI ----------------------------------------------------------------------------------

const BEGIN = 1;
const ABORT = 2;
const PARAMS = 4;
const STDIN = 5;
const GET_VALUES = 9;

function record(dice, type, content = Buffer.alloc(0), id = 1) {
	const head = Buffer.from([1, type, id >> 8, id & 255, 0, 0, 0, 0]);
	const padding = dice.once(6) ? dice.below(9) : 0;
	head.writeUInt16BE(content.length, 4);
	head[6] = padding;
	// What is said of it may be false.
	if (dice.once(80)) head.writeUInt16BE(dice.among([0, 1, 65535, dice.below(65536)]), 4);
	if (dice.once(150)) head[0] = dice.below(256);
	if (dice.once(150)) head[1] = dice.below(20);
	return Buffer.concat([head, content, Buffer.alloc(padding)]);
}

// `odds`: once in so many it is false.
function lengthOf(dice, n, odds) {
	if (dice.once(odds)) return dice.among([Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from([0x80, 0, 0, 0]), Buffer.from([0x7f]), Buffer.from([0x80]), Buffer.from([0xc0, 0, 0, 1])]);
	if (n < 128 && !dice.once(10)) return Buffer.from([n]);
	const four = Buffer.alloc(4);
	four.writeUInt32BE((n | 0x80000000) >>> 0);
	return four;
}

function pairOf(dice, [name, value], odds = 250) {
	const [n, v] = [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')];
	return Buffer.concat([lengthOf(dice, n.length, odds), lengthOf(dice, v.length, odds), n, v]);
}

function paramsOf(dice, route, body, token) {
	const params = [
		['REQUEST_METHOD', dice.once(8) ? dice.among(METHODS) : route.method],
		['REQUEST_URI', target(dice, route)],
		['CONTENT_LENGTH', dice.once(8) ? dice.among(LENGTHS) : String(body.length)],
		['CARDKEEP_REQUEST_ID', dice.once(12) ? dice.among(['', 'x', '0'.repeat(31)]) : dice.bytes(16).toString('hex')],
		['HTTP_AUTHORIZATION', `Bearer ${token}`],
	];
	while (!dice.once(4)) {
		const [name, values] = dice.among(HEADERS);
		params.push([`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, dice.among(values)]);
	}
	return params.filter(() => !dice.once(60));
}

const empty = Buffer.alloc(0);
const sound = { once: () => false };
const pairs = (...bytes) => record(sound, PARAMS, Buffer.from(bytes));
const begun = record(sound, BEGIN, Buffer.from([0, 1, 1, 0, 0, 0, 0, 0]));
const ended = Buffer.concat([record(sound, PARAMS, empty), record(sound, STDIN, empty)]);

// What once ended a process, and its neighbours: lengths that libfcgi adds one to, or makes room for.
export const FATAL = [
	Buffer.concat([begun, pairs(1, 0xff, 0xff, 0xff, 0xfe, 65, 65), ended]),
	Buffer.concat([begun, pairs(0xc0, 0, 0, 0, 0xc0, 0, 0, 0, 65, 65), ended]),
	Buffer.concat([begun, pairs(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 65), ended]),
	Buffer.concat([begun, pairs(200), ended]),
	record(sound, GET_VALUES, Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 65]), 0),
	record(sound, GET_VALUES, Buffer.from([200]), 0),
	record(sound, BEGIN, Buffer.from([0, 1])),
	record(sound, 77, Buffer.alloc(60_000), 0),
];

// The records of one request, some of them wrong, missing, repeated or out of order.
export function fcgiBytes(dice, token) {
	const route = dice.among(all);
	const body = Buffer.from(bodyOf(dice, route));
	const params = Buffer.concat(paramsOf(dice, route, body, token).map((pair) => pairOf(dice, pair)));
	const begin = Buffer.from([0, dice.once(12) ? dice.below(5) : 1, dice.below(2), 0, 0, 0, 0, 0]);
	let records = [
		record(dice, BEGIN, dice.once(20) ? begin.subarray(0, dice.below(8)) : begin),
		record(dice, PARAMS, params.subarray(0, 60_000)),
		record(dice, PARAMS),
		record(dice, STDIN, body.subarray(0, 60_000)),
		record(dice, STDIN),
	];
	const strangers = [
		() => record(dice, GET_VALUES, Buffer.concat([['FCGI_MAX_CONNS', ''], ['FCGI_MPXS_CONNS', ''], ['x'.repeat(300), 'y']].map((pair) => pairOf(dice, pair, 8))), 0),
		() => record(dice, ABORT),
		() => record(dice, dice.below(256), dice.bytes(dice.below(64)), dice.below(3)),
		() => record(dice, BEGIN, begin, dice.below(65536)),
		() => dice.bytes(dice.below(200)),
		() => record(dice, PARAMS, pairOf(dice, ['A', 'b'.repeat(dice.below(3000))], 8), dice.below(2) + 1),
	];
	while (dice.once(4)) records.splice(dice.below(records.length + 1), 0, dice.among(strangers)());
	if (dice.once(8)) records = records.filter(() => !dice.once(3));
	if (dice.once(12)) records.reverse();
	let bytes = Buffer.concat(records);
	if (dice.once(8) && bytes.length > 0) bytes[dice.below(bytes.length)] = dice.below(256);
	if (dice.once(8)) bytes = bytes.subarray(0, dice.below(bytes.length + 1));
	return dice.once(40) ? dice.bytes(dice.below(300)) : bytes;
}
