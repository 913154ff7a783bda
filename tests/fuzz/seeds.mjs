// Where the fuzzer of whole requests begins: a sound request of every route, and one with more faults
// than anybody wants to read. Writes them as files into a directory.
import fs from 'node:fs';
import path from 'node:path';

import { routes, sample, soundBody } from '../lib/routes.mjs';

const TOKEN = 'Bearer ck_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const dir = process.argv[2];

function write(name, route, { query = '', headers = {}, body }) {
	const uri = route.path.replace('{}', sample('id')) + query;
	const params = { REQUEST_METHOD: route.method, REQUEST_URI: uri, HTTP_AUTHORIZATION: TOKEN, ...headers };
	const lines = Object.entries(params).map(([key, value]) => `${key}=${value}\n`).join('');
	fs.writeFileSync(path.join(dir, name), `\0\0\0\0\n${lines}\n${body ?? ''}`.replaceAll('\0', '@'));
}

for (const [i, route] of routes().entries()) {
	if (route.body === 'NONE') {
		write(`route-${i}`, route, { query: '?limit=2&after=3&version=1', headers: { HTTP_PREFER: 'count=exact' } });
		continue;
	}
	write(`route-${i}`, route, { body: JSON.stringify(soundBody(route)) });
	const unknown = Object.fromEntries(Array.from({ length: 150 }, (_, n) => [n.toString(36), 0]));
	write(`faults-${i}`, route, { headers: { HTTP_IF_MATCH: '"1"', HTTP_IDEMPOTENCY_KEY: 'k' }, body: JSON.stringify(unknown) });
}
