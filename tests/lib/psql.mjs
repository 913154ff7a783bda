// The database as an administrator sees it, through psql: tests need no driver.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

// One statement or several; resolves to the rows as strings, columns joined by a bar.
export async function query(conninfo, sql) {
	const { stdout } = await run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', sql, conninfo], {
		maxBuffer: 64 << 20,
		env: { ...process.env, PGOPTIONS: '', PGCLIENTENCODING: 'UTF8' },
	});
	return stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
}

// A session that stays: for transactions that hold something while the service works.
export class Session {
	constructor(conninfo) {
		this.child = spawn('psql', ['-XAtq', conninfo], { stdio: ['pipe', 'pipe', 'pipe'] });
		this.text = '';
		this.asked = 0;
		this.waiting = new Map();
		this.child.stdout.setEncoding('utf8').on('data', (part) => this.#heard(part));
		this.child.stderr.setEncoding('utf8').on('data', (part) => (this.errors += part));
		this.errors = '';
	}

	#heard(part) {
		this.text += part;
		for (let m; (m = /^([^]*?)--- (\d+)\n/.exec(this.text)); ) {
			this.text = this.text.slice(m[0].length);
			this.waiting.get(m[2])?.(m[1] === '' ? [] : m[1].replace(/\n$/, '').split('\n'));
			this.waiting.delete(m[2]);
		}
	}

	// Resolves to the rows once the statement is through.
	run(sql) {
		const mark = String(++this.asked);
		const done = new Promise((resolve) => this.waiting.set(mark, resolve));
		this.child.stdin.write(`${sql};\n\\echo --- ${mark}\n`);
		return done;
	}

	async close() {
		if (this.child.exitCode !== null) return;
		const gone = new Promise((resolve) => this.child.on('close', resolve));
		this.child.stdin.end();
		await gone;
	}
}
