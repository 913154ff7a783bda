/*
 * Whether and when to try again.
 *
 * Budget and breaker are one word of shared state each, so every step is a single atomic exchange
 * and relaxed order is enough: no other memory is published by them. Time is always the caller's
 * argument, so that tests own the clock.
 */
#include "db/retry.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"

/* ---- the policy ------------------------------------------------------------------------------ */

/* base, 2 base, 4 base ... for nth = 1, 2, 3 ..., never above max. */
static int64_t doubled(int64_t base, int64_t max, int nth)
{
	int64_t value = base;

	for (int i = 1; i < nth && value < max; i++)
		value *= 2;
	return value < max ? value : max;
}

/* Uniform in [0, span). */
static int64_t below(int64_t span, uint32_t random)
{
	return (int64_t)(((uint64_t)span * random) >> 32);
}

/* Why an operation of this class may be tried again; false when that cannot help. Stale plans are
 * granted one fresh connection: what is stale there too is missing, not stale. */
static bool reason_of_class(
	enum sqlstate_class class, bool stale_retried, enum retry_reason *ret_reason)
{
	switch (class) {
	case SQLSTATE_TRANSIENT:
		*ret_reason = RETRY_TRANSIENT;
		return true;
	case SQLSTATE_UNAVAILABLE:
	case SQLSTATE_LOST:
		*ret_reason = RETRY_RECONNECT;
		return true;
	case SQLSTATE_STALE:
		*ret_reason = RETRY_STALE_PLAN;
		return !stale_retried;
	case SQLSTATE_READ_ONLY:
		*ret_reason = RETRY_STANDBY;
		return true;
	case SQLSTATE_TAKEN:
	case SQLSTATE_NO_ACCOUNT:
	case SQLSTATE_INPUT:
	case SQLSTATE_OVERRUN:
	case SQLSTATE_FAILED:
		return false;
	}
	return false;
}

static bool needs_budget(enum retry_reason reason)
{
	return reason != RETRY_UNKNOWN && reason != RETRY_RECONNECT;
}

static int64_t backoff_us(const struct retry_limits *limits, enum retry_reason reason,
	const struct retry_state *state)
{
	/* A fresh connection has nothing to wait for. */
	if (reason == RETRY_STALE_PLAN)
		return 0;
	return below(doubled(limits->base_us, limits->max_us, state->attempts), state->random);
}

enum retry_verdict retry_decide(const struct retry_limits *limits, enum outcome_kind kind,
	enum sqlstate_class class, const struct retry_state *state, int64_t *ret_delay_us,
	enum retry_reason *ret_reason)
{
	enum retry_reason reason = RETRY_UNKNOWN;
	int64_t delay_us;

	MUST(kind == OUTCOME_ROLLED_BACK || kind == OUTCOME_UNKNOWN);
	MUST(state->attempts >= 1);
	if (kind != OUTCOME_UNKNOWN && !reason_of_class(class, state->stale_retried, &reason))
		return RETRY_REFUSE;
	if (state->attempts >= limits->max_attempts)
		return RETRY_STOP;
	if (needs_budget(reason) && !state->budget_left)
		return RETRY_STOP;
	delay_us = backoff_us(limits, reason, state);
	if (state->now_us + delay_us >= state->deadline_us)
		return RETRY_STOP;
	*ret_delay_us = delay_us;
	*ret_reason = reason;
	return RETRY_AGAIN;
}

int64_t retry_busy_delay(const struct retry_limits *limits, int nth, int64_t now_us,
	int64_t deadline_us, uint32_t random)
{
	int64_t full_us = doubled(limits->busy_base_us, limits->busy_max_us, nth);
	int64_t delay_us = full_us - full_us / 4 + below(full_us / 4, random);

	return now_us + delay_us < deadline_us ? delay_us : -1;
}

const char *retry_reason_name(enum retry_reason reason)
{
	static const char *const names[] = {
		[RETRY_TRANSIENT] = "transient",
		[RETRY_RECONNECT] = "reconnect",
		[RETRY_UNKNOWN] = "unknown",
		[RETRY_STALE_PLAN] = "stale_plan",
		[RETRY_STANDBY] = "standby",
	};

	MUST((size_t)reason < ARRAY_LEN(names));
	return names[reason];
}

/* ---- the budget ------------------------------------------------------------------------------ */

/*
 * The bucket is kept as the moment at which it would have been empty: since then it has filled by
 * a token every TOKEN_US. A deposit moves that moment back, a taken token moves it forward, and
 * what would be more than the bucket holds is cut off when somebody takes.
 */
#define TOKEN_US  (CLOCK_S / 10)
#define BUCKET_US (100 * TOKEN_US)

struct retry_budget {
	int64_t deposit_us; /* what one call adds */
	_Atomic int64_t empty_at_us;
};

struct retry_budget *retry_budget_new(int percent, int64_t now_us)
{
	struct retry_budget *budget = mem_zero(sizeof(*budget));

	budget->deposit_us = percent * TOKEN_US / 100;
	atomic_init(&budget->empty_at_us, now_us - BUCKET_US);
	return budget;
}

void retry_budget_free(struct retry_budget **budget)
{
	free(*budget);
	*budget = NULL;
}

void retry_budget_deposit(struct retry_budget *budget)
{
	atomic_fetch_sub_explicit(&budget->empty_at_us, budget->deposit_us, memory_order_relaxed);
}

bool retry_budget_take(struct retry_budget *budget, int64_t now_us)
{
	int64_t seen_us = atomic_load_explicit(&budget->empty_at_us, memory_order_relaxed);
	int64_t next_us;

	do {
		int64_t fullest_us = now_us - BUCKET_US;

		next_us = (seen_us > fullest_us ? seen_us : fullest_us) + TOKEN_US;
		if (next_us > now_us)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&budget->empty_at_us, &seen_us, next_us,
		memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* ---- the breaker ----------------------------------------------------------------------------- */

/*
 * One word: 0 is closed, else bits 0 to 3 count the delays so far, bit 4 says that a caller was let
 * through to probe, and the rest is the time of the next probe. Threads that failed together from
 * the closed state open it once; only a probe's failure makes the delay grow. A probe that never
 * reports is followed by the next one after a full delay.
 */
#define STEP_BITS     UINT64_C(15)
#define PROBING       UINT64_C(16)
#define TIME_SHIFT    5
#define STEP_FIRST_US (20 * CLOCK_MS)
#define STEP_LAST_US  (400 * CLOCK_MS)

struct retry_breaker {
	_Atomic uint64_t word;
};

static uint64_t open_word(int64_t until_us, uint64_t step, uint64_t probing)
{
	return (uint64_t)until_us << TIME_SHIFT | probing | step;
}

static int64_t step_us(uint64_t step)
{
	return doubled(STEP_FIRST_US, STEP_LAST_US, (int)step);
}

struct retry_breaker *retry_breaker_new(void)
{
	struct retry_breaker *breaker = mem_zero(sizeof(*breaker));

	atomic_init(&breaker->word, 0);
	return breaker;
}

void retry_breaker_free(struct retry_breaker **breaker)
{
	free(*breaker);
	*breaker = NULL;
}

bool retry_breaker_allows(struct retry_breaker *breaker, int64_t now_us)
{
	uint64_t word = atomic_load_explicit(&breaker->word, memory_order_relaxed);
	uint64_t step = word & STEP_BITS;

	if (word == 0)
		return true;
	if (now_us < (int64_t)(word >> TIME_SHIFT))
		return false;
	/* Whoever loses this exchange has seen another caller take the probe, or the news of it. */
	return atomic_compare_exchange_strong_explicit(&breaker->word, &word,
		open_word(now_us + step_us(step), step, PROBING), memory_order_relaxed,
		memory_order_relaxed);
}

void retry_breaker_failed(struct retry_breaker *breaker, int64_t now_us, uint32_t random)
{
	uint64_t word = atomic_load_explicit(&breaker->word, memory_order_relaxed);
	uint64_t next;

	do {
		uint64_t step = (word & STEP_BITS) + 1;
		int64_t half_us;

		if (word != 0 && (word & PROBING) == 0)
			return;
		if (step > STEP_BITS)
			step = STEP_BITS;
		half_us = step_us(step) / 2;
		next = open_word(now_us + half_us + below(half_us, random), step, 0);
	} while (!atomic_compare_exchange_weak_explicit(
		&breaker->word, &word, next, memory_order_relaxed, memory_order_relaxed));
}

void retry_breaker_succeeded(struct retry_breaker *breaker)
{
	atomic_store_explicit(&breaker->word, 0, memory_order_relaxed);
}
