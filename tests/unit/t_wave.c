/*
 * The wave against a scripted pipeline: every position at which it can be cut, every kind of error,
 * and what may then be said of each call.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/must.h"
#include "db/wave.h"

/* ---- the scripted pipeline ----------------------------------------------------------------- */

struct pq_conn {
	const enum pq_event *script;
	size_t length;
	size_t at;
	size_t queued;
	size_t refuse_at; /* pq_queue fails for this call; SIZE_MAX: never */
	bool refuse_sync;
	const char *sqlstate; /* of every PQ_ERROR */
	bool idle;
	bool doubt;
	bool bad_row;
	bool closed;
	size_t queries;               /* queries queued so far */
	size_t items[WAVE_CALLS_MAX]; /* calls in each */
	size_t answered;              /* results given so far */
	bool twice;                   /* a set answers its first item twice */
	size_t told;                  /* pq_tell was called so often */
	size_t cancels;               /* pq_cancel was */
	bool on_its_way;              /* the request to cancel has not arrived */
	int64_t until_us;             /* what pq_next was given last */
};

struct pq_result {
	size_t rows;
	size_t owners;
	bool bad;
	bool twice;
};

static int live_results;

void pq_begin(struct pq_conn *conn)
{
	conn->queued = 0;
	conn->queries = 0;
}

bool pq_queue(struct pq_conn *conn, const struct call *call)
{
	assert_int_equal(call->nargs, 2);
	conn->items[conn->queries++] = 1;
	return conn->queued++ != conn->refuse_at;
}

bool pq_queue_set(struct pq_conn *conn, const struct call *const *calls, size_t count)
{
	for (size_t i = 1; i < count; i++)
		assert_int_equal(calls[i]->id, calls[0]->id);
	conn->items[conn->queries++] = count;
	return conn->queued++ != conn->refuse_at;
}

bool pq_sync(struct pq_conn *conn)
{
	return !conn->refuse_sync;
}

enum pq_event pq_next(struct pq_conn *conn, int64_t deadline_us, struct pq_result **ret_result,
	struct pq_error *ret_error)
{
	enum pq_event event;

	conn->until_us = deadline_us;
	assert_true(conn->at < conn->length);
	event = conn->script[conn->at++];
	if (event == PQ_ROW) {
		*ret_result = calloc(1, sizeof(**ret_result));
		**ret_result = (struct pq_result){.rows = conn->items[conn->answered++],
			.owners = 1,
			.bad = conn->bad_row,
			.twice = conn->twice};
		live_results++;
	}
	if (event == PQ_ERROR)
		strcpy(ret_error->sqlstate, conn->sqlstate);
	return event;
}

bool pq_tell(struct pq_conn *conn)
{
	assert_int_equal(conn->queued, conn->queries);
	conn->told++;
	return true;
}

void pq_cancel(struct pq_conn *conn)
{
	conn->cancels++;
}

bool pq_cancel_over(struct pq_conn *conn, int64_t deadline_us)
{
	(void)deadline_us;
	return !conn->on_its_way;
}

bool pq_idle(const struct pq_conn *conn)
{
	return conn->idle;
}

bool pq_commit_doubt(const struct pq_conn *conn)
{
	return conn->doubt;
}

void pq_close(struct pq_conn *conn)
{
	conn->closed = true;
}

size_t pq_result_rows(const struct pq_result *result)
{
	return result->rows;
}

/* Items are answered in reverse: only their numbers say whose a row is. */
bool pq_result_row(
	const struct pq_result *result, size_t row, size_t *ret_item, struct call_row *ret_row)
{
	if (result->bad)
		return false;
	*ret_item = result->twice ? 1 : result->rows - row;
	*ret_row = (struct call_row){
		.status = 200, .version = (int)*ret_item, .detail = "", .body = ""};
	return true;
}

struct pq_result *pq_result_share(struct pq_result *result)
{
	result->owners++;
	return result;
}

void pq_result_free(struct pq_result **ptr)
{
	struct pq_result *result = *ptr;

	*ptr = NULL;
	if (result == NULL || --result->owners > 0)
		return;
	live_results--;
	free(result);
}

/* ---- helpers ------------------------------------------------------------------------------- */

#define CALLS 3

static struct pq_conn scripted(const enum pq_event *script, size_t length)
{
	return (struct pq_conn){.script = script,
		.length = length,
		.refuse_at = SIZE_MAX,
		.sqlstate = "40P01",
		.idle = true};
}

/* The script says what comes in time. */
static const struct wave_limits past = {.deadline_us = 1};

static struct wave run(struct pq_conn *conn, struct call *calls, size_t count)
{
	struct wave wave;

	wave_reset(&wave, WAVE_SETWISE);
	for (size_t i = 0; i < count; i++) {
		call_start(&calls[i], CALL_READ_CARD);
		call_bytes(&calls[i], "token", 5);
		call_text(&calls[i], "id");
		assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[i]));
		wave_add(&wave, &calls[i]);
	}
	wave_run(&wave, conn, &past);
	return wave;
}

static void release(struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		call_release(&calls[i]);
	assert_int_equal(live_results, 0);
}

static void expect_all(const struct wave *wave, enum outcome_kind outcome)
{
	for (size_t i = 0; i < wave->count; i++)
		assert_int_equal(wave->calls[i].outcome, outcome);
}

/* A wave of updates, each of the card its letter names. */
static struct wave updates(struct call *calls, const char *cards, enum wave_form form)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct wave wave;

	wave_reset(&wave, form);
	for (size_t i = 0; cards[i] != '\0'; i++) {
		call_start(&calls[i], CALL_UPDATE_CARD);
		call_bytes(&calls[i], "token", 5);
		call_text(&calls[i], "write");
		call_text(&calls[i], names[cards[i] - 'a']);
		calls[i].nargs = 2; /* the pipeline looks no further */
		wave_add(&wave, &calls[i]);
	}
	return wave;
}

static const enum pq_event good[] = {PQ_ROW, PQ_ROW, PQ_ROW, PQ_SYNCED};

/* ---- tests --------------------------------------------------------------------------------- */

static void a_wave_whose_sync_arrives_is_committed(void **state)
{
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(good, ARRAY_LEN(good));
	struct wave wave = run(&conn, calls, CALLS);

	(void)state;
	expect_all(&wave, OUTCOME_COMMITTED);
	for (size_t i = 0; i < CALLS; i++)
		assert_int_equal(calls[i].row.status, 200);
	assert_false(conn.closed);
	release(calls, CALLS);
}

static void a_cut_at_any_position_before_the_sync_leaves_all_unknown(void **state)
{
	static const enum pq_event cuts[] = {PQ_LOST, PQ_LATE};

	(void)state;
	for (size_t how = 0; how < ARRAY_LEN(cuts); how++) {
		for (size_t at = 0; at < ARRAY_LEN(good); at++) {
			enum pq_event script[ARRAY_LEN(good)];
			struct call calls[CALLS] = {0};
			struct pq_conn conn = scripted(script, at + 1);
			struct wave wave;

			memcpy(script, good, sizeof(good));
			script[at] = cuts[how];
			conn.idle = false;
			wave = run(&conn, calls, CALLS);
			expect_all(&wave, OUTCOME_UNKNOWN);
			assert_true(conn.closed);
			release(calls, CALLS);
		}
	}
}

static void an_error_is_its_calls_own_and_rolls_its_neighbours_back(void **state)
{
	(void)state;
	for (size_t at = 0; at < CALLS; at++) {
		enum pq_event script[] = {PQ_ROW, PQ_ROW, PQ_ROW, PQ_SYNCED};
		struct call calls[CALLS] = {0};
		struct pq_conn conn = scripted(script, ARRAY_LEN(script));
		struct wave wave;

		script[at] = PQ_ERROR;
		for (size_t i = at + 1; i < CALLS; i++)
			script[i] = PQ_SKIPPED;
		wave = run(&conn, calls, CALLS);
		for (size_t i = 0; i < CALLS; i++)
			assert_int_equal(wave.calls[i].outcome,
				i == at ? OUTCOME_ROLLED_BACK : OUTCOME_NEIGHBOUR);
		assert_int_equal(wave.calls[at].class, SQLSTATE_TRANSIENT);
		assert_string_equal(wave.calls[at].error.sqlstate, "40P01");
		assert_false(conn.closed);
		release(calls, CALLS);
	}
}

static void an_error_of_the_commit_is_nobodys_unless_the_call_is_alone(void **state)
{
	static const enum pq_event three[] = {PQ_ROW, PQ_ROW, PQ_ROW, PQ_ERROR, PQ_SYNCED};
	static const enum pq_event one[] = {PQ_ROW, PQ_ERROR, PQ_SYNCED};
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(three, ARRAY_LEN(three));
	struct wave wave = run(&conn, calls, CALLS);

	(void)state;
	expect_all(&wave, OUTCOME_NEIGHBOUR);
	release(calls, CALLS);
	conn = scripted(one, ARRAY_LEN(one));
	wave = run(&conn, calls, 1);
	expect_all(&wave, OUTCOME_ROLLED_BACK);
	release(calls, CALLS);
}

static void a_connection_that_ends_with_the_error_leaves_all_unknown(void **state)
{
	static const enum pq_event script[] = {PQ_ROW, PQ_ERROR, PQ_LOST};
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	struct wave wave;

	(void)state;
	conn.sqlstate = "57P01";
	conn.idle = false;
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_int_equal(wave.calls[0].class, SQLSTATE_LOST);
	assert_string_equal(wave.calls[0].error.sqlstate, "57P01");
	assert_true(conn.closed);
	release(calls, CALLS);
}

static void a_doubtful_commit_or_an_open_transaction_is_unknown(void **state)
{
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(good, ARRAY_LEN(good));
	struct wave wave;

	(void)state;
	conn.doubt = true;
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	release(calls, CALLS);
	conn = scripted(good, ARRAY_LEN(good));
	conn.idle = false;
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	release(calls, CALLS);
}

static void what_could_not_be_encoded_whole_counts_as_perhaps_sent(void **state)
{
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(good, 0);
	struct wave wave;

	(void)state;
	conn.refuse_at = 2;
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	conn = scripted(good, 0);
	conn.refuse_sync = true;
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	release(calls, CALLS);
}

static void a_pipeline_that_talks_too_much_is_cut_off(void **state)
{
	static const enum pq_event rows[] = {PQ_ROW, PQ_ROW, PQ_ROW, PQ_ROW, PQ_SYNCED};
	static const enum pq_event errors[] = {PQ_ERROR, PQ_ERROR, PQ_ERROR, PQ_ERROR, PQ_ERROR};
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(rows, ARRAY_LEN(rows));
	struct wave wave = run(&conn, calls, CALLS);

	(void)state;
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	release(calls, CALLS);
	conn = scripted(errors, ARRAY_LEN(errors));
	wave = run(&conn, calls, CALLS);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	release(calls, CALLS);
}

static void a_committed_call_without_a_row_is_unknown_to_us(void **state)
{
	static const enum pq_event one[] = {PQ_ROW, PQ_SYNCED};
	struct call calls[CALLS] = {0};
	struct pq_conn conn = scripted(one, ARRAY_LEN(one));
	struct wave wave;

	(void)state;
	conn.bad_row = true;
	wave = run(&conn, calls, 1);
	expect_all(&wave, OUTCOME_UNKNOWN);
	release(calls, CALLS);
}

static void without_a_connection_nothing_was_sent(void **state)
{
	struct call call = {0};
	struct wave wave;

	(void)state;
	wave_reset(&wave, WAVE_SETWISE);
	call_start(&call, CALL_READ_CARD);
	wave_add(&wave, &call);
	wave_not_sent(&wave);
	expect_all(&wave, OUTCOME_NOT_SENT);
	assert_int_equal(wave.calls[0].class, SQLSTATE_UNAVAILABLE);
	assert_string_equal(wave.calls[0].error.message, "no connection");
}

static void a_wave_is_bounded_in_calls_and_in_bytes(void **state)
{
	static char big[WAVE_BYTES_MAX];
	struct call calls[WAVE_CALLS_MAX] = {0};
	struct wave wave;

	(void)state;
	wave_reset(&wave, WAVE_SETWISE);
	for (size_t i = 0; i < WAVE_CALLS_MAX; i++) {
		call_start(&calls[i], CALL_READ_CARD);
		assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[i]));
		assert_int_equal(wave_has_room(&wave, 2, &calls[i]), i < 2);
		wave_add(&wave, &calls[i]);
	}
	assert_false(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[0]));

	memset(big, 'x', sizeof(big) - 1);
	wave_reset(&wave, WAVE_SETWISE);
	call_start(&calls[0], CALL_READ_CARD);
	call_text(&calls[0], big);
	assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[0]));
	wave_add(&wave, &calls[0]);
	call_start(&calls[1], CALL_READ_CARD);
	call_text(&calls[1], "xx");
	assert_false(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[1]));
}

static void calls_of_one_kind_travel_as_a_set_where_it_pays(void **state)
{
	static const struct {
		const char *cards;
		enum wave_form form;
		size_t queries;
		size_t items[8];
	} cases[] = {
		{"abcd", WAVE_SETWISE, 1, {4}},
		{"abc", WAVE_SETWISE, 3, {1, 1, 1}},
		{"abcd", WAVE_SINGLES, 4, {1, 1, 1, 1}},
		/* a set may name a card several times */
		{"aabcd", WAVE_SETWISE, 1, {5}},
		{"aaaa", WAVE_SETWISE, 1, {4}},
	};
	static const enum pq_event many[] = {PQ_ROW, PQ_ROW, PQ_ROW, PQ_ROW, PQ_SYNCED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call calls[WAVE_CALLS_MAX] = {0};
		struct wave wave = updates(calls, cases[i].cards, cases[i].form);
		struct pq_conn conn = scripted(
			many + (ARRAY_LEN(many) - 1 - cases[i].queries), cases[i].queries + 1);

		wave_run(&wave, &conn, &past);
		assert_int_equal(conn.queries, cases[i].queries);
		for (size_t k = 0; k < conn.queries; k++)
			assert_int_equal(conn.items[k], cases[i].items[k]);
		expect_all(&wave, OUTCOME_COMMITTED);
		release(calls, WAVE_CALLS_MAX);
	}
}

static void rows_of_a_set_find_their_calls_by_number(void **state)
{
	static const enum pq_event script[] = {PQ_ROW, PQ_SYNCED};
	struct call calls[4] = {0};
	struct wave wave = updates(calls, "abcd", WAVE_SETWISE);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));

	(void)state;
	wave_run(&wave, &conn, &past);
	for (int i = 0; i < 4; i++)
		assert_int_equal(calls[i].row.version, i + 1);
	release(calls, 4);
}

static void a_set_that_answers_an_item_twice_is_unknown(void **state)
{
	static const enum pq_event script[] = {PQ_ROW, PQ_SYNCED};
	struct call calls[4] = {0};
	struct wave wave = updates(calls, "abcd", WAVE_SETWISE);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));

	(void)state;
	conn.twice = true;
	wave_run(&wave, &conn, &past);
	expect_all(&wave, OUTCOME_UNKNOWN);
	release(calls, 4);
}

static void the_error_of_a_set_is_nobodys_own(void **state)
{
	static const enum pq_event script[] = {PQ_ERROR, PQ_SYNCED};
	struct call calls[4] = {0};
	struct wave wave = updates(calls, "abcd", WAVE_SETWISE);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));

	(void)state;
	wave_run(&wave, &conn, &past);
	expect_all(&wave, OUTCOME_NEIGHBOUR);
	assert_false(conn.closed);
	release(calls, 4);
}

/* ---- what takes too long ------------------------------------------------------------------- */

#define WORK_US (100 * CLOCK_MS)

static struct wave_limits ahead(void)
{
	return (struct wave_limits){
		.deadline_us = clock_mono_us() + 60 * CLOCK_S, .work_us = WORK_US};
}

static void who_ran_over_is_stopped_and_its_neighbours_are_free_to_go_again(void **state)
{
	static const enum pq_event script[] = {PQ_LATE, PQ_ROW, PQ_ERROR, PQ_SKIPPED, PQ_SYNCED};
	struct call calls[3] = {0};
	struct wave wave = updates(calls, "abc", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	const struct wave_limits limits = ahead();

	(void)state;
	conn.sqlstate = "57014";
	wave_run(&wave, &conn, &limits);
	assert_int_equal(conn.cancels, 1);
	assert_true(wave.cancelled);
	assert_false(wave.abandoned);
	assert_int_equal(wave.calls[0].outcome, OUTCOME_NEIGHBOUR);
	assert_int_equal(wave.calls[1].outcome, OUTCOME_ROLLED_BACK);
	assert_int_equal(wave.calls[1].class, SQLSTATE_OVERRUN);
	assert_int_equal(wave.calls[2].outcome, OUTCOME_NEIGHBOUR);
	assert_false(conn.closed);
	release(calls, 3);
}

static void a_connection_to_which_a_cancel_is_on_its_way_is_not_used_again(void **state)
{
	static const enum pq_event script[] = {PQ_LATE, PQ_ERROR, PQ_SYNCED};
	struct call calls[1] = {0};
	struct wave wave = updates(calls, "a", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	const struct wave_limits limits = ahead();

	(void)state;
	conn.sqlstate = "57014";
	conn.on_its_way = true;
	wave_run(&wave, &conn, &limits);
	expect_all(&wave, OUTCOME_ROLLED_BACK);
	assert_true(conn.closed);
	release(calls, 1);
}

static void what_does_not_stop_is_given_up_and_unknown(void **state)
{
	static const enum pq_event script[] = {PQ_LATE, PQ_LATE};
	struct call calls[3] = {0};
	struct wave wave = updates(calls, "abc", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	const struct wave_limits limits = ahead();

	(void)state;
	conn.idle = false;
	wave_run(&wave, &conn, &limits);
	assert_int_equal(conn.cancels, 1);
	assert_true(conn.until_us < limits.deadline_us);
	expect_all(&wave, OUTCOME_UNKNOWN);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(wave.calls[i].class, SQLSTATE_OVERRUN);
	assert_true(wave.abandoned);
	assert_true(wave.silent);
	assert_true(conn.closed);
	release(calls, 3);
}

static void a_wave_that_ends_after_all_is_committed(void **state)
{
	static const enum pq_event script[] = {PQ_LATE, PQ_ROW, PQ_SYNCED};
	struct call calls[1] = {0};
	struct wave wave = updates(calls, "a", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	const struct wave_limits limits = ahead();

	(void)state;
	wave_run(&wave, &conn, &limits);
	expect_all(&wave, OUTCOME_COMMITTED);
	assert_true(wave.cancelled);
	release(calls, 1);
}

/* A disk may take a second for a commit: to cancel that would make things worse. Once nobody waits for it
 * any more, its server process is not to wait for a standby for ever. */
static void a_commit_is_waited_for_until_the_deadline_and_then_its_wait_is_cancelled(void **state)
{
	static const enum pq_event script[] = {PQ_ROW, PQ_ROW, PQ_LATE};
	struct call calls[2] = {0};
	struct wave wave = updates(calls, "ab", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));
	const struct wave_limits limits = ahead();

	(void)state;
	conn.idle = false;
	wave_run(&wave, &conn, &limits);
	assert_int_equal(conn.until_us, limits.deadline_us);
	assert_int_equal(conn.cancels, 1);
	assert_true(wave.unconfirmed);
	assert_false(wave.cancelled);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_int_equal(wave.calls[0].class, SQLSTATE_LOST);
	assert_true(wave.worked_us < WORK_US);
	release(calls, 2);
}

static void at_the_deadline_nobody_waits_for_the_cancel(void **state)
{
	static const enum pq_event script[] = {PQ_LATE};
	struct call calls[1] = {0};
	struct wave wave = updates(calls, "a", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));

	(void)state;
	conn.idle = false;
	wave_run(&wave, &conn, &past);
	assert_int_equal(conn.cancels, 1);
	expect_all(&wave, OUTCOME_UNKNOWN);
	assert_true(conn.closed);
	assert_false(wave.silent); /* it had no time to say anything */
	release(calls, 1);
}

static void a_wave_that_writes_has_the_end_of_its_statements_told(void **state)
{
	static const enum pq_event script[] = {PQ_ROW, PQ_ROW, PQ_SYNCED};
	struct call calls[CALLS] = {0};
	struct wave wave = updates(calls, "ab", WAVE_SINGLES);
	struct pq_conn conn = scripted(script, ARRAY_LEN(script));

	(void)state;
	wave_run(&wave, &conn, &past);
	assert_int_equal(conn.told, 1);
	release(calls, CALLS);
	conn = scripted(good, ARRAY_LEN(good));
	wave = run(&conn, calls, CALLS);
	assert_int_equal(conn.told, 0);
	release(calls, CALLS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wave_whose_sync_arrives_is_committed),
		cmocka_unit_test(a_cut_at_any_position_before_the_sync_leaves_all_unknown),
		cmocka_unit_test(an_error_is_its_calls_own_and_rolls_its_neighbours_back),
		cmocka_unit_test(an_error_of_the_commit_is_nobodys_unless_the_call_is_alone),
		cmocka_unit_test(a_connection_that_ends_with_the_error_leaves_all_unknown),
		cmocka_unit_test(a_doubtful_commit_or_an_open_transaction_is_unknown),
		cmocka_unit_test(what_could_not_be_encoded_whole_counts_as_perhaps_sent),
		cmocka_unit_test(a_pipeline_that_talks_too_much_is_cut_off),
		cmocka_unit_test(a_committed_call_without_a_row_is_unknown_to_us),
		cmocka_unit_test(without_a_connection_nothing_was_sent),
		cmocka_unit_test(a_wave_is_bounded_in_calls_and_in_bytes),
		cmocka_unit_test(calls_of_one_kind_travel_as_a_set_where_it_pays),
		cmocka_unit_test(rows_of_a_set_find_their_calls_by_number),
		cmocka_unit_test(a_set_that_answers_an_item_twice_is_unknown),
		cmocka_unit_test(the_error_of_a_set_is_nobodys_own),
		cmocka_unit_test(who_ran_over_is_stopped_and_its_neighbours_are_free_to_go_again),
		cmocka_unit_test(a_connection_to_which_a_cancel_is_on_its_way_is_not_used_again),
		cmocka_unit_test(what_does_not_stop_is_given_up_and_unknown),
		cmocka_unit_test(a_wave_that_ends_after_all_is_committed),
		cmocka_unit_test(
			a_commit_is_waited_for_until_the_deadline_and_then_its_wait_is_cancelled),
		cmocka_unit_test(at_the_deadline_nobody_waits_for_the_cancel),
		cmocka_unit_test(a_wave_that_writes_has_the_end_of_its_statements_told),
	};

	return cmocka_run_group_tests_name("wave", tests, NULL, NULL);
}
