// What a TypeScript program may write; types.test.mjs compiles it as strictly as tsc can, and never
// runs it. A line under `@ts-expect-error` must be refused.
import {
	CardkeepClient,
	DatabaseError,
	UniqueConstraintError,
	VersionConflictError,
	configure,
	retryDatabaseOperation,
	retryOptimisticLock,
	retryWithBackoff,
	settleConflict,
	updateCardWithRetry,
} from 'cardkeep';
import type { Card, ConflictingField, PersonalProfile, RetryOptions } from 'cardkeep';

const client: CardkeepClient = configure({ baseUrl: 'https://cards.example', token: 'ck_x' });
const retry: RetryOptions = { maxAttempts: 3, onRetry: ({ attempt, delayMs }) => attempt + delayMs };

export async function cards(signal: AbortSignal): Promise<Card[]> {
	const made = await client.cards.create({ name: 'My Card' }, { signal });
	const card: Card = await client.cards.update(made, { is_public: false }, { merge: true });
	await client.cards.update(card.id, ({ name }) => ({ name: `${name}!` }));
	await updateCardWithRetry(card.id, (now) => ({ name: now.name.trim() }), 5, client);
	await client.cards.delete(card);
	const { history } = await client.cards.history(card.id, { limit: 10 });
	const versions: number[] = history.map((entry) => entry.version);
	const all: Card[] = [];
	for await (const one of client.cards.all()) if (!versions.includes(one.version)) all.push(one);
	return all;
}

export async function profile(): Promise<PersonalProfile> {
	const shown = await client.personal.get();
	await client.professional.save((now) => ({ job_title: now.job_title ?? 'Countess' }));
	return client.personal.save({ ...shown, full_name: 'Ada' });
}

export async function retries(): Promise<[number, string, boolean]> {
	return [
		await retryWithBackoff(async () => 1, retry),
		await retryDatabaseOperation(() => Promise.resolve('a'), 'naming'),
		await retryOptimisticLock(async () => true, 4),
	];
}

export async function settle(error: VersionConflictError, ask: (field: ConflictingField) => Promise<'mine' | 'theirs'>) {
	const changes = await settleConflict(error, async (field) => (field.more ? 'theirs' : { value: await ask(field) }));
	return client.cards.update(error.current.id, changes, { version: 'seen' });
}

export function explain(error: unknown): string | ConflictingField[] {
	if (error instanceof VersionConflictError) return error.conflictingFields;
	if (error instanceof UniqueConstraintError) return error.message;
	if (error instanceof DatabaseError) return error.outcomeUnknown ? 'perhaps' : 'no';
	return String(error);
}

// @ts-expect-error a card needs a name
void client.cards.create({ slug: 'x' });
// @ts-expect-error what a change is called is known
void client.cards.update('id', { nmae: 'x' });
// @ts-expect-error a function must say what it changes
void client.cards.update('id', () => undefined);
// @ts-expect-error the profiles have fields of their own
void client.personal.save({ job_title: 'x' });
// @ts-expect-error what is inside stays inside
void client.cards.entities;
