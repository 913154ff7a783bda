// Every route of the service and what its body may hold, read from the lists that the service itself is
// made from: what goes through all of them goes through a new one too.
import fs from 'node:fs';
import path from 'node:path';

import { top } from './shell.mjs';

const read = (name) => fs.readFileSync(path.join(top, 'src', name), 'utf8').replace(/\/\*.*?\*\//gs, '');

// What each field of a sound body holds; others hold a word.
const SAMPLES = {
	id: '00010203-0405-0607-0809-0a0b0c0d0e0f',
	email: 'somebody@example.org',
	password: 'correct horse battery staple',
	current_password: 'correct horse battery staple',
	new_password: 'incorrect horse battery staple',
	cookie: false,
	version: 1,
	to: 1,
	merge: false,
	fields_config: { title: 'Dr' },
	design_config: { colour: 'blue' },
	template_type: 'personal-small',
	is_public: true,
	base_slug: 'a-card',
	max_attempts: 10,
	p_card_id: '00010203-0405-0607-0809-0a0b0c0d0e0f',
	p_expected_version: 1,
	p_fields_config: { title: 'Dr' },
	p_design_config: { colour: 'blue' },
	p_template_type: 'personal-small',
	p_is_public: true,
};

export function sample(field) {
	if (field in SAMPLES) return SAMPLES[field];
	if (/email$/.test(field)) return 'somebody@example.org';
	if (/website$|url$/.test(field)) return 'https://example.org/';
	return 'A word';
}

// The tables of a file, and in the case of the profiles the table of one.
function fieldsIn(text) {
	const found = text.matchAll(/\.name = "(\w+)"|\b(?:TEXT|LINES|EMAIL|WEB)\("(\w+)"/g);
	return [...new Set([...found].map((m) => m[1] ?? m[2]))];
}

function profileFields(which) {
	const table = read('api/profiles.c').split(/static const struct profile /).find((part) => part.startsWith(which));
	return fieldsIn(table);
}

// rpc_create is create_business_card_atomic with the arguments of CREATE.
function argumentsOf(path) {
	const text = read('api/postgrest/functions.def');
	const name = path.split('/').at(-1);
	const id = new RegExp(`FUNCTION\\((\\w+),\\s*"${name}"`).exec(text)[1];
	const own = [...text.matchAll(/ARGUMENT\((\w+),\s*"(\w+)"/g)].filter((m) => m[1] === id).map((m) => m[2]);
	if (id !== 'PERSONAL' && id !== 'PROFESSIONAL') return own;
	return [...own, ...profileFields(id.toLowerCase()).map((field) => `p_${field}`)];
}

function fieldsOf(path, handler) {
	if (handler.startsWith('rpc_')) return argumentsOf(path);
	const file = handler.split('_')[0];
	const common = ['version', 'merge'];
	if (file === 'profiles') return [...new Set([...profileFields(handler.split('_').at(-1)), ...common])];
	return [...new Set([...fieldsIn(read(`api/${file}.c`)), ...common])];
}

// [{method, path, open, body, fields}]: `body` is NONE, JSON, SECRET or ARGUMENTS; {} in a path takes an
// id. HEAD goes where GET does.
export function routes() {
	const list = /ROUTE(?:_ALSO)?\((\w+),\s*(?:"[^"]+",\s*)?(\w+),\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*(\w+)\)/g;
	const found = [...read('catalog/routes.def').matchAll(list)].map(([, , method, at, access, body, handler]) => ({
		method,
		path: at,
		open: access === 'OPEN',
		body,
		fields: body === 'NONE' ? [] : fieldsOf(at, handler),
	}));
	if (found.length !== read('catalog/routes.def').match(/^ROUTE(_ALSO)?\(/gm).length) throw new Error('a route cannot be read');
	return found;
}

// A body that the route takes as far as its form goes.
export function soundBody(route) {
	return Object.fromEntries(route.fields.map((field) => [field, sample(field)]));
}
