/* Whether and when to try again; the budget; the breaker. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"
#include "db/retry.h"

#define NOW      (1000 * CLOCK_S)
#define TOKENS   100 /* in a full budget */
#define THREADS  4
#define UNSET_US INT64_C(-77)

static const struct retry_limits limits = {
	.max_attempts = 3,
	.base_us = 100 * CLOCK_MS,
	.max_us = 2000 * CLOCK_MS,
	.busy_base_us = 5 * CLOCK_MS,
	.busy_max_us = 40 * CLOCK_MS,
};

/* ---- the policy ------------------------------------------------------------------------------ */

static struct retry_state first_failure(void)
{
	return (struct retry_state){
		.attempts = 1,
		.now_us = NOW,
		.deadline_us = NOW + 5 * CLOCK_S,
		.random = UINT32_MAX,
		.budget_left = true,
	};
}

#define GOES_ON(reason) RETRY_AGAIN, reason
#define REFUSED         RETRY_REFUSE, 0

/* Of an operation that failed once, with time and budget left. */
static const struct {
	enum outcome_kind kind;
	enum sqlstate_class class;
	enum retry_verdict verdict;
	enum retry_reason reason;
} first_time[] = {
	{OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, GOES_ON(RETRY_TRANSIENT)},
	{OUTCOME_ROLLED_BACK, SQLSTATE_UNAVAILABLE, GOES_ON(RETRY_RECONNECT)},
	{OUTCOME_ROLLED_BACK, SQLSTATE_LOST, GOES_ON(RETRY_RECONNECT)},
	{OUTCOME_ROLLED_BACK, SQLSTATE_STALE, GOES_ON(RETRY_STALE_PLAN)},
	{OUTCOME_ROLLED_BACK, SQLSTATE_READ_ONLY, GOES_ON(RETRY_STANDBY)},
	{OUTCOME_ROLLED_BACK, SQLSTATE_TAKEN, REFUSED},
	{OUTCOME_ROLLED_BACK, SQLSTATE_NO_ACCOUNT, REFUSED},
	{OUTCOME_ROLLED_BACK, SQLSTATE_INPUT, REFUSED},
	{OUTCOME_ROLLED_BACK, SQLSTATE_OVERRUN, REFUSED},
	{OUTCOME_ROLLED_BACK, SQLSTATE_FAILED, REFUSED},
	{OUTCOME_UNKNOWN, SQLSTATE_TRANSIENT, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_UNAVAILABLE, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_LOST, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_STALE, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_READ_ONLY, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_TAKEN, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_NO_ACCOUNT, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_INPUT, GOES_ON(RETRY_UNKNOWN)},
	{OUTCOME_UNKNOWN, SQLSTATE_FAILED, GOES_ON(RETRY_UNKNOWN)},
};

static void every_outcome_of_every_class_is_decided(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first_time); i++) {
		struct retry_state now = first_failure();
		int64_t delay_us = UNSET_US;
		enum retry_reason reason = 0;
		enum retry_verdict verdict = retry_decide(
			&limits, first_time[i].kind, first_time[i].class, &now, &delay_us, &reason);

		if (verdict != first_time[i].verdict || reason != first_time[i].reason)
			fail_msg("%s, %s: verdict %d for %s", outcome_name(first_time[i].kind),
				sqlstate_class_name(first_time[i].class), (int)verdict,
				retry_reason_name(reason));
		assert_true((delay_us == UNSET_US) == (verdict != RETRY_AGAIN));
	}
}

static void refusals_are_told_even_when_attempts_and_time_are_used_up(void **state)
{
	struct retry_state late = first_failure();
	int64_t delay_us = UNSET_US;
	enum retry_reason reason = 0;

	(void)state;
	late.attempts = 9;
	late.deadline_us = late.now_us;
	late.budget_left = false;
	for (size_t i = 0; i < ARRAY_LEN(first_time); i++) {
		enum retry_verdict verdict = retry_decide(&limits, first_time[i].kind,
			first_time[i].class, &late, &delay_us, &reason);

		assert_int_equal(
			verdict, first_time[i].verdict == RETRY_REFUSE ? RETRY_REFUSE : RETRY_STOP);
	}
	assert_int_equal(delay_us, UNSET_US);
}

static int64_t delay_after(int attempts, uint32_t random)
{
	struct retry_limits many = limits;
	struct retry_state now = first_failure();
	int64_t delay_us = UNSET_US;
	enum retry_reason reason = 0;

	many.max_attempts = 1000;
	now.attempts = attempts;
	now.random = random;
	assert_int_equal(retry_decide(&many, OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, &now,
				 &delay_us, &reason),
		RETRY_AGAIN);
	return delay_us;
}

static void delays_are_full_jitter_below_ceilings_that_double_to_two_seconds(void **state)
{
	static const int64_t ceilings_ms[] = {100, 200, 400, 800, 1600, 2000, 2000, 2000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ceilings_ms); i++) {
		int64_t ceiling_us = ceilings_ms[i] * CLOCK_MS;
		int attempts = (int)i + 1;

		assert_int_equal(delay_after(attempts, 0), 0);
		assert_int_equal(delay_after(attempts, UINT32_C(1) << 31), ceiling_us / 2);
		assert_int_equal(delay_after(attempts, UINT32_MAX), ceiling_us - 1);
	}
	assert_int_equal(delay_after(999, UINT32_MAX), 2000 * CLOCK_MS - 1);
}

static enum retry_verdict verdict_after(
	enum outcome_kind kind, enum sqlstate_class class, struct retry_state now)
{
	int64_t delay_us = UNSET_US;
	enum retry_reason reason = 0;

	return retry_decide(&limits, kind, class, &now, &delay_us, &reason);
}

static void the_last_attempt_is_the_last(void **state)
{
	struct retry_state now = first_failure();

	(void)state;
	for (now.attempts = 1; now.attempts <= 5; now.attempts++) {
		enum retry_verdict want = now.attempts < 3 ? RETRY_AGAIN : RETRY_STOP;

		assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), want);
		assert_int_equal(verdict_after(OUTCOME_UNKNOWN, SQLSTATE_LOST, now), want);
	}
}

static void a_delay_that_meets_the_deadline_is_not_begun(void **state)
{
	struct retry_state now = first_failure();

	(void)state;
	now.deadline_us = NOW + 100 * CLOCK_MS;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), RETRY_AGAIN);
	now.deadline_us--;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), RETRY_STOP);
	now.random = 0;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), RETRY_AGAIN);
	now.deadline_us = NOW;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), RETRY_STOP);
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_STALE, now), RETRY_STOP);
	assert_int_equal(verdict_after(OUTCOME_UNKNOWN, SQLSTATE_LOST, now), RETRY_STOP);
}

static void only_what_loads_a_healthy_database_needs_the_budget(void **state)
{
	struct retry_state broke = first_failure();

	(void)state;
	broke.budget_left = false;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, broke), RETRY_STOP);
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_STALE, broke), RETRY_STOP);
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_READ_ONLY, broke), RETRY_STOP);
	assert_int_equal(verdict_after(OUTCOME_UNKNOWN, SQLSTATE_LOST, broke), RETRY_AGAIN);
}

static void a_stale_plan_gets_one_fresh_connection_at_once(void **state)
{
	struct retry_state now = first_failure();
	int64_t delay_us = UNSET_US;
	enum retry_reason reason = 0;

	(void)state;
	assert_int_equal(retry_decide(&limits, OUTCOME_ROLLED_BACK, SQLSTATE_STALE, &now, &delay_us,
				 &reason),
		RETRY_AGAIN);
	assert_int_equal(delay_us, 0);
	now.stale_retried = true;
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_STALE, now), RETRY_REFUSE);
	assert_int_equal(verdict_after(OUTCOME_ROLLED_BACK, SQLSTATE_TRANSIENT, now), RETRY_AGAIN);
}

static void busy_delays_double_to_their_limit_with_a_quarter_of_jitter(void **state)
{
	static const int64_t full_us[] = {5000, 10000, 20000, 40000, 40000};
	const int64_t deadline_us = NOW + CLOCK_S;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(full_us); i++) {
		int nth = (int)i + 1;

		assert_int_equal(
			retry_busy_delay(&limits, nth, NOW, deadline_us, 0), full_us[i] * 3 / 4);
		assert_int_equal(retry_busy_delay(&limits, nth, NOW, deadline_us, UINT32_MAX),
			full_us[i] - 1);
	}
	assert_int_equal(retry_busy_delay(&limits, 1, NOW, NOW + 3751, 0), 3750);
	assert_int_equal(retry_busy_delay(&limits, 1, NOW, NOW + 3750, 0), -1);
	assert_int_equal(retry_busy_delay(&limits, 100000, NOW, NOW - 1, 0), -1);
}

static void every_reason_has_its_name(void **state)
{
	(void)state;
	assert_string_equal(retry_reason_name(RETRY_TRANSIENT), "transient");
	assert_string_equal(retry_reason_name(RETRY_RECONNECT), "reconnect");
	assert_string_equal(retry_reason_name(RETRY_UNKNOWN), "unknown");
	assert_string_equal(retry_reason_name(RETRY_STALE_PLAN), "stale_plan");
	assert_string_equal(retry_reason_name(RETRY_STANDBY), "standby");
}

/* ---- the budget ------------------------------------------------------------------------------ */

static int take_all(struct retry_budget *budget, int64_t now_us)
{
	int taken = 0;

	while (retry_budget_take(budget, now_us))
		taken++;
	return taken;
}

static void a_budget_starts_full_and_ten_tokens_a_second_come_back(void **state)
{
	struct retry_budget *budget = retry_budget_new(10, NOW);

	(void)state;
	assert_int_equal(take_all(budget, NOW), TOKENS);
	assert_false(retry_budget_take(budget, NOW + 99 * CLOCK_MS));
	assert_true(retry_budget_take(budget, NOW + 100 * CLOCK_MS));
	assert_int_equal(take_all(budget, NOW + 1100 * CLOCK_MS), 10);
	assert_int_equal(take_all(budget, NOW + 3600 * CLOCK_S), TOKENS);
	retry_budget_free(&budget);
	assert_null(budget);
	retry_budget_free(&budget);
}

static void every_call_deposits_its_share_and_no_more_than_the_bucket_is_kept(void **state)
{
	struct retry_budget *budget = retry_budget_new(10, NOW);

	(void)state;
	assert_int_equal(take_all(budget, NOW), TOKENS);
	for (int i = 0; i < 9; i++)
		retry_budget_deposit(budget);
	assert_false(retry_budget_take(budget, NOW));
	retry_budget_deposit(budget);
	assert_int_equal(take_all(budget, NOW), 1);
	for (int i = 0; i < 255; i++)
		retry_budget_deposit(budget);
	assert_int_equal(take_all(budget, NOW), 25);
	for (int i = 0; i < 100000; i++)
		retry_budget_deposit(budget);
	assert_int_equal(take_all(budget, NOW), TOKENS);
	retry_budget_free(&budget);
}

static void a_budget_of_no_percent_lives_on_its_tokens_alone(void **state)
{
	struct retry_budget *budget = retry_budget_new(0, NOW);

	(void)state;
	assert_int_equal(take_all(budget, NOW), TOKENS);
	for (int i = 0; i < 1000; i++)
		retry_budget_deposit(budget);
	assert_false(retry_budget_take(budget, NOW));
	assert_int_equal(take_all(budget, NOW + CLOCK_S), 10);
	retry_budget_free(&budget);
}

/* What the threads of a test share. */
struct crowd {
	struct retry_budget *budget;
	struct retry_breaker *breaker;
	atomic_int won;
};

static void together(void *(*run)(void *), struct crowd *crowd)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, crowd), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* 1,000 deposits of a tenth, and a try at a token after each. */
static void *deposit_and_take(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < 1000; i++) {
		retry_budget_deposit(crowd->budget);
		if (retry_budget_take(crowd->budget, NOW))
			atomic_fetch_add(&crowd->won, 1);
	}
	return NULL;
}

static void threads_together_spend_exactly_what_was_deposited(void **state)
{
	struct crowd crowd = {.budget = retry_budget_new(10, NOW)};

	(void)state;
	assert_int_equal(take_all(crowd.budget, NOW), TOKENS);
	together(deposit_and_take, &crowd);
	atomic_fetch_add(&crowd.won, take_all(crowd.budget, NOW));
	assert_int_equal(crowd.won, THREADS * 100);
	retry_budget_free(&crowd.budget);
}

/* ---- the breaker ----------------------------------------------------------------------------- */

static void a_closed_breaker_lets_everybody_through(void **state)
{
	struct retry_breaker *breaker = retry_breaker_new();

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_true(retry_breaker_allows(breaker, NOW));
	retry_breaker_free(&breaker);
	assert_null(breaker);
	retry_breaker_free(&breaker);
}

/* Fails at now_us and finds out when the breaker lets the next one through. */
static int64_t delay_of_failure(struct retry_breaker *breaker, int64_t *now_us, uint32_t random)
{
	int64_t delay_us = 0;

	retry_breaker_failed(breaker, *now_us, random);
	while (!retry_breaker_allows(breaker, *now_us + delay_us))
		delay_us += CLOCK_MS / 2;
	*now_us += delay_us;
	return delay_us;
}

static void failed_probes_make_the_delay_grow_to_its_limit_half_of_it_jitter(void **state)
{
	static const int64_t delays_ms[] = {20, 40, 80, 160, 320, 400, 400};
	struct retry_breaker *breaker = retry_breaker_new();
	int64_t now_us = NOW;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++)
		assert_int_equal(
			delay_of_failure(breaker, &now_us, UINT32_MAX), delays_ms[i] * CLOCK_MS);
	retry_breaker_succeeded(breaker);
	for (size_t i = 0; i < ARRAY_LEN(delays_ms); i++)
		assert_int_equal(
			delay_of_failure(breaker, &now_us, 0), delays_ms[i] * CLOCK_MS / 2);
	for (int i = 0; i < 100; i++)
		assert_int_equal(delay_of_failure(breaker, &now_us, 0), 200 * CLOCK_MS);
	retry_breaker_free(&breaker);
}

static void an_open_breaker_lets_one_caller_through_in_each_delay(void **state)
{
	struct retry_breaker *breaker = retry_breaker_new();

	(void)state;
	retry_breaker_failed(breaker, NOW, 0);
	assert_false(retry_breaker_allows(breaker, NOW));
	assert_false(retry_breaker_allows(breaker, NOW + 10 * CLOCK_MS - 1));
	assert_true(retry_breaker_allows(breaker, NOW + 10 * CLOCK_MS));
	assert_false(retry_breaker_allows(breaker, NOW + 10 * CLOCK_MS));
	assert_false(retry_breaker_allows(breaker, NOW + 30 * CLOCK_MS - 1));
	assert_true(retry_breaker_allows(breaker, NOW + 30 * CLOCK_MS));
	retry_breaker_succeeded(breaker);
	assert_true(retry_breaker_allows(breaker, NOW));
	retry_breaker_free(&breaker);
}

static void threads_that_fail_together_open_the_breaker_once(void **state)
{
	struct retry_breaker *breaker = retry_breaker_new();

	(void)state;
	for (int i = 0; i < 64; i++)
		retry_breaker_failed(breaker, NOW, UINT32_MAX);
	assert_false(retry_breaker_allows(breaker, NOW + 19 * CLOCK_MS));
	assert_true(retry_breaker_allows(breaker, NOW + 20 * CLOCK_MS));
	retry_breaker_free(&breaker);
}

static void *probe(void *arg)
{
	struct crowd *crowd = arg;

	if (retry_breaker_allows(crowd->breaker, NOW + CLOCK_S))
		atomic_fetch_add(&crowd->won, 1);
	return NULL;
}

static void of_many_threads_one_is_let_through(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct crowd crowd = {.breaker = retry_breaker_new()};

		retry_breaker_failed(crowd.breaker, NOW, 0);
		together(probe, &crowd);
		assert_int_equal(crowd.won, 1);
		retry_breaker_free(&crowd.breaker);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_of_every_class_is_decided),
		cmocka_unit_test(refusals_are_told_even_when_attempts_and_time_are_used_up),
		cmocka_unit_test(delays_are_full_jitter_below_ceilings_that_double_to_two_seconds),
		cmocka_unit_test(the_last_attempt_is_the_last),
		cmocka_unit_test(a_delay_that_meets_the_deadline_is_not_begun),
		cmocka_unit_test(only_what_loads_a_healthy_database_needs_the_budget),
		cmocka_unit_test(a_stale_plan_gets_one_fresh_connection_at_once),
		cmocka_unit_test(busy_delays_double_to_their_limit_with_a_quarter_of_jitter),
		cmocka_unit_test(every_reason_has_its_name),
		cmocka_unit_test(a_budget_starts_full_and_ten_tokens_a_second_come_back),
		cmocka_unit_test(every_call_deposits_its_share_and_no_more_than_the_bucket_is_kept),
		cmocka_unit_test(a_budget_of_no_percent_lives_on_its_tokens_alone),
		cmocka_unit_test(threads_together_spend_exactly_what_was_deposited),
		cmocka_unit_test(a_closed_breaker_lets_everybody_through),
		cmocka_unit_test(failed_probes_make_the_delay_grow_to_its_limit_half_of_it_jitter),
		cmocka_unit_test(an_open_breaker_lets_one_caller_through_in_each_delay),
		cmocka_unit_test(threads_that_fail_together_open_the_breaker_once),
		cmocka_unit_test(of_many_threads_one_is_let_through),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
