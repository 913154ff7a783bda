// A Prometheus of a test's own, out of Debian's package, and its tools.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

import { top } from './shell.mjs';
import { freePort } from './stack.mjs';
import { until } from './wait.mjs';

// The path of promtool, prometheus or amtool.
export function program(name) {
	return execFileSync(path.join(top, 'scripts/lib/prometheus.sh'), [name], { encoding: 'utf8' }).trim();
}

// What the tool says to `input`; it throws that where the tool fails.
export function run(name, args, input = '') {
	try {
		return execFileSync(program(name), args, { encoding: 'utf8', input, stdio: 'pipe', timeout: 30_000 });
	} catch (error) {
		throw new Error(`${name} ${args.join(' ')}\n${error.stdout}\n${error.stderr}`);
	}
}

export class Prometheus {
	// jobs: {name: port of an instance}. rules: files. It scrapes every second.
	static async start(jobs, rules) {
		const prometheus = new Prometheus();
		prometheus.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ck-prometheus-'));
		prometheus.port = await freePort();
		const config = path.join(prometheus.dir, 'prometheus.yml');
		fs.writeFileSync(config, JSON.stringify({
			global: { scrape_interval: '1s', evaluation_interval: '1s' },
			rule_files: rules,
			scrape_configs: Object.entries(jobs).map(([name, port]) => ({
				job_name: name,
				static_configs: [{ targets: [`127.0.0.1:${port}`] }],
			})),
		}));
		const log = fs.openSync(path.join(prometheus.dir, 'log'), 'w');
		prometheus.child = spawn(program('prometheus'), [
			`--config.file=${config}`,
			`--storage.tsdb.path=${path.join(prometheus.dir, 'data')}`,
			`--web.listen-address=127.0.0.1:${prometheus.port}`,
			'--log.level=warn',
		], { stdio: ['ignore', log, log] });
		fs.closeSync(log);
		process.once('exit', (prometheus.atExit = () => prometheus.#remove()));
		await until('Prometheus is ready', () => prometheus.#get('/-/ready').then(({ ok }) => ok, () => false), 20_000);
		return prometheus;
	}

	#get(where) {
		return fetch(`http://127.0.0.1:${this.port}${where}`, { signal: AbortSignal.timeout(10_000) });
	}

	async api(call, params = {}) {
		const answer = await (await this.#get(`/api/v1/${call}?${new URLSearchParams(params)}`)).json();
		if (answer.status !== 'success') throw new Error(`${answer.error}: ${JSON.stringify(params)}`);
		return answer.data;
	}

	// The samples of an instant query: [{metric, value}].
	async query(expr) {
		return (await this.api('query', { query: expr })).result;
	}

	log() {
		return fs.readFileSync(path.join(this.dir, 'log'), 'utf8');
	}

	#remove() {
		this.child.kill('SIGKILL');
		fs.rmSync(this.dir, { recursive: true, force: true });
	}

	async stop() {
		process.removeListener('exit', this.atExit);
		this.child.kill('SIGTERM');
		if (this.child.exitCode === null) await once(this.child, 'exit');
		this.#remove();
	}
}

// Passes every request on to a port of this machine under another Accept: what a Prometheus gets that
// does not know OpenMetrics. Resolves to {port, close}.
export async function asking(port, accept) {
	const server = http.createServer((request, response) => {
		const headers = { ...request.headers, accept };
		const onwards = http.request({ host: '127.0.0.1', port, path: request.url, headers }, (answer) => {
			response.writeHead(answer.statusCode, answer.headers);
			answer.pipe(response);
		});
		onwards.on('error', () => response.destroy());
		onwards.end();
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return { port: server.address().port, close: () => server.close() };
}
