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
};

struct pq_result {
	bool bad;
};

static int live_results;

void pq_begin(struct pq_conn *conn)
{
	conn->queued = 0;
}

bool pq_queue(struct pq_conn *conn, const struct call *call)
{
	assert_int_equal(call->id, CALL_READ_CARD);
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

	(void)deadline_us;
	assert_true(conn->at < conn->length);
	event = conn->script[conn->at++];
	if (event == PQ_ROW) {
		*ret_result = calloc(1, sizeof(**ret_result));
		(*ret_result)->bad = conn->bad_row;
		live_results++;
	}
	if (event == PQ_ERROR)
		strcpy(ret_error->sqlstate, conn->sqlstate);
	return event;
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

bool pq_result_row(const struct pq_result *result, struct call_row *ret_row)
{
	if (result->bad)
		return false;
	*ret_row = (struct call_row){.status = 200, .detail = "", .body = ""};
	return true;
}

void pq_result_free(struct pq_result **result)
{
	if (*result != NULL)
		live_results--;
	free(*result);
	*result = NULL;
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

static struct wave run(struct pq_conn *conn, struct call *calls, size_t count)
{
	struct wave wave;

	wave_reset(&wave);
	for (size_t i = 0; i < count; i++) {
		call_start(&calls[i], CALL_READ_CARD);
		call_bytes(&calls[i], "token", 5);
		call_text(&calls[i], "id");
		assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[i]));
		wave_add(&wave, &calls[i]);
	}
	wave_run(&wave, conn, 1);
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
	const struct pq_error error = {.message = "refused"};
	struct call call = {0};
	struct wave wave;

	(void)state;
	wave_reset(&wave);
	call_start(&call, CALL_READ_CARD);
	wave_add(&wave, &call);
	wave_not_sent(&wave, &error);
	expect_all(&wave, OUTCOME_NOT_SENT);
	assert_int_equal(wave.calls[0].class, SQLSTATE_UNAVAILABLE);
	assert_string_equal(wave.calls[0].error.message, "refused");
}

static void a_wave_is_bounded_in_calls_and_in_bytes(void **state)
{
	static char big[WAVE_BYTES_MAX];
	struct call calls[WAVE_CALLS_MAX] = {0};
	struct wave wave;

	(void)state;
	wave_reset(&wave);
	for (size_t i = 0; i < WAVE_CALLS_MAX; i++) {
		call_start(&calls[i], CALL_READ_CARD);
		assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[i]));
		assert_int_equal(wave_has_room(&wave, 2, &calls[i]), i < 2);
		wave_add(&wave, &calls[i]);
	}
	assert_false(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[0]));

	memset(big, 'x', sizeof(big) - 1);
	wave_reset(&wave);
	call_start(&calls[0], CALL_READ_CARD);
	call_text(&calls[0], big);
	assert_true(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[0]));
	wave_add(&wave, &calls[0]);
	call_start(&calls[1], CALL_READ_CARD);
	call_text(&calls[1], "xx");
	assert_false(wave_has_room(&wave, WAVE_CALLS_MAX, &calls[1]));
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
	};

	return cmocka_run_group_tests_name("wave", tests, NULL, NULL);
}
