/*
 * A wave: the calls that one thread sends together, as one pipeline with a single sync.
 *
 * The dangerous argument, once: a row that arrives before the sync's own result proves nothing,
 * for the commit comes after it. Only outcome_of, given everything the pipeline showed, may call a
 * wave committed; until then its rows are held and not looked at.
 *
 * How a wave travels. Its calls are grouped into queries of the pipeline, each of them a set of calls
 * of one kind, or a single call. A set may name an entity several times: one of those calls changes
 * it, and the function settles the others after that one.
 */
#include "db/wave.h"

#include <string.h>

#include "base/clock.h"
#include "base/must.h"

#define NOBODY    WAVE_CALLS_MAX   /* no query owns the error: the commit itself failed */
#define CANCEL_US (500 * CLOCK_MS) /* a server that was asked to stop a statement has this long */

/* One query of the pipeline. */
struct query {
	struct wave_call *calls[WAVE_CALLS_MAX];
	size_t count;
	struct pq_result *result; /* held until the wave's fate is known */
};

/* What a run has seen so far. */
struct run {
	struct query queries[WAVE_CALLS_MAX];
	size_t count;
	size_t next;   /* the query whose result comes next */
	size_t failed; /* the query that failed, or NOBODY */
	struct outcome_wave seen;
	struct pq_error error; /* the first error, or why the connection was lost */
	int64_t began_us;
	int64_t worked_us; /* until the last statement's result came; 0: it has not */
	int64_t until_us;  /* what is awaited next is awaited until then */
	bool cancelled;
	int64_t cancelled_us;
	bool silent;      /* since then for CANCEL_US */
	bool commit_late; /* the statements were done, and the commit did not end before the deadline */
};

/* ---- filling ------------------------------------------------------------------------------- */

void wave_reset(struct wave *wave, enum wave_form form)
{
	wave->form = form;
	wave->count = 0;
	wave->bytes = 0;
}

bool wave_has_room(const struct wave *wave, size_t limit, const struct call *call)
{
	MUST(limit <= WAVE_CALLS_MAX);
	if (wave->count == 0)
		return true;
	return wave->count < limit && wave->bytes + call_size(call) <= WAVE_BYTES_MAX;
}

void wave_add(struct wave *wave, struct call *call)
{
	MUST(wave->count < WAVE_CALLS_MAX);
	call_release(call);
	wave->calls[wave->count] = (struct wave_call){.call = call};
	wave->count++;
	wave->bytes += call_size(call);
}

/* ---- grouping ------------------------------------------------------------------------------ */

/* The query that takes `entry`: the set of its kind, or a new one. */
static struct query *query_for(
	const struct wave *wave, struct run *run, const struct wave_call *entry)
{
	bool set = wave->form == WAVE_SETWISE && call_set_function(entry->call->id) != NULL;

	for (size_t i = 0; set && i < run->count; i++)
		if (run->queries[i].calls[0]->call->id == entry->call->id)
			return &run->queries[i];
	run->queries[run->count].count = 0;
	run->queries[run->count].result = NULL;
	return &run->queries[run->count++];
}

/* Makes single calls of sets too small to pay for arrays. */
static void ungroup_small(struct run *run)
{
	for (size_t i = 0; i < run->count; i++) {
		struct query *query = &run->queries[i];
		size_t extra = query->count - 1;

		if (query->count == 1 || query->count >= WAVE_SET_MIN)
			continue;
		memmove(query + 1 + extra, query + 1, (run->count - i - 1) * sizeof(*query));
		for (size_t k = 1; k <= extra; k++)
			query[k] = (struct query){.calls = {query->calls[k]}, .count = 1};
		query->count = 1;
		run->count += extra;
	}
}

static void group(struct wave *wave, struct run *run)
{
	for (size_t i = 0; i < wave->count; i++) {
		struct query *query = query_for(wave, run, &wave->calls[i]);

		query->calls[query->count++] = &wave->calls[i];
	}
	ungroup_small(run);
}

/* ---- sending and receiving ----------------------------------------------------------------- */

static bool send_query(const struct query *query, struct pq_conn *conn)
{
	const struct call *calls[WAVE_CALLS_MAX];

	if (query->count == 1)
		return pq_queue(conn, query->calls[0]->call);
	for (size_t i = 0; i < query->count; i++)
		calls[i] = query->calls[i]->call;
	return pq_queue_set(conn, calls, query->count);
}

/* Reads commit nothing, so what they take is their statements'. Of a wave that writes the server is
 * to tell when its statements are done: it sends that while the disk is at work. */
static bool may_commit_slowly(const struct run *run)
{
	const enum call_id first = run->queries[0].calls[0]->call->id;

	return call_kind(first) != CALL_READ;
}

static bool send_all(const struct run *run, struct pq_conn *conn)
{
	pq_begin(conn);
	for (size_t i = 0; i < run->count; i++)
		if (!send_query(&run->queries[i], conn))
			return false;
	if (may_commit_slowly(run) && !pq_tell(conn))
		return false;
	return pq_sync(conn);
}

/* A result after the last query's is not a pipeline we understand. */
static bool take_result(struct run *run, struct pq_result *result)
{
	if (run->next >= run->count) {
		pq_result_free(&result);
		return false;
	}
	run->queries[run->next++].result = result;
	return true;
}

static void note_error(struct run *run, const struct pq_error *error)
{
	if (!run->seen.failed) {
		run->seen.failed = true;
		run->error = *error;
		run->failed = run->next < run->count ? run->next : NOBODY;
	}
	run->next++;
}

/* The statements are done; what is left is the commit, which has until the deadline. */
static void note_work(struct run *run, const struct wave_limits *limits)
{
	if (run->next < run->count || run->worked_us > 0)
		return;
	run->worked_us = clock_mono_us() - run->began_us;
	run->until_us = limits->deadline_us;
}

/* What is awaited did not come in time. True when it is worth waiting on: statements that have run
 * over were cancelled now, and the server will say so. A commit that is late is not waited for, but its
 * server process is told: it may wait for a standby that is gone, and would do so until there are no
 * connections left. */
static bool cut_short(struct run *run, struct pq_conn *conn, const struct wave_limits *limits)
{
	const int64_t now_us = clock_mono_us();

	if (run->cancelled) {
		run->silent = run->until_us >= run->cancelled_us + CANCEL_US;
		return false;
	}
	pq_cancel(conn);
	if (run->next >= run->count) {
		run->commit_late = true;
		return false;
	}
	run->cancelled = true;
	run->cancelled_us = now_us;
	if (now_us >= limits->deadline_us)
		return false;
	run->until_us = now_us + CANCEL_US;
	if (run->until_us > limits->deadline_us)
		run->until_us = limits->deadline_us;
	return true;
}

static void note_late(struct run *run)
{
	if (run->seen.failed)
		return;
	if (run->cancelled)
		strcpy(run->error.sqlstate, "57014");
	strcpy(run->error.message, run->cancelled ? "cancelled, and did not end in time"
						  : "no answer before the deadline");
}

static void receive_all(struct pq_conn *conn, const struct wave_limits *limits, struct run *run)
{
	/* Every query and the commit fail at most once; more is a pipeline we do not understand. */
	while (run->next <= run->count + 1) {
		struct pq_result *result = NULL;
		struct pq_error error = {0};

		switch (pq_next(conn, run->until_us, &result, &error)) {
		case PQ_ROW:
			if (!take_result(run, result))
				return;
			break;
		case PQ_ERROR:
			note_error(run, &error);
			break;
		case PQ_SKIPPED:
			run->next++;
			break;
		case PQ_SYNCED:
			run->seen.sync_seen = true;
			return;
		case PQ_LOST:
			if (!run->seen.failed)
				run->error = error;
			return;
		case PQ_LATE:
			if (cut_short(run, conn, limits))
				break;
			note_late(run);
			return;
		}
		note_work(run, limits);
	}
}

/* ---- the end of a wave --------------------------------------------------------------------- */

/* Gives each call its row: every item answered once, or the query is not understood. */
static bool give_rows(struct query *query)
{
	if (query->result == NULL || pq_result_rows(query->result) != query->count)
		return false;
	for (size_t row = 0; row < query->count; row++) {
		struct call_row answer;
		struct call *call;
		size_t item;

		if (!pq_result_row(query->result, row, &item, &answer) || item < 1 ||
			item > query->count)
			return false;
		call = query->calls[item - 1]->call;
		if (call->result != NULL)
			return false;
		call->row = answer;
		call->result = pq_result_share(query->result);
		call->result_free = pq_result_free;
	}
	return true;
}

/* A committed call without a well-formed row would be a bug in our own function: nobody could say
 * what was applied, so it is UNKNOWN. */
static void read_rows(struct query *query)
{
	if (give_rows(query))
		return;
	for (size_t i = 0; i < query->count; i++) {
		struct wave_call *entry = query->calls[i];

		call_release(entry->call);
		entry->outcome = OUTCOME_UNKNOWN;
		strcpy(entry->error.message, "no row of type answer");
	}
}

static void give_outcomes(struct run *run, size_t i, bool own_error)
{
	struct query *query = &run->queries[i];
	bool committed = false;

	for (size_t k = 0; k < query->count; k++) {
		struct wave_call *entry = query->calls[k];

		entry->outcome = outcome_of(&run->seen, own_error);
		entry->error = run->error;
		entry->class = sqlstate_class(run->error.sqlstate, run->error.constraint,
			run->error.message, run->seen.conn_ok);
		committed = entry->outcome == OUTCOME_COMMITTED;
	}
	if (committed)
		read_rows(query);
	pq_result_free(&query->result);
}

/* What the statements may take begins when they are sent. */
static void start_run(struct run *run, const struct wave_limits *limits)
{
	run->failed = NOBODY;
	run->began_us = clock_mono_us();
	run->until_us = limits->deadline_us;
	if (limits->work_us > 0 && run->began_us + limits->work_us < limits->deadline_us)
		run->until_us = run->began_us + limits->work_us;
}

/* Whether the connection may carry another wave. */
static bool usable_after(struct run *run, struct pq_conn *conn)
{
	if (!run->seen.sync_seen || !run->seen.conn_ok)
		return false;
	return !run->cancelled || pq_cancel_over(conn, clock_mono_us() + CANCEL_US);
}

void wave_run(struct wave *wave, struct pq_conn *conn, const struct wave_limits *limits)
{
	struct run run = {0};

	MUST(wave->count > 0);
	start_run(&run, limits);
	group(wave, &run);
	/* From here on libpq may have flushed a part, so a failure to encode counts as sent. */
	run.seen.any_sent = true;
	if (send_all(&run, conn))
		receive_all(conn, limits, &run);
	run.seen.conn_ok = pq_idle(conn);
	run.seen.commit_doubt = pq_commit_doubt(conn);
	/* Alone in its wave, a call owns the error of its commit. */
	if (run.seen.failed && wave->count == 1)
		run.failed = 0;
	/* The error of a set does not say whose it is: all its calls are neighbours of it. */
	for (size_t i = 0; i < run.count; i++)
		give_outcomes(&run, i, i == run.failed && run.queries[i].count == 1);
	wave->worked_us = run.worked_us > 0 ? run.worked_us : clock_mono_us() - run.began_us;
	wave->cancelled = run.cancelled;
	wave->abandoned = run.cancelled && !run.seen.sync_seen;
	wave->silent = run.silent;
	wave->unconfirmed = run.commit_late || run.seen.commit_doubt;
	if (!usable_after(&run, conn))
		pq_close(conn);
}

void wave_not_sent(struct wave *wave)
{
	const struct outcome_wave nothing = {0};

	wave->worked_us = 0;
	wave->cancelled = false;
	wave->abandoned = false;
	wave->silent = false;
	wave->unconfirmed = false;
	for (size_t i = 0; i < wave->count; i++) {
		struct wave_call *entry = &wave->calls[i];

		entry->outcome = outcome_of(&nothing, false);
		entry->class = SQLSTATE_UNAVAILABLE;
		entry->error = (struct pq_error){.message = "no connection"};
	}
}
