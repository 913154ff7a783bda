/* What the supervisor decides, event by event; actions are compared as the words they read like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"
#include "supervisor/policy.h"
#include "worker/stall.h"

#define WORKERS   2
#define DRAIN_US  (10 * CLOCK_S)
#define T0        (1000 * CLOCK_S)
#define ACTS_SIZE 1024

/* ---- a supervisor in flight ---------------------------------------------------------------------- */

struct bench {
	struct policy policy;
	int64_t now_us;
	char acts[ACTS_SIZE]; /* what the last step wanted: "start w0.1 term s0 ready" */
};

static void describe(const struct policy_action *action, char *out, size_t size)
{
	static const char *const words[] = {
		[ACTION_START] = "start",
		[ACTION_TERM] = "term",
		[ACTION_KILL] = "kill",
		[ACTION_REOPEN] = "reopen",
		[ACTION_LEVEL] = "level",
		[ACTION_TELL_READY] = "ready",
		[ACTION_TELL_STOPPING] = "stopping",
		[ACTION_END] = "end",
	};
	const char role = action->role == ROLE_WORKER ? 'w' : 's';

	if (action->kind == ACTION_START)
		snprintf(out, size, "start %c%zu.%u", role, action->slot, action->generation);
	else if (action->kind < ACTION_START || action->kind > ACTION_LEVEL)
		snprintf(out, size, "%s", words[action->kind]);
	else
		snprintf(out, size, "%s %c%zu", words[action->kind], role, action->slot);
}

static const char *step(struct bench *bench, struct policy_event event)
{
	static struct policy_actions actions;
	size_t len = 0;

	policy_step(&bench->policy, event, bench->now_us, &actions);
	bench->acts[0] = '\0';
	for (size_t i = 0; i < actions.count; i++) {
		char word[64];

		describe(&actions.list[i], word, sizeof(word));
		len += (size_t)snprintf(bench->acts + len, sizeof(bench->acts) - len, "%s%s",
			i > 0 ? " " : "", word);
		assert_true(len < sizeof(bench->acts));
	}
	return bench->acts;
}

static const char *happens(struct bench *bench, enum policy_event_kind kind)
{
	return step(bench, (struct policy_event){.kind = kind});
}

static const char *worker(struct bench *bench, enum policy_event_kind kind, size_t slot)
{
	return step(bench, (struct policy_event){kind, ROLE_WORKER, slot});
}

static const char *status(struct bench *bench, enum policy_event_kind kind, size_t slot)
{
	return step(bench, (struct policy_event){kind, ROLE_STATUS, slot});
}

static const char *later(struct bench *bench, int64_t us)
{
	bench->now_us += us;
	return happens(bench, EVENT_TIME);
}

static size_t workers_in(const struct bench *bench, enum slot_state state)
{
	return policy_count(&bench->policy, ROLE_WORKER, state);
}

/* ---- the ways into each state ------------------------------------------------------------------ */

static void to_starting(struct bench *bench)
{
	bench->now_us = T0;
	policy_init(&bench->policy, (const size_t[]){WORKERS, 1}, DRAIN_US);
	happens(bench, EVENT_TIME);
}

static void to_serving(struct bench *bench)
{
	to_starting(bench);
	worker(bench, EVENT_READY, 0);
	worker(bench, EVENT_READY, 1);
	status(bench, EVENT_READY, 0);
}

static void to_rolling(struct bench *bench)
{
	to_serving(bench);
	happens(bench, EVENT_RELOAD);
}

static void to_stopping(struct bench *bench)
{
	to_serving(bench);
	happens(bench, EVENT_STOP);
}

static void to_closing(struct bench *bench)
{
	to_stopping(bench);
	worker(bench, EVENT_EXITED, 0);
	worker(bench, EVENT_EXITED, 1);
}

static void to_killing(struct bench *bench)
{
	to_stopping(bench);
	happens(bench, EVENT_STOP);
}

static void to_ended(struct bench *bench)
{
	to_closing(bench);
	status(bench, EVENT_EXITED, 0);
}

typedef void fixture_fn(struct bench *bench);

#define TIME                               \
	{                                  \
		EVENT_TIME, ROLE_WORKER, 0 \
	}
#define STOP                               \
	{                                  \
		EVENT_STOP, ROLE_WORKER, 0 \
	}
#define RELOAD                               \
	{                                    \
		EVENT_RELOAD, ROLE_WORKER, 0 \
	}
#define REOPEN                               \
	{                                    \
		EVENT_REOPEN, ROLE_WORKER, 0 \
	}
#define LEVEL                               \
	{                                   \
		EVENT_LEVEL, ROLE_WORKER, 0 \
	}
#define W_READY                             \
	{                                   \
		EVENT_READY, ROLE_WORKER, 0 \
	}
#define W_EXIT                               \
	{                                    \
		EVENT_EXITED, ROLE_WORKER, 0 \
	}
#define S_EXIT                               \
	{                                    \
		EVENT_EXITED, ROLE_STATUS, 0 \
	}

#define IS(state) POLICY_##state

/* Every state, every event. */
static const struct {
	fixture_fn *from;
	struct policy_event event;
	const char *acts;
	enum policy_state to;
} table[] = {
	{to_starting, TIME, "", IS(SERVING)},
	{to_starting, W_READY, "", IS(SERVING)},
	{to_starting, W_EXIT, "", IS(SERVING)},
	{to_starting, S_EXIT, "", IS(SERVING)},
	{to_starting, STOP, "stopping term w0 term w1", IS(STOPPING)},
	{to_starting, RELOAD, "", IS(SERVING)},
	{to_starting, REOPEN, "reopen w0 reopen w1 reopen s0", IS(SERVING)},
	{to_starting, LEVEL, "level w0 level w1 level s0", IS(SERVING)},

	{to_serving, TIME, "", IS(SERVING)},
	{to_serving, W_READY, "", IS(SERVING)},
	{to_serving, W_EXIT, "start w0.1", IS(SERVING)},
	{to_serving, S_EXIT, "start s0.1", IS(SERVING)},
	{to_serving, STOP, "stopping term w0 term w1", IS(STOPPING)},
	{to_serving, RELOAD, "start w2.2 start s1.2", IS(SERVING)},
	{to_serving, REOPEN, "reopen w0 reopen w1 reopen s0", IS(SERVING)},
	{to_serving, LEVEL, "level w0 level w1 level s0", IS(SERVING)},

	{to_rolling, TIME, "", IS(SERVING)},
	{to_rolling, W_READY, "", IS(SERVING)},
	{to_rolling, W_EXIT, "", IS(SERVING)},
	{to_rolling, S_EXIT, "", IS(SERVING)},
	{to_rolling, STOP, "stopping term w0 term w1 term w2", IS(STOPPING)},
	{to_rolling, RELOAD, "", IS(SERVING)},
	{to_rolling, REOPEN, "reopen w0 reopen w1 reopen w2 reopen s0 reopen s1", IS(SERVING)},
	{to_rolling, LEVEL, "level w0 level w1 level w2 level s0 level s1", IS(SERVING)},

	{to_stopping, TIME, "", IS(STOPPING)},
	{to_stopping, W_READY, "", IS(STOPPING)},
	{to_stopping, W_EXIT, "", IS(STOPPING)},
	{to_stopping, S_EXIT, "", IS(STOPPING)},
	{to_stopping, STOP, "kill w0 kill w1 kill s0", IS(KILLING)},
	{to_stopping, RELOAD, "", IS(STOPPING)},
	{to_stopping, REOPEN, "reopen w0 reopen w1 reopen s0", IS(STOPPING)},
	{to_stopping, LEVEL, "level w0 level w1 level s0", IS(STOPPING)},

	{to_closing, TIME, "", IS(CLOSING)},
	{to_closing, W_READY, "", IS(CLOSING)},
	{to_closing, W_EXIT, "", IS(CLOSING)},
	{to_closing, S_EXIT, "end", IS(ENDED)},
	{to_closing, STOP, "kill s0", IS(KILLING)},
	{to_closing, RELOAD, "", IS(CLOSING)},
	{to_closing, REOPEN, "reopen s0", IS(CLOSING)},
	{to_closing, LEVEL, "level s0", IS(CLOSING)},

	{to_killing, TIME, "", IS(KILLING)},
	{to_killing, W_READY, "", IS(KILLING)},
	{to_killing, W_EXIT, "", IS(KILLING)},
	{to_killing, S_EXIT, "", IS(KILLING)},
	{to_killing, STOP, "", IS(KILLING)},
	{to_killing, RELOAD, "", IS(KILLING)},
	{to_killing, REOPEN, "reopen w0 reopen w1 reopen s0", IS(KILLING)},
	{to_killing, LEVEL, "level w0 level w1 level s0", IS(KILLING)},

	{to_ended, TIME, "", IS(ENDED)},
	{to_ended, W_READY, "", IS(ENDED)},
	{to_ended, W_EXIT, "", IS(ENDED)},
	{to_ended, S_EXIT, "", IS(ENDED)},
	{to_ended, STOP, "", IS(ENDED)},
	{to_ended, RELOAD, "", IS(ENDED)},
	{to_ended, REOPEN, "", IS(ENDED)},
	{to_ended, LEVEL, "", IS(ENDED)},
};

static void every_state_answers_every_event(void **state)
{
	static struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *acts;

		table[i].from(&bench);
		acts = step(&bench, table[i].event);
		if (strcmp(acts, table[i].acts) != 0 || bench.policy.state != table[i].to)
			fail_msg("row %zu: \"%s\" and %s", i, acts,
				policy_state_name(bench.policy.state));
	}
}

static void the_table_leaves_out_no_state_and_no_event(void **state)
{
	bool seen[POLICY_STATE_COUNT][EVENT_KIND_COUNT] = {{false}};
	static struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		table[i].from(&bench);
		seen[bench.policy.state][table[i].event.kind] = true;
	}
	for (size_t s = 0; s < POLICY_STATE_COUNT; s++)
		for (size_t e = 0; e < EVENT_KIND_COUNT; e++)
			if (!seen[s][e])
				fail_msg("%s, event %zu", policy_state_name((enum policy_state)s),
					e);
}

/* ---- one slot ---------------------------------------------------------------------------------- */

/* What becomes of worker slot 0 in each state; RESTART is a new process in the same slot. */
static const struct {
	enum slot_state from;
	enum policy_event_kind event;
	enum slot_state to;
} slot_table[] = {
	{SLOT_FREE, EVENT_READY, SLOT_FREE},
	{SLOT_FREE, EVENT_EXITED, SLOT_FREE},
	{SLOT_STARTING, EVENT_READY, SLOT_READY},
	{SLOT_STARTING, EVENT_EXITED, SLOT_FREE}, /* and a pause */
	{SLOT_READY, EVENT_READY, SLOT_READY},
	{SLOT_READY, EVENT_EXITED, SLOT_STARTING}, /* at once, the next process */
	{SLOT_ENDING, EVENT_READY, SLOT_ENDING},
	{SLOT_ENDING, EVENT_EXITED, SLOT_FREE},
	{SLOT_KILLED, EVENT_READY, SLOT_KILLED},
	{SLOT_KILLED, EVENT_EXITED, SLOT_FREE},
};

/* Brings worker slot 0 into `to`, with a service that still serves. */
static void bring_slot(struct bench *bench, enum slot_state to)
{
	to_serving(bench);
	if (to == SLOT_READY)
		return;
	if (to == SLOT_STARTING) {
		worker(bench, EVENT_EXITED, 0);
		return;
	}
	happens(bench, EVENT_RELOAD);
	worker(bench, EVENT_READY, 2);
	if (to == SLOT_KILLED)
		later(bench, DRAIN_US + CLOCK_S);
	if (to == SLOT_FREE)
		worker(bench, EVENT_EXITED, 0);
}

static void every_slot_state_answers_what_its_process_does(void **state)
{
	static struct bench bench;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(slot_table); i++) {
		const struct slot *slot = &bench.policy.crews[ROLE_WORKER].slots[0];

		bring_slot(&bench, slot_table[i].from);
		assert_int_equal(slot->state, slot_table[i].from);
		worker(&bench, slot_table[i].event, 0);
		if (slot->state != slot_table[i].to)
			fail_msg("row %zu: %s", i, slot_state_name(slot->state));
	}
}

/* ---- starting ---------------------------------------------------------------------------------- */

static void the_first_tick_starts_every_process(void **state)
{
	static struct bench bench;

	(void)state;
	policy_init(&bench.policy, (const size_t[]){3, 1}, DRAIN_US);
	assert_string_equal(later(&bench, 0), "start w0.1 start w1.1 start w2.1 start s0.1");
	policy_init(&bench.policy, (const size_t[]){1, 0}, DRAIN_US);
	assert_string_equal(later(&bench, 0), "start w0.1");
}

static void ready_is_told_once_when_the_last_one_is(void **state)
{
	static struct bench bench;

	(void)state;
	to_starting(&bench);
	assert_string_equal(worker(&bench, EVENT_READY, 1), "");
	assert_string_equal(status(&bench, EVENT_READY, 0), "");
	assert_string_equal(worker(&bench, EVENT_READY, 0), "ready");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.1");
	assert_string_equal(worker(&bench, EVENT_READY, 0), "");
}

static void a_worker_that_was_ready_is_replaced_at_once_however_often(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	for (int i = 0; i < 100; i++) {
		assert_string_equal(worker(&bench, EVENT_EXITED, 1), "start w1.1");
		assert_string_equal(worker(&bench, EVENT_READY, 1), "");
	}
}

static void starts_that_fail_wait_longer_each_time_up_to_ten_seconds(void **state)
{
	static const int64_t pauses_ms[] = {100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000};
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	worker(&bench, EVENT_EXITED, 0);
	for (size_t i = 0; i < ARRAY_LEN(pauses_ms); i++) {
		assert_string_equal(worker(&bench, EVENT_EXITED, 0), "");
		assert_int_equal(
			policy_due_us(&bench.policy), bench.now_us + pauses_ms[i] * CLOCK_MS);
		assert_string_equal(later(&bench, pauses_ms[i] * CLOCK_MS - 1), "");
		assert_string_equal(later(&bench, 1), "start w0.1");
	}
}

static void a_start_that_works_ends_the_waiting(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	worker(&bench, EVENT_EXITED, 0);
	for (int i = 0; i < 5; i++) {
		worker(&bench, EVENT_EXITED, 0);
		later(&bench, 10 * CLOCK_S);
	}
	worker(&bench, EVENT_READY, 0);
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.1");
	worker(&bench, EVENT_EXITED, 0);
	assert_string_equal(later(&bench, 100 * CLOCK_MS), "start w0.1");
}

static void an_end_from_before_a_reload_does_not_keep_the_cure_waiting(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	worker(&bench, EVENT_EXITED, 0);
	for (int i = 0; i < 8; i++) {
		worker(&bench, EVENT_EXITED, 0);
		later(&bench, 10 * CLOCK_S);
	}
	happens(&bench, EVENT_RELOAD);
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.2");
}

static void a_process_that_never_gets_ready_is_killed_and_counts_as_failed(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	worker(&bench, EVENT_EXITED, 0);
	assert_string_equal(later(&bench, 30 * CLOCK_S - 1), "");
	assert_string_equal(later(&bench, 1), "kill w0");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "");
	assert_string_equal(later(&bench, 100 * CLOCK_MS), "start w0.1");
}

static void the_crews_fail_apart(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	status(&bench, EVENT_EXITED, 0);
	assert_string_equal(status(&bench, EVENT_EXITED, 0), "");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.1");
}

/* ---- reloading --------------------------------------------------------------------------------- */

static void a_reload_replaces_one_worker_after_the_other(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	assert_string_equal(happens(&bench, EVENT_RELOAD), "start w2.2 start s1.2");
	assert_string_equal(status(&bench, EVENT_READY, 1), "term s0");
	assert_string_equal(worker(&bench, EVENT_READY, 2), "term w0 start w3.2");
	assert_string_equal(worker(&bench, EVENT_READY, 3), "term w1 ready");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "");
	assert_string_equal(worker(&bench, EVENT_EXITED, 1), "");
	assert_string_equal(status(&bench, EVENT_EXITED, 0), "");
	assert_int_equal(policy_due_us(&bench.policy), INT64_MAX);
}

static void a_replacement_that_dies_young_leaves_the_old_one_serving(void **state)
{
	static struct bench bench;

	(void)state;
	to_rolling(&bench);
	assert_string_equal(worker(&bench, EVENT_EXITED, 2), "");
	assert_int_equal(workers_in(&bench, SLOT_READY), WORKERS);
	assert_int_equal(policy_due_us(&bench.policy), bench.now_us + 100 * CLOCK_MS);
	assert_string_equal(later(&bench, 100 * CLOCK_MS), "start w2.2");
	assert_int_equal(workers_in(&bench, SLOT_READY), WORKERS);
}

static void a_crash_amid_a_reload_is_made_up_for_first(void **state)
{
	static struct bench bench;

	(void)state;
	to_rolling(&bench);
	/* The replacement stands in for the one that died: nobody is asked to end for it. */
	assert_string_equal(worker(&bench, EVENT_EXITED, 1), "");
	assert_string_equal(worker(&bench, EVENT_READY, 2), "start w1.2");
	assert_string_equal(worker(&bench, EVENT_READY, 1), "term w0");
}

static void reloads_that_come_fast_are_one_more_reload(void **state)
{
	static struct bench bench;

	(void)state;
	to_rolling(&bench);
	for (int i = 0; i < 10; i++)
		assert_string_equal(happens(&bench, EVENT_RELOAD), "");
	/* What was begun ends one old process; what it began with is old by now. */
	assert_string_equal(worker(&bench, EVENT_READY, 2), "term w0 start w3.12");
	assert_string_equal(worker(&bench, EVENT_READY, 3), "term w1");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.12");
	assert_string_equal(worker(&bench, EVENT_READY, 0), "term w2");
}

static void a_reload_waits_for_a_slot_while_all_drain(void **state)
{
	static struct bench bench;

	(void)state;
	to_rolling(&bench);
	worker(&bench, EVENT_READY, 2);
	worker(&bench, EVENT_READY, 3);
	assert_int_equal(workers_in(&bench, SLOT_FREE), 0);
	assert_string_equal(happens(&bench, EVENT_RELOAD), "");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "start w0.3");
}

static void a_reload_cuts_the_wait_of_a_start_that_failed(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	worker(&bench, EVENT_EXITED, 0);
	for (int i = 0; i < 8; i++) {
		worker(&bench, EVENT_EXITED, 0);
		later(&bench, 10 * CLOCK_S);
	}
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "");
	assert_string_equal(happens(&bench, EVENT_RELOAD), "start w0.2 start s1.2");
}

/* ---- ending ------------------------------------------------------------------------------------ */

static void the_status_process_ends_last(void **state)
{
	static struct bench bench;

	(void)state;
	to_stopping(&bench);
	assert_string_equal(worker(&bench, EVENT_EXITED, 1), "");
	assert_string_equal(worker(&bench, EVENT_EXITED, 0), "term s0");
	assert_string_equal(status(&bench, EVENT_EXITED, 0), "end");
}

static void who_does_not_end_in_time_is_killed(void **state)
{
	static struct bench bench;

	(void)state;
	to_stopping(&bench);
	worker(&bench, EVENT_EXITED, 0);
	assert_int_equal(policy_due_us(&bench.policy), bench.now_us + DRAIN_US + 500 * CLOCK_MS);
	assert_string_equal(later(&bench, DRAIN_US), "");
	assert_string_equal(later(&bench, 500 * CLOCK_MS), "kill w1");
	assert_string_equal(worker(&bench, EVENT_EXITED, 1), "term s0");
	assert_string_equal(later(&bench, 5 * CLOCK_S), "kill s0");
	assert_string_equal(status(&bench, EVENT_EXITED, 0), "end");
}

static void a_reload_may_change_how_long_a_drain_lasts(void **state)
{
	static struct bench bench;

	(void)state;
	to_serving(&bench);
	policy_set_drain(&bench.policy, CLOCK_S);
	happens(&bench, EVENT_STOP);
	assert_string_equal(later(&bench, 1500 * CLOCK_MS), "kill w0 kill w1");
}

static void a_stop_without_a_living_process_is_over_at_once(void **state)
{
	static struct bench bench;

	(void)state;
	to_starting(&bench);
	worker(&bench, EVENT_EXITED, 0);
	worker(&bench, EVENT_EXITED, 1);
	status(&bench, EVENT_EXITED, 0);
	assert_string_equal(happens(&bench, EVENT_STOP), "stopping end");
}

static void nothing_starts_after_a_stop(void **state)
{
	static struct bench bench;

	(void)state;
	to_starting(&bench);
	worker(&bench, EVENT_EXITED, 0);
	happens(&bench, EVENT_STOP);
	assert_string_equal(later(&bench, CLOCK_S), "");
	assert_string_equal(worker(&bench, EVENT_EXITED, 1), "term s0");
}

/* ---- whatever happens -------------------------------------------------------------------------- */

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % below;
}

/* Anything that a pool could report next. */
static struct policy_event any_event(struct bench *bench, uint32_t *seed)
{
	struct policy_event event = {EVENT_TIME, ROLE_WORKER, 0};
	const uint32_t what = draw(seed, 100);

	if (what < 2)
		event.kind = EVENT_RELOAD;
	else if (what < 40)
		event.kind = EVENT_READY;
	else if (what < 55)
		event.kind = EVENT_EXITED;
	else
		bench->now_us += (int64_t)draw(seed, 400) * CLOCK_MS;
	if (draw(seed, 5) == 0)
		event.role = ROLE_STATUS;
	event.slot = draw(seed, (uint32_t)bench->policy.crews[event.role].slot_count);
	return event;
}

/* Asked to end is only who is replaced: the crew is complete without it. */
static void check_terms(const struct bench *bench)
{
	if (strstr(bench->acts, "term w") != NULL)
		assert_int_equal(workers_in(bench, SLOT_READY), WORKERS);
}

static void check_sizes(const struct bench *bench)
{
	for (enum role role = 0; role < ROLE_COUNT; role++) {
		const struct policy *policy = &bench->policy;
		const size_t wanted = policy->crews[role].wanted;
		const size_t serving = policy_count(policy, role, SLOT_STARTING) +
				       policy_count(policy, role, SLOT_READY);

		assert_true(policy_count(policy, role, SLOT_READY) <= wanted);
		assert_true(serving <= wanted + 1);
	}
}

static void no_course_of_events_leaves_the_pool_short_or_crowded(void **state)
{
	static struct bench bench;
	uint32_t seed = 20261124;

	(void)state;
	to_serving(&bench);
	for (int i = 0; i < 200000; i++) {
		step(&bench, any_event(&bench, &seed));
		check_terms(&bench);
		check_sizes(&bench);
		/* What is due was done: a caller who waits until then never spins. */
		assert_true(policy_due_us(&bench.policy) > bench.now_us);
	}
}

static void any_course_of_events_ends_after_a_stop(void **state)
{
	static struct bench bench;
	uint32_t seed = 4711;

	(void)state;
	for (int round = 0; round < 300; round++) {
		to_serving(&bench);
		for (int i = 0; i < 100; i++)
			step(&bench, any_event(&bench, &seed));
		happens(&bench, EVENT_STOP);
		later(&bench, DRAIN_US + CLOCK_S);
		for (size_t slot = 0; slot < 2 * WORKERS; slot++)
			worker(&bench, EVENT_EXITED, slot);
		later(&bench, 6 * CLOCK_S);
		for (size_t slot = 0; slot < 2; slot++)
			status(&bench, EVENT_EXITED, slot);
		assert_int_equal(bench.policy.state, POLICY_ENDED);
	}
}

/* ---- stalled threads --------------------------------------------------------------------------- */

static void a_thread_is_stalled_when_looks_find_one_beat_too_often(void **state)
{
	struct stall stall = {0};

	(void)state;
	assert_false(stall_look(&stall, 5, 3));
	assert_false(stall_look(&stall, 5, 3));
	assert_false(stall_look(&stall, 5, 3));
	assert_true(stall_look(&stall, 5, 3));
}

static void a_beat_clears_what_was_counted(void **state)
{
	struct stall stall = {0};

	(void)state;
	for (int64_t beat = 1; beat < 100; beat++) {
		assert_false(stall_look(&stall, beat, 2));
		assert_false(stall_look(&stall, beat, 2));
	}
}

static void a_thread_that_never_beat_is_not_judged(void **state)
{
	struct stall stall = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_false(stall_look(&stall, 0, 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_answers_every_event),
		cmocka_unit_test(the_table_leaves_out_no_state_and_no_event),
		cmocka_unit_test(every_slot_state_answers_what_its_process_does),
		cmocka_unit_test(the_first_tick_starts_every_process),
		cmocka_unit_test(ready_is_told_once_when_the_last_one_is),
		cmocka_unit_test(a_worker_that_was_ready_is_replaced_at_once_however_often),
		cmocka_unit_test(starts_that_fail_wait_longer_each_time_up_to_ten_seconds),
		cmocka_unit_test(a_start_that_works_ends_the_waiting),
		cmocka_unit_test(an_end_from_before_a_reload_does_not_keep_the_cure_waiting),
		cmocka_unit_test(a_process_that_never_gets_ready_is_killed_and_counts_as_failed),
		cmocka_unit_test(the_crews_fail_apart),
		cmocka_unit_test(a_reload_replaces_one_worker_after_the_other),
		cmocka_unit_test(a_replacement_that_dies_young_leaves_the_old_one_serving),
		cmocka_unit_test(a_crash_amid_a_reload_is_made_up_for_first),
		cmocka_unit_test(reloads_that_come_fast_are_one_more_reload),
		cmocka_unit_test(a_reload_waits_for_a_slot_while_all_drain),
		cmocka_unit_test(a_reload_cuts_the_wait_of_a_start_that_failed),
		cmocka_unit_test(the_status_process_ends_last),
		cmocka_unit_test(who_does_not_end_in_time_is_killed),
		cmocka_unit_test(a_reload_may_change_how_long_a_drain_lasts),
		cmocka_unit_test(a_stop_without_a_living_process_is_over_at_once),
		cmocka_unit_test(nothing_starts_after_a_stop),
		cmocka_unit_test(no_course_of_events_leaves_the_pool_short_or_crowded),
		cmocka_unit_test(any_course_of_events_ends_after_a_stop),
		cmocka_unit_test(a_thread_is_stalled_when_looks_find_one_beat_too_often),
		cmocka_unit_test(a_beat_clears_what_was_counted),
		cmocka_unit_test(a_thread_that_never_beat_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
