/*
 * Whether and when to try again: a pure policy, and the process-wide budget and breaker it asks.
 *
 * Backoff is "full jitter": a uniformly random delay below a ceiling that doubles with each attempt
 * (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015), so that clients that
 * failed together do not return together. The budget keeps retries a small share of all calls
 * (B. Beyer et al., "Site Reliability Engineering", chapter 21), so that they never become the load.
 */
#ifndef DB_RETRY_H
#define DB_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "db/outcome.h"
#include "db/sqlstate.h"

struct retry_limits {
	int max_attempts;     /* the first included */
	int64_t base_us;      /* ceiling of the first delay; doubles with each attempt */
	int64_t max_us;       /* no ceiling is higher */
	int64_t busy_base_us; /* first delay of a busy answer; doubles with each busy answer */
	int64_t busy_max_us;
};

enum retry_reason {
	RETRY_TRANSIENT,  /* rolled back by chance of timing */
	RETRY_RECONNECT,  /* rolled back with its connection */
	RETRY_UNKNOWN,    /* ask the database what happened, with the same write id */
	RETRY_STALE_PLAN, /* a migration ran: once more on a fresh connection */
	RETRY_STANDBY,    /* once more on the primary */
};

enum retry_verdict {
	RETRY_AGAIN,  /* after *ret_delay_us, for *ret_reason */
	RETRY_STOP,   /* attempts or time are used up: 503, or 504 where the outcome is unknown */
	RETRY_REFUSE, /* trying again cannot help: the class says what to answer */
};

struct retry_state {
	int attempts;       /* made so far, at least 1 */
	bool stale_retried; /* RETRY_STALE_PLAN was granted once already */
	int64_t now_us;
	int64_t deadline_us;
	uint32_t random;  /* uniformly random 32 bits */
	bool budget_left; /* see retry_budget_take */
};

/* Pure. `kind` is OUTCOME_ROLLED_BACK or OUTCOME_UNKNOWN, for the others are no attempts; `class` counts
 * only for the former. A delay that would end at or after the deadline is RETRY_STOP. RETRY_UNKNOWN and
 * RETRY_RECONNECT do not need the budget: they add no load to a healthy database. */
enum retry_verdict retry_decide(const struct retry_limits *limits, enum outcome_kind kind,
	enum sqlstate_class class, const struct retry_state *state, int64_t *ret_delay_us,
	enum retry_reason *ret_reason);

/* Pure. The delay after the `nth` busy answer (from 1), or -1 when the deadline comes first. A
 * quarter of the delay is jitter. */
int64_t retry_busy_delay(const struct retry_limits *limits, int nth, int64_t now_us,
	int64_t deadline_us, uint32_t random);

const char *retry_reason_name(enum retry_reason reason);

/*
 * The budget: a token bucket, lock-free, shared by all threads of a process. Every call deposits
 * percent/100 of a token, and ten tokens a second are there for services with little traffic; at
 * most 100 are saved.
 */
struct retry_budget;
struct retry_budget *retry_budget_new(int percent, int64_t now_us);
void retry_budget_free(struct retry_budget **budget);
void retry_budget_deposit(struct retry_budget *budget);
/* Takes one token; false when there is none. */
bool retry_budget_take(struct retry_budget *budget, int64_t now_us);

/*
 * The breaker: after a failed connection attempt nobody in the process tries again before a delay
 * that grows from 20 ms to 400 ms, half of it jitter, so that threads do not hammer a server that
 * is starting. Lock-free, shared by all threads.
 */
struct retry_breaker;
struct retry_breaker *retry_breaker_new(void);
void retry_breaker_free(struct retry_breaker **breaker);
/* Whether a connection may be tried now. While open, one caller in each delay is let through. */
bool retry_breaker_allows(struct retry_breaker *breaker, int64_t now_us);
void retry_breaker_failed(struct retry_breaker *breaker, int64_t now_us, uint32_t random);
void retry_breaker_succeeded(struct retry_breaker *breaker);

#endif
