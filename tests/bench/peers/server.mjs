// What a user of Node would put in Cardkeep's place: Fastify and node-postgres, calling the same stored
// functions. A process a core, each with a pool of connections.
//
//   PGHOST=... PGDATABASE=... PGUSER=... node server.mjs SOCKET
import cluster from 'node:cluster';
import { createHash, randomUUID } from 'node:crypto';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import Fastify from 'fastify';
import pg from 'pg';

const CONNECTIONS = 10; // a process: what node-postgres takes unless told otherwise
const BUSY_MS = 5;
const BUSY_TRIES = 1000;

const FUNCTIONS = {
	read_card: '$1, $2',
	create_card: '$1, $2, null, row($3::text, $4::text, $5::jsonb, $6::jsonb, $7::boolean)',
	update_card: '$1, $2, $3, $4, row($5::text, $6::text, $7::jsonb, $8::jsonb, $9::boolean)',
	save_own_profile: `'personal_info', $1, $2, $3, $4`,
};

const text = (most) => ({ type: 'string', maxLength: most });
const card = {
	name: text(200), template_type: text(64), fields_config: { type: 'object' },
	design_config: { type: 'object' }, is_public: { type: 'boolean' }, version: { type: 'integer' },
};
const profile = { version: { type: 'integer' }, full_name: text(200), primary_phone: text(50) };
const bodyOf = (properties, required) => ({
	schema: { body: { type: 'object', properties, required, additionalProperties: false } },
});

const pool = new pg.Pool({ max: CONNECTIONS });

function statement(name) {
	const fields = 'status, version, replayed, detail, body';
	return { name, text: `select ${fields} from cardkeep_api.${name}(${FUNCTIONS[name]})` };
}

const statements = Object.fromEntries(Object.keys(FUNCTIONS).map((name) => [name, statement(name)]));

// Calls until nobody else holds the row (423): the functions never wait.
async function answer(request, reply, name, ...values) {
	const token = /^Bearer ck_([\w-]{43})$/.exec(request.headers.authorization ?? '')?.[1];
	if (token === undefined) return reply.code(401).send({ error: 'no token' });
	const hash = createHash('sha256').update(Buffer.from(token, 'base64url')).digest();
	for (let tries = 1; ; tries++) {
		const { rows: [row] } = await pool.query({ ...statements[name], values: [hash, ...values] });
		if (row.status === 423 && tries < BUSY_TRIES) {
			await sleep(BUSY_MS);
			continue;
		}
		reply.code(row.status === 423 ? 503 : row.status).type('application/json');
		if (row.version > 0) reply.header('ETag', `"${row.version}"`);
		return reply.send(row.body);
	}
}

function routes(app) {
	// A body without a type is JSON too.
	app.addContentTypeParser('*', { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
	app.get('/api/cards/:id', (request, reply) => answer(request, reply, 'read_card', request.params.id));
	app.post('/api/cards', bodyOf(card, ['name']), (request, reply) => {
		const { name, template_type, fields_config, design_config, is_public } = request.body;
		return answer(request, reply, 'create_card', randomUUID(), name, template_type, fields_config,
			design_config, is_public);
	});
	app.patch('/api/cards/:id', bodyOf(card, ['version']), (request, reply) => {
		const { version, name, template_type, fields_config, design_config, is_public } = request.body;
		return answer(request, reply, 'update_card', randomUUID(), request.params.id, [version], name,
			template_type, fields_config, design_config, is_public);
	});
	app.patch('/api/profile/personal', bodyOf(profile, ['version']), (request, reply) => {
		const { version, ...patch } = request.body;
		return answer(request, reply, 'save_own_profile', randomUUID(), [version], patch);
	});
}

if (cluster.isPrimary) {
	os.cpus().forEach(() => cluster.fork());
	for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
} else {
	process.on('disconnect', () => process.exit(0));
	const app = Fastify();
	routes(app);
	await app.listen({ path: process.argv[2] });
}
