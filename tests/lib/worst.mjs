// The worst that a client may send within the limits, by kind, for every route and every field: what
// once kept a thread or a backend busy, and its siblings.
import { routes, sample, soundBody } from './routes.mjs';

const BODY = 250 * 1024; // below the limit of 256 KiB
const LINE = 7 * 1024; // below nginx's limit of 8 KiB
const HEADER = 7 * 1024;

const times = (item, bytes) => item.repeat(Math.floor(bytes / Buffer.byteLength(item)));
const list = (count, item) => Array.from({ length: count }, (_, i) => item(i));

// ---- values -----------------------------------------------------------------------------------

const marks = () => 'e' + times('\u0301\u0316', BODY);
// The same in capitals that come apart first, in Hangul that goes together, and what grows most.
const letters = () => times('\u1EA4\u1112\u1161\u11AB\u{1D160}', BODY);
const sentences = () => times('\uFDFA', BODY);
const blanks = () => times('\u3000', BODY) + 'x';

// As JSON: JSON.stringify would write the numbers out.
const numbers = () => `[${times('1e-16383,', BODY - 4)}0]`;
const keys = (count = 12_000) => `{${list(count, (i) => `"k${i}":"x"`).join(',')}}`;
const nested = () => `[${times('[[[[[[[[[[[[{}]]]]]]]]]]]],', BODY - 4)}0]`;
const digits = () => times('7', 300);
const members = () => `{${list(25_000, (i) => `"${i.toString(36)}":[]`).join(',')}}`;

// ---- requests ---------------------------------------------------------------------------------

const jsonRoutes = routes().filter((route) => route.body !== 'NONE');
const readRoutes = routes().filter((route) => route.method === 'GET');
const versioned = (body) => ({ ...body, version: 1, p_expected_version: 1 });

// A body with one field that is `json`, and all the others sound.
function bodyWith(route, field, json) {
	const sound = soundBody(route);
	delete sound[field];
	const rest = JSON.stringify(sound).slice(1);
	return `{${JSON.stringify(field)}:${json}${rest === '}' ? '' : ','}${rest}`;
}

// One request for each field of each route with a body.
function inEveryField(json, wanted = () => true) {
	return jsonRoutes.flatMap((route) =>
		route.fields.filter(wanted).map((field) => ({
			method: route.method,
			path: route.path,
			open: route.open,
			body: () => bodyWith(route, field, json()),
		})),
	);
}

const isText = (field) => typeof sample(field) === 'string';
const isDocument = (field) => typeof sample(field) === 'object';

// Made once and kept.
function kept(make) {
	let made;
	return () => (made ??= make());
}

const everyBody = (body) =>
	jsonRoutes.map(({ method, path, open }) => ({ method, path, open, body }));

const everyQuery = (query, headers = {}) =>
	readRoutes.map(({ method, path, open }) => ({ method, path: `${path}?${query}`, open, headers }));

const everyHeader = (headers) =>
	routes().map((route) => ({
		method: route.method,
		path: route.path,
		open: route.open,
		headers,
		body: () => (route.body === 'NONE' ? undefined : JSON.stringify(soundBody(route))),
	}));

// Out of date, on what has many keys: conflicts, merges and reverts.
function stale() {
	const document = kept(() => JSON.parse(keys(10_000))); // two of them fit a body
	return jsonRoutes
		.filter(({ fields }) => fields.some((field) => /version$/.test(field)))
		.flatMap((route) =>
			[true, false].map((merge) => ({
				method: route.method,
				path: route.path,
				open: route.open,
				body: () => JSON.stringify(
					Object.fromEntries(
						Object.entries(versioned(soundBody(route)))
							.filter(([field]) => route.fields.includes(field))
							.map(([field, value]) => {
								if (isDocument(field)) return [field, document()];
								return [field, field === 'merge' ? merge : value];
							}),
					),
				),
			})),
		);
}

const filters = (item) => `select=id${times(`&${item}`, LINE)}`;
const COUNTED = { Prefer: 'count=exact' };

// [{name, requests}]; a request is {method, path, open, headers, body}, {} in its path an id of one's
// own; `body` is made when it is asked for, since all of them would be a gigabyte.
export function kinds() {
	return [
		{ name: 'marks out of order', requests: inEveryField(kept(() => JSON.stringify(marks())), isText) },
		{ name: 'letters that come apart', requests: inEveryField(kept(() => JSON.stringify(letters())), isText) },
		{ name: 'letters that read as sentences', requests: inEveryField(kept(() => JSON.stringify(sentences())), isText) },
		{ name: 'blanks', requests: inEveryField(kept(() => JSON.stringify(blanks())), isText) },
		{ name: 'numbers that print long', requests: inEveryField(kept(numbers)) },
		{ name: 'numbers of many digits', requests: inEveryField(kept(() => `[${times(`${digits()},`, BODY - 4)}0]`)) },
		{ name: 'many keys', requests: inEveryField(kept(() => keys())) },
		{ name: 'nested as deep as allowed', requests: inEveryField(kept(nested), isDocument) },
		{ name: 'members of no field', requests: everyBody(kept(members)) },
		{ name: 'writes out of date', requests: stale() },
		{
			name: 'filters',
			requests: [
				...everyQuery(filters('fields_config=neq.1'), COUNTED),
				...everyQuery(filters('name=neq.x'), COUNTED),
				...everyQuery(`select=id&id=in.(${times('1,', LINE)}1)`, COUNTED),
			],
		},
		{
			name: 'orders and pages',
			requests: [
				...everyQuery('order=fields_config,design_config.desc,name&limit=1000', COUNTED),
				...everyQuery(`order=${times('name.desc,', LINE)}id&limit=1000`, COUNTED),
				...everyQuery('limit=100&after=999999999999'),
				...everyQuery('limit=1000&offset=999999999999', COUNTED),
				...everyQuery(`select=${times('fields_config,', LINE)}id`),
			],
		},
		{
			name: 'headers',
			requests: [
				...everyHeader({ Prefer: `handling=strict${times(', a=b', HEADER)}` }),
				...everyHeader({ 'If-Match': `"1"${times(', "1"', HEADER)}` }),
				...everyHeader({ 'If-None-Match': `"1"${times(', W/"2"', HEADER)}` }),
				...everyHeader({ Cookie: `a=b${times('; ck_session=x', HEADER)}` }),
				...everyHeader({ Accept: `text/plain${times(',*/*;q=0', HEADER)}`, 'Idempotency-Key': '"'.repeat(255) }),
			],
		},
	];
}
