// What users would pick instead, behind the same nginx, calling the same functions: Node with Fastify
// and node-postgres, PHP-FPM with its pgsql extension. Both run as the service does and from copies
// in the instance's directory, as their user may not be able to enter the checkout.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

import { freePort } from '../lib/stack.mjs';
import { until } from '../lib/wait.mjs';

// As many as pgbench is at its best with on two cores. A process of PHP's has one connection.
const PHP_CHILDREN = 16;

function fill(template, values) {
	const text = fs.readFileSync(template, 'utf8');
	return text.replace(/@(\w+)@/g, (_, word) => values[word]);
}

// libpq's words for node-postgres.
function environment(conninfo) {
	const word = (name) => new RegExp(`${name}='?([^' ]+)`).exec(conninfo)[1];
	return { PGHOST: word('host'), PGDATABASE: word('dbname'), PGUSER: word('user'), CK_CONNINFO: conninfo };
}

export class Peers {
	// from: a copy of tests/bench/peers with node_modules.
	static async make(stack, from) {
		const peers = new Peers();
		peers.stack = stack;
		peers.dir = path.join(stack.dir, 'peers');
		fs.cpSync(from, peers.dir, { recursive: true });
		spawnSync('chmod', ['-R', 'a+rX', peers.dir]);
		// Their sockets and logs lie where the service's do.
		peers.run = path.join(stack.dir, 'run');
		peers.ports = { fastify: await freePort(), php: await freePort() };
		const values = { dir: peers.run, children: PHP_CHILDREN, script: path.join(peers.dir, 'index.php') };
		fs.writeFileSync(path.join(peers.dir, 'fpm.conf'), fill(path.join(peers.dir, 'fpm.conf.in'), values));
		peers.nginx = fill(path.join(peers.dir, 'nginx.conf.in'), { ...values, ...peers.ports });
		// Not SIGKILL, which PHP's processes would outlive.
		process.once('exit', () => peers.child?.kill('SIGTERM'));
		return peers;
	}

	// For Stack.startNginx.
	addTo(conf) {
		fs.appendFileSync(path.join(conf, 'site.conf'), this.nginx);
	}

	// New processes, so new connections and plans; resolves when it listens.
	async start(way) {
		const socket = path.join(this.run, `${way}.sock`);
		fs.rmSync(socket, { force: true });
		const [program, ...args] = {
			fastify: [process.execPath, path.join(this.dir, 'server.mjs'), socket],
			php: ['php-fpm8.2', '-n', '-d', 'extension=pgsql', '-d', 'zend_extension=opcache', '-F', '-y', path.join(this.dir, 'fpm.conf')],
		}[way];
		const log = fs.openSync(path.join(this.stack.dir, `log/${way}.log`), 'a');
		// nginx is of the group that the directory gives their sockets.
		this.child = spawn('sh', ['-c', 'umask 007; exec "$0" "$@"', program, ...args], {
			...this.stack.user,
			cwd: this.run,
			env: { ...environment(this.stack.conninfo.runtime), PATH: `${process.env.PATH}:/usr/sbin`, NODE_ENV: 'production' },
			stdio: ['ignore', log, log],
		});
		fs.closeSync(log);
		await until(`${way} listens`, () => {
			if (this.child.exitCode !== null)
				throw new Error(`${way} ended: ${fs.readFileSync(path.join(this.stack.dir, `log/${way}.log`), 'utf8')}`);
			return fs.existsSync(socket);
		});
	}

	async stop() {
		const { child } = this;
		if (!child) return;
		this.child = undefined;
		if (child.exitCode !== null) return;
		child.kill('SIGTERM');
		await once(child, 'exit');
	}
}
