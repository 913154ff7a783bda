// Watches the alerts of a service from all sides: /status.json, /metrics, the log, alert_command.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { assert } from './harness.mjs';
import { pause, until } from './wait.mjs';

// Notes every state of every alert that anybody who looks often enough can see.
export class Watch {
	// look: resolves to the object of /status.json, or to nothing while it cannot be had.
	constructor(look) {
		this.look = look;
		this.seen = {};
		this.over = false;
		this.running = this.#run();
	}

	async #run() {
		while (!this.over) {
			const status = await this.look().catch(() => undefined);
			for (const alert of status?.alerts ?? []) this.#note(alert);
			await pause(20);
		}
	}

	#note(alert) {
		const states = (this.seen[alert.name] ??= []);
		if (states.at(-1)?.state !== alert.state) states.push(alert);
	}

	states(name) {
		return (this.seen[name] ?? []).map(({ state }) => state);
	}

	latest(name) {
		return this.seen[name]?.at(-1);
	}

	is(name, state, ms = 30_000) {
		return until(`${name} is ${state}`, () => this.latest(name)?.state === state && this.latest(name), ms);
	}

	async stop() {
		this.over = true;
		await this.running;
	}
}

// An alert_command that writes down what it is told, for a service that runs as `user`.
export class Command {
	constructor(user) {
		this.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'ck-alert-'));
		fs.chmodSync(this.dir, 0o755);
		this.file = path.join(this.dir, 'told');
		this.script = path.join(this.dir, 'command');
		fs.writeFileSync(this.file, '');
		if (user.uid !== undefined) fs.chownSync(this.file, user.uid, user.gid);
		fs.writeFileSync(
			this.script,
			'#!/bin/sh\nenv | sed -n "s/^CARDKEEP_ALERT_//p" | sort | paste -sd "\\t" >>"$1"\n',
			{ mode: 0o755 },
		);
		process.once('exit', () => fs.rmSync(this.dir, { recursive: true, force: true }));
	}

	get line() {
		return `${this.script} ${this.file}`;
	}

	// [{NAME, STATE, VALUE, ...}] of one alert, in the order they were told.
	told(name) {
		return fs.readFileSync(this.file, 'utf8').split('\n').filter(Boolean)
			.map((line) => Object.fromEntries(line.split('\t').map((word) => {
				const at = word.indexOf('=');
				return [word.slice(0, at), word.slice(at + 1)];
			})))
			.filter((news) => news.NAME === name);
	}
}

// Asserts that one alert went PENDING, FIRING and cleared, and that everybody was told so.
//   watch, command, log (its text), metrics (a function that resolves to the exposition)
export async function wentRound(name, { watch, command, log, metrics }) {
	const states = watch.states(name).join(' ');
	assert.match(states, /PENDING FIRING OK$/, `${name}: ${states}`);
	const lines = log().split('\n').filter((line) => line.includes(`name=${name} `));
	const words = lines.map((line) => /(alert [a-z ]+) name=/.exec(line)?.[1]).filter(Boolean);
	assert.deepEqual(words.slice(-3), ['alert pending', 'alert firing', 'alert cleared']);
	assert.match(lines.join('\n'), /level=error .*alert firing .*value=\S+ threshold=\S+ since=\S+Z summary=".+" runbook="doc\/alerts\/\w+\.md"/);
	await until(`${name} was told`, () => command.told(name).at(-1)?.STATE === 'OK');
	const [fired, cleared] = command.told(name).slice(-2);
	assert.equal(fired.STATE, 'FIRING');
	assert.match(fired.VALUE, /^[0-9.]+$/);
	assert.match(fired.THRESHOLD, /^[0-9.]+$/);
	assert.match(fired.SINCE, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
	assert.match(fired.SUMMARY, /^[A-Z].+\.$/);
	assert.equal(fired.RUNBOOK, `doc/alerts/${name}.md`);
	assert.ok(fired.SINCE < cleared.SINCE);
	assert.match(await metrics(), new RegExp(`^cardkeep_alert_firing\\{alert="${name}"\\} 0$`, 'm'));
}
