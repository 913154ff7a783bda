// The retry functions by themselves: what they repeat, how long they pause, when they stop.
import fc from 'fast-check';

import {
	DatabaseError,
	UniqueConstraintError,
	VersionConflictError,
	retryDatabaseOperation,
	retryOptimisticLock,
	retryWithBackoff,
} from '../../web/cardkeep.js';
import { assert, test } from '../lib/harness.mjs';
import { quick } from './fake.mjs';

// A function that fails with each error in turn and then succeeds; `calls` counts.
function failing(...errors) {
	const fn = async () => {
		const error = errors[fn.calls++];
		if (error !== undefined) throw error;
		return 'done';
	};
	fn.calls = 0;
	return fn;
}

const always = (error) => failing(...new Array(100).fill(error));

test('what succeeds is called once, and its value is the answer', async () => {
	const fn = failing();
	assert.equal(await retryWithBackoff(fn, quick), 'done');
	assert.equal(fn.calls, 1);
});

test('conflicts, unique violations, deadlocks, serialization and overload are tried again', async () => {
	const errors = [
		new VersionConflictError(),
		new UniqueConstraintError(),
		Object.assign(new Error('duplicate key'), { code: '23505' }),
		{ code: '40P01', message: 'deadlock detected', details: null, hint: null },
		{ code: '40001', message: 'could not serialize access', details: null, hint: null },
		{ code: '55P03', message: 'lock not available' },
		{ code: 'PGRST003', message: 'timed out' },
		new DatabaseError('overloaded', { status: 503 }),
		{ error: 'Version conflict', currentVersion: 2 },
	];
	for (const error of errors) {
		const fn = failing(error, error);
		assert.equal(await retryWithBackoff(fn, quick), 'done', JSON.stringify(error));
		assert.equal(fn.calls, 3);
	}
});

test('everything else fails at once', async () => {
	const errors = [
		new Error('what is this'),
		new TypeError('a mistake of mine'),
		Object.assign(new Error('check'), { code: '23514' }),
		{ code: '42501', message: 'permission denied' },
		{ code: '08006', message: 'connection lost: it may have been applied' },
		new DatabaseError('no answer in time', { status: 504, outcomeUnknown: true }),
		new UniqueConstraintError('address taken', { retryable: false }),
		new DOMException('stopped', 'AbortError'),
		'a text',
		undefined,
		null,
	];
	for (const error of errors) {
		let calls = 0;
		const fn = async () => {
			calls++;
			throw error;
		};
		const caught = await retryWithBackoff(fn, quick).then(assert.fail, (thrown) => ({ thrown }));
		assert.equal(caught.thrown, error);
		assert.equal(calls, 1, String(error));
	}
});

test('after the last try its error is thrown, with the number of tries', async () => {
	const fn = always(new VersionConflictError());
	await assert.rejects(retryWithBackoff(fn, { ...quick, maxAttempts: 4 }), { attempts: 4 });
	assert.equal(fn.calls, 4);
});

test('what supabase-js returns as an error is tried again, and given back when it stays', async () => {
	const good = { data: [{ slug: 'a' }], error: null, status: 200 };
	const bad = { data: null, error: { code: '40P01', message: 'deadlock' }, status: 500 };
	const results = [bad, bad, good];
	assert.equal(await retryDatabaseOperation(async () => results.shift(), 'create', quick), good);

	let calls = 0;
	const stays = async () => (calls++, bad);
	assert.equal(await retryDatabaseOperation(stays, 'create', quick), bad);
	assert.equal(calls, 3);

	const wrong = { data: null, error: { code: '22023', message: 'invalid' }, status: 400 };
	assert.equal(await retryDatabaseOperation(async () => wrong, 'create', quick), wrong);
});

test('of supabase-js, 503 is tried again whatever its code, and 504 never', async () => {
	for (const [status, tries] of [
		[503, 3],
		[429, 3],
		[504, 1],
		[502, 1],
	]) {
		let calls = 0;
		const result = { data: null, error: { code: '40001', message: 'gave up' }, status };
		assert.equal(await retryDatabaseOperation(async () => (calls++, result), 'x', quick), result);
		assert.equal(calls, tries, String(status));
	}
});

test('retryOptimisticLock repeats version conflicts and nothing else', async () => {
	const conflicts = failing(...new Array(5).fill(new VersionConflictError()));
	assert.equal(await retryOptimisticLock(conflicts, undefined, quick), 'done');
	assert.equal(conflicts.calls, 6);
	const limited = always(new VersionConflictError());
	await assert.rejects(retryOptimisticLock(limited, 2, quick), VersionConflictError);
	assert.equal(limited.calls, 2);
	const other = always({ code: '40P01' });
	await assert.rejects(retryOptimisticLock(other, 5, quick), { code: '40P01' });
	assert.equal(other.calls, 1);
});

test('each retry is logged: which one of how many, what went wrong, how long it pauses', async (t) => {
	const lines = [];
	t.mock.method(console, 'warn', (...line) => lines.push(line));
	const fn = failing({ code: '23505', message: 'unique constraint violation' });
	await retryDatabaseOperation(fn, 'create card', { random: () => 0.5, initialDelayMs: 8 });
	assert.equal(lines.length, 1);
	const [text, details] = lines[0];
	assert.equal(text, 'Retry attempt 2/3 after error:');
	assert.equal(details.operation, 'create card');
	assert.equal(details.code, '23505');
	assert.equal(details.message, 'unique constraint violation');
	assert.equal(details.delayMs, 4);
});

test('onRetry is told in place of the console', async (t) => {
	const warn = t.mock.method(console, 'warn', () => {});
	const told = [];
	const error = new VersionConflictError();
	await retryWithBackoff(failing(error), { ...quick, onRetry: (info) => told.push(info) });
	const info = { operation: 'operation', attempt: 2, maxAttempts: 3, delayMs: 0, error };
	assert.deepEqual(told, [info]);
	assert.equal(warn.mock.callCount(), 0);
});

// The pauses that a run of failures would take, without taking them: the stop comes first.
async function pauses({ random, ...options }, errors) {
	const delays = [];
	const clock = { now: Date.now, set: globalThis.setTimeout };
	let elapsed = 0;
	Date.now = () => elapsed;
	globalThis.setTimeout = (fn, ms) => {
		elapsed += ms;
		delays.push(ms);
		queueMicrotask(fn);
	};
	try {
		const fn = errors ? failing(...errors) : always({ code: '40001' });
		await retryWithBackoff(fn, { onRetry: null, random, ...options }).catch(() => {});
		return delays;
	} finally {
		Date.now = clock.now;
		globalThis.setTimeout = clock.set;
	}
}

test('pauses double from 100 ms up to a ceiling', async () => {
	const delays = await pauses({ random: () => 0.999999, maxAttempts: 8, maxDelayMs: 1000 });
	assert.deepEqual(delays, [99, 199, 399, 799, 999, 999, 999]);
});

test('pauses are drawn anew from zero to the ceiling, whatever the dice say', async () => {
	const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
	const shape = fc.record({
		dice: fc.array(unit, { minLength: 1, maxLength: 12 }),
		initialDelayMs: fc.integer({ min: 0, max: 500 }),
		maxDelayMs: fc.integer({ min: 0, max: 5000 }),
	});
	await fc.assert(
		fc.asyncProperty(shape, async ({ dice, ...limits }) => {
			let thrown = 0;
			const random = () => dice[thrown++];
			const maxAttempts = dice.length + 1;
			const delays = await pauses({ ...limits, random, maxAttempts, maxElapsedMs: Infinity });
			assert.equal(delays.length, dice.length);
			delays.forEach((ms, i) => {
				const ceiling = Math.min(limits.maxDelayMs, limits.initialDelayMs * 2 ** i);
				assert.equal(ms, Math.floor(dice[i] * ceiling));
			});
		}),
		{ numRuns: 300 },
	);
});

test('no try begins after the time limit, whatever is asked for', async () => {
	const shape = fc.record({
		maxElapsedMs: fc.integer({ min: 0, max: 3000 }),
		retryAfterMs: fc.integer({ min: 0, max: 2000 }),
		seed: fc.integer({ min: 1, max: 1000 }),
	});
	await fc.assert(
		fc.asyncProperty(shape, async ({ maxElapsedMs, retryAfterMs, seed }) => {
			let state = seed;
			const random = () => ((state = (state * 1103515245 + 12345) % 2 ** 31), state / 2 ** 31);
			const errors = new Array(200).fill(new DatabaseError('busy', { status: 503, retryAfterMs }));
			const delays = await pauses({ random, maxAttempts: 100, maxElapsedMs }, errors);
			const sum = delays.reduce((a, b) => a + b, 0);
			assert.ok(sum <= maxElapsedMs, `${sum} of ${maxElapsedMs}`);
			for (const ms of delays) assert.ok(ms >= retryAfterMs);
		}),
		{ numRuns: 200 },
	);
});

test('a signal ends a pause at once, and the process need not wait for it', async () => {
	const controller = new AbortController();
	const fn = always({ code: '40001' });
	const slow = { initialDelayMs: 60_000, maxDelayMs: 60_000, maxElapsedMs: Infinity };
	const running = retryWithBackoff(fn, {
		...slow,
		random: () => 0.9,
		signal: controller.signal,
		onRetry: () => queueMicrotask(() => controller.abort(new Error('enough'))),
	});
	await assert.rejects(running, { message: 'enough' });
	assert.equal(fn.calls, 1);
	assert.ok(!process.getActiveResourcesInfo().includes('Timeout'));
});

test('a signal ends the wait for a function that does not listen to it', async () => {
	const controller = new AbortController();
	const running = retryWithBackoff(() => new Promise(() => {}), { signal: controller.signal });
	controller.abort();
	await assert.rejects(running, { name: 'AbortError' });
});

test('a signal that has fired already lets nothing begin', async () => {
	const fn = failing();
	await assert.rejects(retryWithBackoff(fn, { signal: AbortSignal.abort() }), { name: 'AbortError' });
	assert.equal(fn.calls, 0);
});
