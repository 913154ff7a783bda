// @ts-check
/**
 * Cardkeep's client: the half of "no write is lost" that only the caller can do.
 *
 * The service applies a write once or refuses it. What is left to do here:
 *
 * - An answer can get lost on the way. So every write carries an `Idempotency-Key`, made before the
 *   first try and the same on every repeat of it, and is repeated until its outcome is known.
 * - A refusal because of a version means that somebody else wrote meanwhile. Repeating the same
 *   bytes would be refused for ever, and repeating them with the new version would overwrite what
 *   nobody has looked at. So a conflict is merged by the service, or the change is made anew by a
 *   function that is given what is there now, or it is handed to the caller with all that a person
 *   needs to choose.
 *
 * One ES module for browsers and Node 18 or later. No dependency, no build step. README.md beside it
 * has recipes; the sections here are: types, errors, retry, transport, entities, conflicts, client, and
 * the functions that work without a client object.
 *
 * @module cardkeep
 */

// ---- types ---------------------------------------------------------------------------------------

/**
 * @typedef {object} Card
 * @property {string} id
 * @property {string} user_id
 * @property {string} name
 * @property {string} slug
 * @property {string} template_type
 * @property {Record<string, any>} fields_config
 * @property {Record<string, any>} design_config
 * @property {boolean} is_public
 * @property {number} version
 * @property {string} created_at
 * @property {string} updated_at
 */

/**
 * What of a card can be changed. A field left out is kept.
 * @typedef {object} CardChanges
 * @property {string} [name]
 * @property {string} [template_type]
 * @property {Record<string, any> | null} [fields_config]
 * @property {Record<string, any> | null} [design_config]
 * @property {boolean} [is_public]
 */

/** @typedef {CardChanges & {name: string, base_slug?: string | null}} NewCard */

/**
 * @typedef {object} PersonalFields
 * @property {string | null} full_name
 * @property {string | null} primary_email
 * @property {string | null} secondary_email
 * @property {string | null} primary_phone
 * @property {string | null} secondary_phone
 * @property {string | null} website
 * @property {string | null} address
 */

/**
 * @typedef {object} ProfessionalFields
 * @property {string | null} job_title
 * @property {string | null} company_name
 * @property {string | null} department
 * @property {string | null} work_email
 * @property {string | null} work_phone
 * @property {string | null} work_address
 * @property {string | null} company_website
 * @property {string | null} linkedin_url
 */

/**
 * What is versioned. A profile that was never written has version 0.
 * @typedef {{version: number, isNew?: boolean, merged?: boolean, mergedWith?: number[],
 *   created_at?: string | null, updated_at?: string | null}} Versioned
 */
/** @typedef {PersonalFields & Versioned} PersonalProfile */
/** @typedef {ProfessionalFields & Versioned} ProfessionalProfile */

/** @typedef {{id: string, email: string, created_at?: string}} User */

/**
 * @typedef {object} Session
 * @property {string} id
 * @property {string | null} device_name
 * @property {string | null} [user_agent]
 * @property {string} created_at
 * @property {string} [last_seen_at]
 * @property {string} expires_at
 * @property {boolean} [current]
 */

/**
 * `ended_sessions` are those that gave way because a person may have only so many.
 * @typedef {{user: User, session: Session, token?: string, ended_sessions?: Session[]}} SignedIn
 */
/** @typedef {{email: string, password: string, deviceName?: string}} Credentials */

/**
 * @typedef {object} HistoryEntry
 * @property {number} version
 * @property {string[]} changed the fields that `before` and `after` hold
 * @property {Record<string, any>} before
 * @property {Record<string, any>} after
 * @property {string | null} session_id null: written by SQL
 * @property {string} at
 */

/**
 * A field of the request that others changed since the version it named. `base` is missing where
 * history does not reach that far. Of a document with many keys in conflict only the first are told; the
 * last entry then has nothing but its name and `more`, how many there are besides.
 * @typedef {{field: string, base?: any, mine?: any, theirs?: any, more?: number}} ConflictingField
 */

/**
 * What is known when something is about to be tried again. `attempt` is the number of the try that
 * comes next.
 * @typedef {object} RetryInfo
 * @property {string} operation
 * @property {number} attempt
 * @property {number} maxAttempts
 * @property {number} delayMs
 * @property {any} error
 */

/**
 * @typedef {object} RetryOptions
 * @property {number} [maxAttempts] tries altogether
 * @property {number} [initialDelayMs] ceiling of the first pause; it doubles with each
 * @property {number} [maxDelayMs] where the ceiling stops growing
 * @property {number} [maxElapsedMs] no try begins later than this after the first
 * @property {(error: any) => boolean} [shouldRetry] in place of `isRetryable`
 * @property {((info: RetryInfo) => void) | null} [onRetry] told of each retry; null: nobody is
 * @property {AbortSignal} [signal] ends it at once, a pause too
 * @property {string} [operationName] what logs call it
 * @property {() => number} [random] 0 <= n < 1
 */

/**
 * How often, and told to whom, one call is repeated.
 * @typedef {Pick<RetryOptions, 'maxAttempts' | 'initialDelayMs' | 'maxDelayMs' | 'maxElapsedMs' |
 *   'onRetry' | 'random'>} CallRetry */

/** @typedef {{signal?: AbortSignal, retry?: CallRetry | false}} CallOptions */

/**
 * @typedef {object} UpdateOptions
 * @property {AbortSignal} [signal]
 * @property {CallRetry | false} [retry] of each request
 * @property {number | 'seen'} [version] the version that the changes were made from; 'seen': what this
 *   client saw last, whoever asked for it
 * @property {boolean} [merge] let the service apply it when nobody changed the same fields
 * @property {number} [maxAttempts] of a function: how many conflicts to work through
 */

/** @typedef {CallOptions & {limit?: number, after?: string}} PageOptions */

/**
 * @typedef {object} ClientOptions
 * @property {string} [baseUrl] where the service is; in a browser the page's own origin unless given
 * @property {string} [token] of an earlier sign-in
 * @property {boolean} [cookie] sign in by cookie, which only a browser keeps; no token is seen then
 * @property {typeof globalThis.fetch} [fetch]
 * @property {AbortSignal} [signal] ends all that this client does
 * @property {CallRetry | false} [retry]
 * @property {number} [attemptTimeoutMs] how long one try waits for its answer; 0: for ever
 */

// ---- errors --------------------------------------------------------------------------------------

/**
 * @typedef {object} ErrorDetails
 * @property {number} [status] of HTTP
 * @property {string} [type] which problem: the last part of its `urn:cardkeep:problem:` name
 * @property {string} [code] the database's SQLSTATE, where one is known
 * @property {any} [problem] the whole problem document
 * @property {{field: string, message: string}[]} [errors] of a 422: what is wrong with which field
 * @property {string} [requestId] what the service's logs call it
 * @property {number} [retryAfterMs] how long the service asked to wait
 * @property {boolean} [outcomeUnknown]
 * @property {boolean} [retryable]
 * @property {any} [current]
 * @property {number} [currentVersion]
 * @property {ConflictingField[]} [conflictingFields]
 * @property {string} [reason]
 * @property {unknown} [cause]
 */

/** Everything that the service refuses, and the base of the classes below. */
export class CardkeepError extends Error {
	/** @param {string} message @param {ErrorDetails} [details] */
	constructor(message, details = {}) {
		super(message, 'cause' in details ? { cause: details.cause } : undefined);
		this.name = 'CardkeepError';
		this.status = details.status;
		this.type = details.type;
		this.code = details.code;
		this.problem = details.problem;
		this.errors = details.errors ?? [];
		this.requestId = details.requestId;
		this.retryAfterMs = details.retryAfterMs;
		/** The write may have been applied: look before it is made again. */
		this.outcomeUnknown = details.outcomeUnknown ?? false;
		/** Whether the same again may help; undefined: its kind decides (see isRetryable). */
		this.retryable = details.retryable;
		/** How many tries it took to get here. */
		this.attempts = 1;
	}
}

/**
 * Somebody else wrote since the version that the write named. Nothing was applied.
 * @template [T=any]
 */
export class VersionConflictError extends CardkeepError {
	/** @param {string} [message] @param {ErrorDetails} [details] */
	constructor(message = 'Version conflict', details = {}) {
		super(message, details);
		this.name = 'VersionConflictError';
		this.currentVersion = details.currentVersion;
		/** What is there now, whole. @type {T} */
		this.current = details.current;
		this.conflictingFields = details.conflictingFields ?? [];
		/** 'base-unavailable': history does not reach back far enough to say, merge or revert. */
		this.reason = details.reason;
		/** What the refused write wanted, so that nothing typed is lost. @type {any} */
		this.changes = undefined;
	}
}

/** Something that may be there once is there already: an e-mail address, or a key of a table. */
export class UniqueConstraintError extends CardkeepError {
	/** @param {string} [message] @param {ErrorDetails} [details] */
	constructor(message = 'Already there', details = {}) {
		super(message, { code: '23505', ...details });
		this.name = 'UniqueConstraintError';
	}
}

/** The service could not do its work (5xx). `outcomeUnknown` says whether something may be applied. */
export class DatabaseError extends CardkeepError {
	/** @param {string} [message] @param {ErrorDetails} [details] */
	constructor(message = 'The service failed', details = {}) {
		super(message, details);
		this.name = 'DatabaseError';
	}
}

/** No answer came. `outcomeUnknown` says whether the request may have arrived. */
export class NetworkError extends CardkeepError {
	/** @param {string} [message] @param {ErrorDetails} [details] */
	constructor(message = 'No answer', details = {}) {
		super(message, details);
		this.name = 'NetworkError';
	}
}

/**
 * The browser's cookie is somebody else's by now: another tab signed in. Nothing was sent to them.
 * Make another client, and show what it reads.
 */
export class AnotherUserError extends CardkeepError {
	/** @param {string} [message] @param {ErrorDetails} [details] */
	constructor(message = 'Somebody else is signed in now', details = {}) {
		super(message, { retryable: false, ...details });
		this.name = 'AnotherUserError';
	}
}

// ---- retry ---------------------------------------------------------------------------------------

// Rolled back, or never begun: the same again may pass. What broke a connection halfway (08006,
// 57P01 ...) is not here, because whoever repeats that without a key may do it twice.
const RETRYABLE_CODES = new Set([
	'23505', // unique violation: the next try draws another slug
	'40001', // serialization failure
	'40P01', // deadlock
	'55P03', // lock not available
	'53300', // too many connections
	'57P03', // starting up
	'08001', // could not connect
	'08004', // connection refused
	'PGRST000', // PostgREST could not connect
	'PGRST002', // ... not load its schema cache
	'PGRST003', // ... got no connection in time
]);

// There was no connection, so nothing was sent. Only Node says so; a browser tells no more than that
// a request failed, and whether it is online says nothing of the moment when it was sent.
const NOT_SENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

/** @type {Required<Omit<RetryOptions, 'signal' | 'shouldRetry' | 'operationName'>>} */
const RETRY_DEFAULTS = {
	maxAttempts: 3,
	initialDelayMs: 100,
	maxDelayMs: 2_000,
	maxElapsedMs: 30_000,
	onRetry: logRetry,
	random: Math.random,
};

// Each conflict is the success of somebody else, so of 16 who write once at the same time nobody needs
// more tries than this. What is waited for is each other, so pauses stay short.
const CONFLICT_ATTEMPTS = 16;
const CONFLICT_PAUSE_MS = 1_000;

// One request: a service that restarts is back within seconds.
const REQUEST_ATTEMPTS = 5;

/** The default of `onRetry`: one warning a retry. @param {RetryInfo} info */
export function logRetry({ operation, attempt, maxAttempts, delayMs, error }) {
	const { code, status, requestId, message } = Object(error);
	const details = { operation, code, status, message: message ?? String(error), delayMs, requestId };
	console.warn(`Retry attempt ${attempt}/${maxAttempts} after error:`, details);
}

/** Whether an error says "somebody else wrote meanwhile". @param {any} error */
export function isVersionConflict(error) {
	const { name, error: short, message } = Object(error);
	return (
		name === 'VersionConflictError' ||
		short === 'Version conflict' ||
		/^version conflict\b/i.test(message ?? '')
	);
}

/**
 * Whether the same again may help, and can do no harm: a version conflict (for a function that reads
 * anew), a unique violation, a deadlock, a serialization failure, an overloaded service. Knows this
 * module's errors, PostgreSQL's codes, and PostgREST's as supabase-js passes them on.
 * @param {any} error
 * @returns {boolean}
 */
export function isRetryable(error) {
	if (error === null || typeof error !== 'object' || error.outcomeUnknown) return false;
	if (typeof error.retryable === 'boolean') return error.retryable;
	return (
		isVersionConflict(error) ||
		error.name === 'UniqueConstraintError' ||
		RETRYABLE_CODES.has(error.code) ||
		error.status === 503 ||
		error.status === 429
	);
}

/**
 * Calls `fn` until it succeeds, its error is none that a retry mends, or a limit is reached; then
 * throws the last error. Pauses are drawn below 100, 200, 400 ms ... (full jitter), and are never
 * shorter than the service asked for.
 *
 * A result of the shape `{data, error}`, as supabase-js gives, counts as its error and is returned as
 * it is when no try is left.
 * @template T
 * @param {() => T | PromiseLike<T>} fn
 * @param {RetryOptions} [options]
 * @returns {Promise<T>}
 */
export async function retryWithBackoff(fn, options = {}) {
	/** @type {{value: T} | undefined} */
	let answered;
	const attempt = async () => {
		answered = undefined;
		const value = await fn();
		const error = errorIn(value);
		if (error === undefined) return value;
		answered = { value };
		throw error;
	};
	try {
		return await persist(attempt, options);
	} catch (error) {
		if (answered !== undefined && !options.signal?.aborted) return answered.value;
		throw error;
	}
}

/**
 * `retryWithBackoff` for one call of the database, under a name for the logs.
 * @template T
 * @param {() => T | PromiseLike<T>} fn
 * @param {string} [operationName]
 * @param {RetryOptions} [options]
 * @returns {Promise<T>}
 */
export function retryDatabaseOperation(fn, operationName = 'database operation', options = {}) {
	return retryWithBackoff(fn, { operationName, ...options });
}

/**
 * Calls `fn` again while it meets version conflicts, and for nothing else. `fn` must read what is
 * there now each time: that is what makes the next try another one.
 * @template T
 * @param {() => T | PromiseLike<T>} fn
 * @param {number} [maxAttempts] tries altogether
 * @param {RetryOptions} [options]
 * @returns {Promise<T>}
 */
export function retryOptimisticLock(fn, maxAttempts = CONFLICT_ATTEMPTS, options = {}) {
	return retryWithBackoff(fn, {
		operationName: 'optimistic update',
		maxDelayMs: CONFLICT_PAUSE_MS,
		shouldRetry: isVersionConflict,
		...options,
		maxAttempts,
	});
}

// What supabase-js returns in place of throwing. Where the service itself gave up, the status says
// what is known, and no code says more.
/** @param {any} value */
function errorIn(value) {
	const { data, error, status } = Object(value);
	if (data === undefined || error === null || typeof error !== 'object') return undefined;
	const outcomeUnknown = leavesUnknown(status);
	if (!outcomeUnknown && status !== 503 && status !== 429) return error;
	return new DatabaseError(error.message, { code: error.code, status, outcomeUnknown, cause: error });
}

/**
 * The loop under all of it.
 * @template T
 * @param {(attempt: number) => Promise<T>} attempt
 * @param {RetryOptions} options
 * @returns {Promise<T>}
 */
async function persist(attempt, options) {
	const rules = { ...RETRY_DEFAULTS, shouldRetry: isRetryable, ...withoutUndefined(options) };
	const { signal, onRetry, maxAttempts } = rules;
	const began = Date.now();
	for (let number = 1; ; number++) {
		try {
			return await unlessAborted(() => attempt(number), signal);
		} catch (error) {
			if (signal?.aborted) throw signal.reason;
			const delayMs = pauseBefore(number + 1, error, Date.now() - began, rules);
			if (error instanceof CardkeepError) error.attempts = number;
			if (delayMs === undefined) throw error;
			const operation = rules.operationName ?? 'operation';
			onRetry?.({ operation, attempt: number + 1, maxAttempts, delayMs, error });
			await pause(delayMs, signal);
		}
	}
}

/**
 * The policy: how long to pause before try number `attempt`, or undefined to give up.
 * @param {number} attempt
 * @param {any} error
 * @param {number} elapsedMs
 * @param {typeof RETRY_DEFAULTS & {shouldRetry: (error: any) => boolean}} rules
 */
function pauseBefore(attempt, error, elapsedMs, rules) {
	if (attempt > rules.maxAttempts || !rules.shouldRetry(error)) return undefined;
	const ceiling = Math.min(rules.maxDelayMs, rules.initialDelayMs * 2 ** (attempt - 2));
	// What the service asked for, and then spread: all who were sent away would come back together.
	const delayMs = (Object(error).retryAfterMs ?? 0) + Math.floor(rules.random() * ceiling);
	return elapsedMs + delayMs > rules.maxElapsedMs ? undefined : delayMs;
}

/** @template {object} T @param {T} options @returns {T} */
function withoutUndefined(options) {
	const entries = Object.entries(options).filter(([, value]) => value !== undefined);
	return /** @type {T} */ (Object.fromEntries(entries));
}

/** @param {number} ms @param {AbortSignal} [signal] */
function pause(ms, signal) {
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	let timer;
	const over = () => new Promise((resolve) => (timer = setTimeout(resolve, ms)));
	return unlessAborted(over, signal).finally(() => clearTimeout(timer));
}

/**
 * Does `work`, and stops waiting for it the moment the signal says so.
 * @template T
 * @param {() => Promise<T>} work
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
async function unlessAborted(work, signal) {
	if (signal === undefined) return work();
	signal.throwIfAborted();
	let release = () => {};
	/** @type {Promise<never>} */
	const aborted = new Promise((_, reject) => {
		release = onAbort(signal, () => reject(signal.reason));
	});
	try {
		return await Promise.race([work(), aborted]);
	} finally {
		release();
	}
}

/** @type {WeakMap<AbortSignal, Set<() => void>>} */
const waiting = new WeakMap();

/**
 * Calls `stop` when the signal fires, unless what this returns is called before. However many wait,
 * the signal has one listener of ours: Node takes more than ten for a leak.
 * @param {AbortSignal} signal
 * @param {() => void} stop
 */
function onAbort(signal, stop) {
	const known = waiting.get(signal);
	const all = known ?? new Set();
	if (known === undefined) {
		waiting.set(signal, all);
		signal.addEventListener('abort', () => all.forEach((each) => each()), { once: true });
	}
	all.add(stop);
	return () => void all.delete(stop);
}

// ---- transport -----------------------------------------------------------------------------------

/**
 * One intended request, however often it is sent.
 * @typedef {object} Call
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string | number | undefined>} [query]
 * @property {any} [body]
 * @property {any} [base] what the body was made from, as it was read: numbers keep their digits by it
 * @property {Record<string, string>} [headers]
 * @property {boolean} [keyless] a write that the service takes no key for
 * @property {boolean} [shared] the path does not say whose it is: it leads each user to their own
 * @property {(error: CardkeepError) => any} [settle] asked about a refusal that follows a try whose
 *   outcome is unknown: the answer, if the refusal shows that it was applied
 */

/** @typedef {{status: number, json: any, etag: string | null}} Answer */

/**
 * Whom a client works for: another object for each sign-in; the id as soon as it is known.
 * @typedef {{id?: string}} Who
 */

/** @type {Call} */
const WHO = { method: 'GET', path: '/api/users/me' };

/**
 * Sends requests and repeats them; knows nothing of cards.
 *
 * A token is one user's. A cookie is shared by all tabs of a browser, and another tab may sign in as
 * somebody else at any time, while this one still shows, and is about to write, what it read. So by
 * cookie each try on a shared path is preceded by the question who is signed in. What remains is a
 * sign-in that happens between that answer and the request behind it.
 */
class Transport {
	/** @param {ClientOptions} options */
	constructor(options) {
		if (options.baseUrl === undefined && globalThis.location === undefined)
			throw new TypeError('baseUrl is needed where there is no page to take it from');
		this.options = options;
		this.base = (options.baseUrl ?? '').replace(/\/+$/, '');
		this.token = options.token;
		/** @type {Who} */
		this.who = {};
	}

	/** Whether the session is by a cookie, which is what the browser has at the moment of sending. */
	get byCookie() {
		return Boolean(this.options.cookie) && this.token === undefined;
	}

	/**
	 * @param {Call} call
	 * @param {CallOptions} [options]
	 * @returns {Promise<Answer>}
	 */
	async send(call, options = {}) {
		const { who } = this;
		const request = this.#request(call);
		const question = call.shared && this.byCookie ? this.#request(WHO) : undefined;
		if (call.method !== 'GET' && !call.keyless)
			request.headers['Idempotency-Key'] = `"${await newKey()}"`;
		const joined = joinSignals(this.options.signal, options.signal);
		let unknown = false;
		/** @param {number} number */
		const attempt = async (number) => {
			if (number > 1) request.headers['X-Retry-Count'] = String(number - 1);
			try {
				if (question) meet(who, (await this.#once(question, joined.signal)).json.user);
				return await this.#once(request, joined.signal);
			} catch (error) {
				if (!(error instanceof CardkeepError)) throw error;
				const settled = unknown ? call.settle?.(error) : undefined;
				if (settled !== undefined) return { status: 200, json: settled, etag: null };
				unknown ||= error.outcomeUnknown;
				// A later "nothing was applied" speaks of its own try, not of the earlier one.
				if (unknown && saysNothingOfOthers(error)) error.outcomeUnknown = true;
				throw error;
			}
		};
		try {
			return await persist(attempt, this.rules(call, options, joined.signal));
		} finally {
			joined.release();
		}
	}

	/**
	 * How one request is repeated.
	 * @param {Call} call
	 * @param {CallOptions} options
	 * @param {AbortSignal} signal
	 * @returns {RetryOptions}
	 */
	rules(call, options, signal) {
		const safe = call.method === 'GET' || !call.keyless;
		return {
			maxAttempts: REQUEST_ATTEMPTS,
			...this.retry(options),
			operationName: `${call.method} ${call.path}`,
			shouldRetry: (error) => mayRepeat(error, safe),
			signal,
		};
	}

	/** The caller's wishes over the client's. @param {CallOptions} options @returns {CallRetry} */
	retry(options) {
		const own = options.retry ?? this.options.retry;
		if (own === false) return { maxAttempts: 1 };
		return { ...(this.options.retry || {}), ...withoutUndefined(own ?? {}) };
	}

	/**
	 * What every try sends. Made once: neither another token nor a body that its owner goes on editing
	 * may turn a repeat into another request.
	 * @param {Call} call
	 */
	#request({ method, path, query, body, base, headers }) {
		/** @type {Record<string, string>} */
		const all = { Accept: 'application/json', ...headers };
		if (body !== undefined) all['Content-Type'] = 'application/json';
		if (this.token !== undefined) all.Authorization = `Bearer ${this.token}`;
		/** @type {RequestCredentials} */
		const credentials = this.options.cookie ? 'same-origin' : 'omit';
		const url = this.base + path + queryText(query);
		// A browser's own cache asks by the ETag of whatever it has under the address, though another
		// user got it, and takes 304 for leave to show that.
		/** @type {RequestCache} */
		const cache = 'no-store';
		return { url, method, headers: all, body: body && stringify(body, base), credentials, cache };
	}

	/**
	 * One try.
	 * @param {RequestInit & {url: string}} request
	 * @param {AbortSignal} signal
	 */
	async #once({ url, ...init }, signal) {
		const limit = timeLimit(signal, this.options.attemptTimeoutMs ?? 15_000);
		const fetch = this.options.fetch ?? globalThis.fetch;
		const write = init.method !== 'GET';
		try {
			const all = { ...init, headers: { ...init.headers }, signal: limit.signal };
			const response = await unlessAborted(() => fetch(url, all), limit.signal);
			return await readAnswer(response, write);
		} catch (error) {
			if (signal.aborted) throw signal.reason;
			if (error instanceof CardkeepError) throw error;
			throw noAnswer(error, write);
		} finally {
			limit.release();
		}
	}
}

/**
 * Notes who is signed in, or throws where that is not who it was.
 * @param {Who} who
 * @param {User} user
 */
function meet(who, user) {
	who.id ??= user.id;
	if (who.id !== user.id) throw new AnotherUserError();
}

// An earlier try of the same write is still at work.
const IN_PROGRESS = 'idempotency-in-progress';

/**
 * Nothing applied (429, 503), or still at it: again. Unknown: again, if that can do no harm, which
 * takes a key.
 * @param {any} error
 * @param {boolean} safe
 */
function mayRepeat(error, safe) {
	if (!(error instanceof CardkeepError)) return false;
	if (error.type === IN_PROGRESS) return true;
	if (error.status === 429 || error.status === 503) return true;
	if (leavesUnknown(error.status)) return safe;
	return error instanceof NetworkError && (safe || !error.outcomeUnknown);
}

// 504 is the service's word for it; others, 502 among them, come from what stands in between.
/** @param {number} [status] */
function leavesUnknown(status = 0) {
	return status >= 502 && status !== 503;
}

/** @param {CardkeepError} error */
function saysNothingOfOthers({ status }) {
	return status === undefined || status === 401 || status === 429 || status >= 500;
}

/**
 * @param {Response} response
 * @param {boolean} write
 * @returns {Promise<Answer>}
 */
async function readAnswer(response, write) {
	const { status, headers } = response;
	const text = await response.text();
	const json = parse(text);
	if (!response.ok && status !== 304) throw refusal(status, headers, json, write);
	if (json === undefined && text !== '')
		throw new NetworkError('The answer is no JSON: something else than the service gave it', {
			status,
			outcomeUnknown: write,
		});
	return { status, json, etag: headers.get('etag') };
}

// Numbers. JavaScript's hold 17 digits and no spelling: 369553424691494913 is read as ...900, and 10.00
// as 10. The service keeps every digit, so what nobody has touched is to go back as it came: the text of
// such a number is kept beside what it was read into, and is sent where the same number still stands in
// the same place.

// Stands for one of them while JSON.parse and JSON.stringify, which know nothing of it, are at work.
const NUMBER = '\ue000cardkeep number ';

// A string, which is passed over, or a number.
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * What is not to be lost of the numbers in an object, by their names; of an array all of them, by their
 * places, and how long it was.
 * @type {WeakMap<object, Map<string, string>>}
 */
const digits = new WeakMap();

/** @param {string} token */
function marked(token) {
	return token.startsWith('"') || String(Number(token)) === token ? token : `"${NUMBER}${token}"`;
}

/** @this {any} @param {string} name @param {any} value */
function readNumber(name, value) {
	const isMarked = typeof value === 'string' && value.startsWith(NUMBER);
	if (!isMarked && !(typeof value === 'number' && Array.isArray(this))) return value;
	const text = isMarked ? value.slice(NUMBER.length) : String(value);
	const known = digits.get(this) ?? new Map(Array.isArray(this) ? [['length', String(this.length)]] : []);
	digits.set(this, known.set(name, text));
	return Number(text);
}

/**
 * The texts of the numbers in `value` that were read in `origin`, by name. Of an array that has grown or shrunk a
 * place says nothing: a number is known by itself there, unless another one reads the same.
 * @param {any} origin
 * @param {any} value
 * @returns {(name: string) => string | undefined}
 */
function spellings(origin, value) {
	const known = digits.get(origin);
	if (known === undefined || Array.isArray(origin) !== Array.isArray(value)) return () => undefined;
	if (!Array.isArray(origin) || known.get('length') === String(value.length)) return (name) => known.get(name);
	/** @type {Map<number, string | undefined>} */
	const texts = new Map();
	for (const [place, text] of known) {
		const number = Number(text);
		if (place !== 'length') texts.set(number, texts.has(number) && texts.get(number) !== text ? undefined : text);
	}
	return (name) => texts.get(value[name]);
}

/** @param {string} text */
function parse(text) {
	try {
		if (text.includes(NUMBER) || /\\ue000/i.test(text)) return JSON.parse(text);
		return JSON.parse(text.replace(TOKEN, marked), readNumber);
	} catch {
		return undefined;
	}
}

/**
 * A copy in which numbers stand as they were written where they were read: in `value` itself, or in the
 * same place of `base`, where `value` is a copy.
 * @param {any} value
 * @param {any} base
 * @returns {any}
 */
function asWritten(value, base) {
	if (!isPlain(value)) return value;
	const origins = [value, base].filter(isPlain).map((origin) => spellings(origin, value));
	/** @param {string} name */
	const member = (name) => {
		const texts = origins.map((spelling) => spelling(name));
		const text = texts.find((each) => each !== undefined && Number(each) === value[name]);
		if (text !== undefined) return NUMBER + text;
		return asWritten(value[name], isPlain(base) && Object.hasOwn(base, name) ? base[name] : undefined);
	};
	if (Array.isArray(value)) return value.map((_, place) => member(String(place)));
	return Object.fromEntries(Object.keys(value).map((name) => [name, member(name)]));
}

/** What JSON writes member by member. @param {any} value */
function isPlain(value) {
	if (value === null || typeof value !== 'object' || typeof value.toJSON === 'function') return false;
	const { isRawJSON } = /** @type {any} */ (JSON);
	return !isRawJSON?.(value) && ![String, Number, Boolean].some((kind) => value instanceof kind);
}

/** @param {any} value @param {any} [base] */
function stringify(value, base) {
	const text = JSON.stringify(value);
	if (text.includes(NUMBER)) return text;
	return JSON.stringify(asWritten(value, base)).replace(new RegExp(`"${NUMBER}([^"]*)"`, 'g'), '$1');
}

const PROBLEM_MEMBERS = ['errors', 'code', 'current', 'currentVersion', 'conflictingFields', 'reason'];

/**
 * The error for an answer above 299.
 * @param {number} status
 * @param {Headers} headers
 * @param {any} json
 * @param {boolean} write
 */
function refusal(status, headers, json, write) {
	const problem = json !== null && typeof json === 'object' ? json : {};
	const type = String(problem.type ?? '').replace(/^urn:cardkeep:problem:/, '') || undefined;
	const details = {
		...pick(problem, PROBLEM_MEMBERS),
		status,
		type,
		problem: json,
		requestId: headers.get('x-request-id') ?? undefined,
		retryAfterMs: readRetryAfter(headers),
		outcomeUnknown: write && (leavesUnknown(status) || type === IN_PROGRESS),
	};
	const message = problem.detail ?? problem.message ?? `The service answered ${status}`;
	if (type === 'version-conflict' || type === 'precondition-failed')
		return new VersionConflictError(message, details);
	if (type === 'address-taken')
		return new UniqueConstraintError(message, { ...details, retryable: false });
	return status >= 500 ? new DatabaseError(message, details) : new CardkeepError(message, details);
}

/** @param {any} source @param {string[]} names @returns {ErrorDetails} */
function pick(source, names) {
	return Object.fromEntries(names.filter((n) => source[n] !== undefined).map((n) => [n, source[n]]));
}

// Seconds, or a date, which counts by the service's own clock where that can be read.
/** @param {Headers} headers */
function readRetryAfter(headers) {
	const value = headers.get('retry-after')?.trim();
	if (!value) return undefined;
	if (/^\d+$/.test(value)) return Number(value) * 1000;
	const now = Date.parse(headers.get('date') ?? '');
	const ms = Date.parse(value) - (Number.isNaN(now) ? Date.now() : now);
	return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/**
 * The error for a request without an answer.
 * @param {any} cause
 * @param {boolean} write
 */
function noAnswer(cause, write) {
	const sent = !NOT_SENT_CODES.has(cause?.cause?.code ?? cause?.code);
	const message = `No answer from the service: ${cause?.message ?? cause}`;
	return new NetworkError(message, { cause, outcomeUnknown: write && sent });
}

/** @param {Record<string, string | number | undefined>} [query] */
function queryText(query = {}) {
	const pairs = Object.entries(withoutUndefined(query)).map(([k, v]) => [k, String(v)]);
	return pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '';
}

/**
 * One signal for several; `release` lets go of them.
 * @param {...(AbortSignal | undefined)} signals
 */
function joinSignals(...signals) {
	const controller = new AbortController();
	const present = signals.filter((signal) => signal !== undefined);
	const stop = () => controller.abort(present.find((signal) => signal.aborted)?.reason);
	const releases = present.map((signal) => onAbort(signal, stop));
	if (present.some((signal) => signal.aborted)) stop();
	return { signal: controller.signal, release: () => releases.forEach((release) => release()) };
}

/** The same, and it also fires after `ms`. @param {AbortSignal} signal @param {number} ms */
function timeLimit(signal, ms) {
	const late = new AbortController();
	const joined = joinSignals(signal, late.signal);
	const expire = () => late.abort(new DOMException(`no answer in ${ms} ms`, 'TimeoutError'));
	const timer = ms > 0 ? setTimeout(expire, ms) : undefined;
	const release = () => {
		clearTimeout(timer);
		joined.release();
	};
	return { signal: joined.signal, release };
}

// randomUUID is there in secure contexts only, and Node 18 keeps all of it in a module of its own.
async function newKey() {
	const builtin = 'node:crypto';
	const crypto = globalThis.crypto ?? (await import(builtin)).webcrypto;
	if (crypto.randomUUID !== undefined) return crypto.randomUUID();
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (/** @type {number} */ b) => b.toString(16).padStart(2, '0')).join('');
}

// ---- entities ------------------------------------------------------------------------------------

// Kept for this many entities: a page that lists thousands of cards must not keep them all.
const SEEN_MAX = 500;

/** What this client last saw of each entity, as text, so that nobody changes it by the way. */
class Seen {
	/** @type {Map<string, {version: number, etag: string, text: string}>} */
	#entities = new Map();

	/**
	 * Versions only grow: an answer that was overtaken is not news.
	 * @param {string} path
	 * @param {any} answer an entity, with or without what is said of one write only
	 * @param {string | null} [etag]
	 */
	note(path, answer, etag) {
		const { isNew, merged, mergedWith, ...entity } = Object(answer);
		const { version } = entity;
		if (typeof version !== 'number' || (this.of(path)?.version ?? -1) > version) return;
		this.#entities.delete(path);
		this.#entities.set(path, { version, etag: etag ?? `"${version}"`, text: stringify(entity, answer) });
		if (this.#entities.size > SEEN_MAX)
			this.#entities.delete(/** @type {string} */ (this.#entities.keys().next().value));
	}

	/** @param {string} path */
	of(path) {
		return this.#entities.get(path);
	}

	/** @param {string} path */
	forget(path) {
		this.#entities.delete(path);
	}
}

/** What cards and profiles have in common: read, change, history, revert; by the path of each. */
class Entities {
	/** Another one for another user: what arrives late goes where it belongs. */
	seen = new Seen();

	/** @param {Transport} transport */
	constructor(transport) {
		this.transport = transport;
	}

	/**
	 * @param {string} path
	 * @param {CallOptions} options
	 * @returns {Promise<any>}
	 */
	async read(path, options) {
		const { seen } = this;
		const shared = isShared(path);
		// The ETag is the version alone, and two users' profiles have the same ones.
		const known = shared && this.transport.byCookie ? undefined : seen.of(path);
		/** @type {Record<string, string>} */
		const headers = known === undefined ? {} : { 'If-None-Match': known.etag };
		const answer = await this.transport.send({ method: 'GET', path, headers, shared }, options);
		if (answer.status === 304 && known !== undefined) return parse(known.text);
		seen.note(path, answer.json, answer.etag);
		return answer.json;
	}

	/**
	 * Sends a write that names a version, and notes what came of it.
	 * @param {string} path of the entity
	 * @param {Call} call
	 * @param {any} changes
	 * @param {CallOptions} options
	 * @returns {Promise<any>}
	 */
	async write(path, call, changes, options) {
		const { seen } = this;
		try {
			const answer = await this.transport.send(call, options);
			seen.note(path, answer.json, answer.etag);
			return answer.json;
		} catch (error) {
			if (error instanceof VersionConflictError) {
				seen.note(path, error.current);
				error.changes = changes;
			}
			throw error;
		}
	}

	/**
	 * @param {string} path
	 * @param {number | 'seen' | undefined} version
	 * @param {any} changes
	 * @param {UpdateOptions} options
	 * @param {{derived?: boolean, shown?: any}} [origin] derived: the changes were made from what was read;
	 *   shown: the entity that they were made from, where it was given
	 */
	patch(path, version, changes, options, { derived = false, shown } = {}) {
		const body = { ...changes, version: this.version(path, version ?? changes.version) };
		const known = this.seen.of(path);
		const seen = known !== undefined && known.version === body.version ? parse(known.text) : undefined;
		const base = seen ?? (shown?.version === body.version ? shown : undefined);
		if (options.merge) body.merge = true;
		// The key tells a repeat from a conflict. Where it was lost (a service that keeps none), fields
		// that already have the wanted values are as good as written; a change that was made from what
		// was read, a count say, is not, because somebody else's may look the same.
		const settle = (/** @type {any} */ error) =>
			isVersionConflict(error) && holds(error.current, changes) ? error.current : undefined;
		/** @type {Call} */
		const call = { method: 'PATCH', path, body, base, shared: isShared(path) };
		if (!derived) call.settle = settle;
		return this.write(path, call, changes, options);
	}

	/**
	 * Makes a change anew from what is there now until it meets no conflict.
	 * @param {string} path
	 * @param {(entity: any) => any} change
	 * @param {UpdateOptions} options
	 * @param {boolean} [derived] the changes depend on the entity
	 */
	async reapply(path, change, options, derived = true) {
		const signals = joinSignals(this.transport.options.signal, options.signal);
		const { who } = this.transport;
		const attempt = async () => {
			const entity = await this.read(path, options);
			const { version } = entity;
			const changes = await change(entity);
			if (this.transport.who !== who) throw new AnotherUserError();
			if (changes === undefined) throw new TypeError('return the changes, or null for none');
			if (changes === null || Object.keys(changes).length === 0) return entity;
			return this.patch(path, version, changes, options, { derived, shown: entity });
		};
		try {
			return await persist(attempt, {
				maxDelayMs: CONFLICT_PAUSE_MS,
				...this.transport.retry(options),
				maxAttempts: options.maxAttempts ?? CONFLICT_ATTEMPTS,
				operationName: `update of ${path}`,
				shouldRetry: isVersionConflict,
				signal: signals.signal,
			});
		} finally {
			signals.release();
		}
	}

	/**
	 * The version that a write names. A write from nowhere would overwrite what nobody has seen; and what
	 * this client saw last may have been shown to another part of the page than the one that writes, or
	 * to nobody, so it is taken only where that is asked for. A version of a profile says nothing until
	 * it is known whose.
	 * @param {string} path
	 * @param {number | 'seen'} [version]
	 */
	version(path, version) {
		const { byCookie, who } = this.transport;
		if (isShared(path) && byCookie && who.id === undefined)
			throw new TypeError('read it first, or ask for user(): a cookie does not say whose it is');
		const known = version === 'seen' ? this.seen.of(path)?.version : version;
		if (known === undefined)
			throw new TypeError('give what was read, or say which version the changes were made from');
		return known;
	}

	/**
	 * @param {string} path
	 * @param {PageOptions} options
	 * @returns {Promise<{history: HistoryEntry[], next: string | null}>}
	 */
	async historyPage(path, { limit, after, ...options }) {
		const query = { limit, after };
		const call = { method: 'GET', path: `${path}/history`, query, shared: isShared(path) };
		const { json } = await this.transport.send(call, options);
		return { history: json.history, next: json.next ?? null };
	}

	/**
	 * @param {string} path
	 * @param {number} to
	 * @param {UpdateOptions} options
	 */
	revertTo(path, to, options) {
		const body = { version: this.version(path, options.version), to };
		const call = { method: 'POST', path: `${path}/revert`, body, shared: isShared(path) };
		return this.write(path, call, { to }, options);
	}
}

const PROFILES = '/api/profile/';

// A card's path names one card, which has one owner. Under a profile's path all have their own.
/** @param {string} path */
function isShared(path) {
	return path.startsWith(PROFILES);
}

// What the service looks after, and a request may carry along.
const NOT_CHANGES = new Set([
	...['id', 'user_id', 'slug', 'version', 'created_at', 'updated_at'],
	...['isNew', 'merged', 'mergedWith'],
]);

/** Whether an entity has every wanted value. @param {any} entity @param {any} changes */
function holds(entity, changes) {
	return Object.entries(withoutUndefined(changes)).every(
		([field, value]) => NOT_CHANGES.has(field) || same(tidy(entity?.[field]), tidy(value)),
	);
}

// As the service stores it: text trimmed and composed, nothing for an empty text or document.
/** @param {any} value */
function tidy(value) {
	if (typeof value === 'string') return value.normalize('NFC').trim() || null;
	if (value && typeof value === 'object' && Object.keys(value).length === 0) return null;
	return value ?? null;
}

/** @param {any} a @param {any} b @returns {boolean} */
function same(a, b) {
	if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
	if (Array.isArray(a) !== Array.isArray(b)) return false;
	const names = Object.keys(withoutUndefined(a));
	return (
		names.length === Object.keys(withoutUndefined(b)).length &&
		names.every((name) => name in b && same(a[name], b[name]))
	);
}

/** Your cards. */
class Cards {
	#entities;

	/** @param {Entities} entities */
	constructor(entities) {
		this.#entities = entities;
	}

	/**
	 * One page, newest first; `next` is what `after` takes for the next one.
	 * @param {PageOptions} [options]
	 * @returns {Promise<{cards: Card[], next: string | null}>}
	 */
	async list({ limit, after, ...options } = {}) {
		const { seen } = this.#entities;
		const call = { method: 'GET', path: '/api/cards', query: { limit, after } };
		const { json } = await this.#entities.transport.send(call, options);
		for (const card of json.cards) seen.note(cardPath(card), card);
		return { cards: json.cards, next: json.next ?? null };
	}

	/**
	 * All of them, a page at a time.
	 * @param {PageOptions} [options]
	 * @returns {AsyncGenerator<Card, void, undefined>}
	 */
	async *all(options = {}) {
		let after = options.after;
		do {
			const page = await this.list({ ...options, after });
			yield* page.cards;
			after = page.next ?? undefined;
		} while (after !== undefined);
	}

	/** @param {string} id @param {CallOptions} [options] @returns {Promise<Card>} */
	get(id, options = {}) {
		return this.#entities.read(cardPath(id), options);
	}

	/** @param {NewCard} card @param {CallOptions} [options] @returns {Promise<Card>} */
	async create(card, options = {}) {
		const { seen } = this.#entities;
		const call = { method: 'POST', path: '/api/cards', body: card, shared: true };
		const { json, etag } = await this.#entities.transport.send(call, options);
		seen.note(cardPath(json), json, etag);
		return json;
	}

	/**
	 * Changes a card. Give the card as it was shown to whoever changed it: its version decides. With an
	 * id alone, changes given as an object need `options.version`.
	 *
	 * Changes as an object: a conflict is thrown, as VersionConflictError. As a function, which is
	 * given the card and returns the changes (null: none): on a conflict it is called again with the
	 * card as it is now, up to `maxAttempts` times.
	 * @param {string | Pick<Card, 'id' | 'version'>} card
	 * @param {CardChanges | ((card: Card) => CardChanges | null | Promise<CardChanges | null>)} changes
	 * @param {UpdateOptions} [options]
	 * @returns {Promise<Card & Versioned>}
	 */
	async update(card, changes, options = {}) {
		const path = cardPath(card);
		if (typeof changes === 'function') return this.#entities.reapply(path, changes, options);
		return this.#entities.patch(path, options.version ?? versionOf(card), changes, options, { shown: card });
	}

	/**
	 * The mission's loop: read, change, and on a conflict all again, `maxAttempts` times altogether.
	 * Changes given as an object win over whatever is there.
	 * @param {string} id
	 * @param {CardChanges | ((card: Card) => CardChanges | null | Promise<CardChanges | null>)} updates
	 * @param {UpdateOptions} [options]
	 * @returns {Promise<Card & Versioned>}
	 */
	updateWithRetry(id, updates, options = {}) {
		const derived = typeof updates === 'function';
		const change = derived ? updates : () => updates;
		return this.#entities.reapply(cardPath(id), change, options, derived);
	}

	/**
	 * @param {string | Pick<Card, 'id' | 'version'>} card
	 * @param {UpdateOptions} [options]
	 * @returns {Promise<void>}
	 */
	async delete(card, options = {}) {
		const path = cardPath(card);
		const version = this.#entities.version(path, options.version ?? versionOf(card));
		const settle = (/** @type {CardkeepError} */ { status }) => (status === 404 ? {} : undefined);
		await this.#entities.write(path, { method: 'DELETE', path, query: { version }, settle }, null, options);
		this.#entities.seen.forget(path);
	}

	/**
	 * One page of a card's versions, newest first.
	 * @param {string} id
	 * @param {PageOptions} [options]
	 */
	history(id, options = {}) {
		return this.#entities.historyPage(cardPath(id), options);
	}

	/**
	 * Writes a new version with the content of version `to`.
	 * @param {string | Pick<Card, 'id' | 'version'>} card
	 * @param {number} to
	 * @param {UpdateOptions} [options]
	 * @returns {Promise<Card>}
	 */
	async revert(card, to, options = {}) {
		const version = options.version ?? versionOf(card);
		return this.#entities.revertTo(cardPath(card), to, { ...options, version });
	}
}

/** @param {string | {id: string}} card */
function cardPath(card) {
	return `/api/cards/${encodeURIComponent(typeof card === 'string' ? card : card.id)}`;
}

/** @param {string | {version?: number}} card */
function versionOf(card) {
	return typeof card === 'string' ? undefined : card.version;
}

/**
 * One of the two profiles.
 * @template {Versioned} T
 */
class Profile {
	#entities;
	#path;

	/** @param {Entities} entities @param {string} kind */
	constructor(entities, kind) {
		this.#entities = entities;
		this.#path = PROFILES + kind;
	}

	/** @param {CallOptions} [options] @returns {Promise<T>} */
	get(options = {}) {
		return this.#entities.read(this.#path, options);
	}

	/**
	 * Changes the profile: as Cards.update. The version is `options.version`, or the one among the changes
	 * (the whole profile, edited, may be given back).
	 * @param {Partial<T> | ((profile: T) => Partial<T> | null | Promise<Partial<T> | null>)} changes
	 * @param {UpdateOptions} [options]
	 * @returns {Promise<T>}
	 */
	async save(changes, options = {}) {
		if (typeof changes === 'function') return this.#entities.reapply(this.#path, changes, options);
		return this.#entities.patch(this.#path, options.version, changes, options);
	}

	/** @param {PageOptions} [options] */
	history(options = {}) {
		return this.#entities.historyPage(this.#path, options);
	}

	/** @param {number} to @param {UpdateOptions} [options] @returns {Promise<T>} */
	async revert(to, options = {}) {
		return this.#entities.revertTo(this.#path, to, options);
	}
}

// ---- conflicts -----------------------------------------------------------------------------------

/** @typedef {'mine' | 'theirs' | {value: any}} Choice */

/**
 * The changes that a conflict comes to once somebody has chosen, to be saved from `error.current`. What
 * is in no conflict stays as it was typed. `choose` is asked about each field in turn; about the keys of
 * a large document that were not told (`more`) once, for all that differ.
 * @param {VersionConflictError} error of an update
 * @param {(field: ConflictingField) => Choice | Promise<Choice>} choose
 * @returns {Promise<any>}
 */
export async function settleConflict(error, choose) {
	const { current, changes, conflictingFields } = error;
	if (changes === null || typeof changes !== 'object' || 'to' in changes)
		throw new TypeError('settle the conflict of an update: a revert is asked for anew, from error.current');
	const settled = withoutKept(changes);
	const told = new Set(conflictingFields.map(({ field }) => field));
	for (const field of conflictingFields) {
		const choice = await choose(field);
		if (field.more !== undefined) settleRest(settled, current, field.field, choice, told);
		else settleField(settled, current, field.field, choice);
	}
	return settled;
}

/** What of the changes is one, documents as copies. @param {any} changes */
function withoutKept(changes) {
	const entries = Object.entries(withoutUndefined(changes)).filter(([name]) => !NOT_CHANGES.has(name));
	const copy = (/** @type {any} */ value) => (isObject(value) ? { ...value } : value);
	return Object.fromEntries(entries.map(([name, value]) => [name, copy(value)]));
}

/** @param {any} value */
function isObject(value) {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @param {any} settled @param {any} current @param {string} field @param {Choice} choice */
function settleField(settled, current, field, choice) {
	const dot = field.indexOf('.');
	if (dot < 0) return void settleMember(settled, current, field, choice);
	const name = field.slice(0, dot);
	settled[name] ??= {};
	settleMember(settled[name], current[name], field.slice(dot + 1), choice);
}

/**
 * A key that they have not is gone then: null would be something else.
 * @param {any} to
 * @param {any} theirs
 * @param {string} name
 * @param {Choice} choice
 */
function settleMember(to, theirs, name, choice) {
	if (choice === 'mine') return;
	if (choice !== 'theirs') to[name] = choice.value;
	else if (Object.hasOwn(theirs, name)) to[name] = theirs[name];
	else delete to[name];
}

/**
 * The keys of a document that were not told.
 * @param {any} settled
 * @param {any} current
 * @param {string} name
 * @param {Choice} choice
 * @param {Set<string>} told
 */
function settleRest(settled, current, name, choice, told) {
	if (choice !== 'mine' && choice !== 'theirs')
		throw new TypeError(`choose mine or theirs for the other keys of ${name}`);
	settled[name] ??= {};
	for (const key of new Set([...Object.keys(settled[name]), ...Object.keys(current[name])]))
		if (!told.has(`${name}.${key}`)) settleMember(settled[name], current[name], key, choice);
}

// ---- client --------------------------------------------------------------------------------------

/** The devices that are signed in. */
class Sessions {
	#transport;

	/** @param {Transport} transport */
	constructor(transport) {
		this.#transport = transport;
	}

	/** @param {CallOptions} [options] @returns {Promise<Session[]>} */
	async list(options = {}) {
		const { json } = await this.#transport.send({ method: 'GET', path: '/api/sessions' }, options);
		return json.sessions;
	}

	/** @param {string} id @param {CallOptions} [options] @returns {Promise<void>} */
	async end(id, options = {}) {
		const path = `/api/sessions/${encodeURIComponent(id)}`;
		const settle = (/** @type {CardkeepError} */ { status }) => (status === 404 ? {} : undefined);
		await this.#transport.send({ method: 'DELETE', path, settle }, options);
	}

	/** Every session but this one. @param {CallOptions} [options] @returns {Promise<void>} */
	async endOthers(options = {}) {
		const query = { scope: 'others' };
		const call = { method: 'DELETE', path: '/api/sessions', query, shared: true };
		await this.#transport.send(call, options);
	}
}

/** A person's account, cards and profiles, as one device sees them. */
export class CardkeepClient {
	#transport;
	#entities;

	/** @param {ClientOptions} [options] */
	constructor(options = {}) {
		this.#transport = new Transport(options);
		this.#entities = new Entities(this.#transport);
		this.cards = new Cards(this.#entities);
		/** @type {Profile<PersonalProfile>} */
		this.personal = new Profile(this.#entities, 'personal');
		/** @type {Profile<ProfessionalProfile>} */
		this.professional = new Profile(this.#entities, 'professional');
		this.sessions = new Sessions(this.#transport);
	}

	/** The token of this device, to keep between runs; undefined when signed out, or by cookie. */
	get token() {
		return this.#transport.token;
	}

	/** Somebody else's token: what was seen is nobody's business then. */
	set token(token) {
		this.#become(token);
	}

	/** @param {string} [token] @param {Who} [who] */
	#become(token, who = {}) {
		this.#transport.token = token;
		this.#transport.who = who;
		this.#entities.seen = new Seen();
	}

	/** Signed out, unless somebody signed in since. @param {Who} who */
	#leave(who) {
		if (this.#transport.who === who) this.#become();
	}

	/**
	 * Makes an account and signs in. Without a key it is not repeated when its outcome is unknown:
	 * then sign in, which works if it went through.
	 * @param {Credentials} credentials
	 * @param {CallOptions} [options]
	 */
	signUp(credentials, options = {}) {
		return this.#enter('/api/users', credentials, options);
	}

	/**
	 * Opens a session for this device. Without a key it is not repeated when its outcome is unknown: a
	 * session may be open then that no device has the token of, which the list of sessions shows.
	 * @param {Credentials} credentials
	 * @param {CallOptions} [options]
	 */
	signIn(credentials, options = {}) {
		return this.#enter('/api/sessions', credentials, options);
	}

	/**
	 * @param {string} path
	 * @param {Credentials} credentials
	 * @param {CallOptions} options
	 * @returns {Promise<SignedIn>}
	 */
	async #enter(path, { email, password, deviceName }, options) {
		const cookie = this.#transport.options.cookie || undefined;
		const body = { email, password, device_name: deviceName, cookie };
		const call = { method: 'POST', path, body, keyless: true };
		const { json } = await this.#transport.send(call, options);
		this.#become(json.token, { id: json.user.id });
		return json;
	}

	/**
	 * Ends this device's session; one that has ended already is as good.
	 * @param {CallOptions} [options]
	 */
	async signOut(options = {}) {
		const { who } = this.#transport;
		try {
			await this.sessions.end('current', options);
		} catch (error) {
			if (!(error instanceof CardkeepError) || error.status !== 401) throw error;
		}
		this.#leave(who);
	}

	/** Ends every session, this one too. @param {CallOptions} [options] */
	async signOutEverywhere(options = {}) {
		const { who } = this.#transport;
		const query = { scope: 'global' };
		const call = { method: 'DELETE', path: '/api/sessions', query, shared: true };
		await this.#transport.send(call, options);
		this.#leave(who);
	}

	/**
	 * Who is signed in. By cookie that may be somebody else than before, if another tab signed in: then
	 * this client goes on refusing what the other would get, and it is time for a new one.
	 * @param {CallOptions} [options]
	 * @returns {Promise<User>}
	 */
	async user(options = {}) {
		const { who } = this.#transport;
		const { json } = await this.#transport.send(WHO, options);
		who.id ??= json.user.id;
		return json.user;
	}

	/**
	 * Every other session ends with it.
	 * @param {string} current
	 * @param {string} wanted
	 * @param {CallOptions} [options]
	 */
	async changePassword(current, wanted, options = {}) {
		const body = { current_password: current, new_password: wanted };
		const call = { method: 'PUT', path: '/api/users/me/password', body, shared: true };
		await this.#transport.send(call, options);
	}

	/**
	 * Deletes the account and all that is in it.
	 * @param {string} password
	 * @param {CallOptions} [options]
	 */
	async deleteAccount(password, options = {}) {
		const { who } = this.#transport;
		const call = { method: 'DELETE', path: '/api/users/me', body: { password }, shared: true };
		await this.#transport.send(call, options);
		this.#leave(who);
	}
}

// ---- without a client object ---------------------------------------------------------------------

/** @type {CardkeepClient | undefined} */
let preset;

/**
 * Makes the client that `updateCardWithRetry` uses, and returns it.
 * @param {ClientOptions | CardkeepClient} [options]
 */
export function configure(options = {}) {
	preset = options instanceof CardkeepClient ? options : new CardkeepClient(options);
	return preset;
}

/** The configured client; in a page without one, that of the page's own origin, by cookie. */
export function defaultClient() {
	return preset ?? configure({ cookie: true });
}

/**
 * Updates a card whoever else does: reads it, applies `updates`, and on a conflict begins again with
 * the card as it is then. Give a function when the change depends on the card.
 * @param {string} cardId
 * @param {CardChanges | ((card: Card) => CardChanges | null | Promise<CardChanges | null>)} updates
 * @param {number} [maxRetries] tries altogether
 * @param {CardkeepClient} [client] in place of the configured one
 * @returns {Promise<Card>}
 */
export function updateCardWithRetry(
	cardId,
	updates,
	maxRetries = CONFLICT_ATTEMPTS,
	client = defaultClient(),
) {
	return client.cards.updateWithRetry(cardId, updates, { maxAttempts: maxRetries });
}
