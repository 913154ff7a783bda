/*
 * A wave: the calls that one thread sends together, as one pipeline with a single sync.
 *
 * The dangerous argument, once: a row that arrives before the sync's own result proves nothing,
 * for the commit comes after it. Only outcome_of, given everything the pipeline showed, may call a
 * wave committed; until then its rows are held and not looked at.
 */
#include "db/wave.h"

#include <string.h>

#include "base/must.h"

#define NOBODY WAVE_CALLS_MAX /* no call owns the error: the commit itself failed */

/* What a run has seen so far. */
struct run {
	struct outcome_wave seen;
	size_t next;	       /* the call whose result comes next */
	size_t culprit;	       /* the call that failed, or NOBODY */
	struct pq_error error; /* the first error, or why the connection was lost */
};

void wave_reset(struct wave *wave)
{
	wave->count = 0;
	wave->bytes = 0;
}

static size_t call_bytes_total(const struct call *call)
{
	size_t bytes = 0;

	for (size_t i = 0; i < call->nargs; i++)
		if (call->values[i] != NULL)
			bytes += call->binary[i] ? (size_t)call->lengths[i]
						 : strlen(call->values[i]);
	return bytes;
}

bool wave_has_room(const struct wave *wave, size_t limit, const struct call *call)
{
	MUST(limit <= WAVE_CALLS_MAX);
	if (wave->count == 0)
		return true;
	return wave->count < limit && wave->bytes + call_bytes_total(call) <= WAVE_BYTES_MAX;
}

void wave_add(struct wave *wave, struct call *call)
{
	MUST(wave->count < WAVE_CALLS_MAX);
	call_release(call);
	wave->calls[wave->count++] = (struct wave_call){.call = call};
	wave->bytes += call_bytes_total(call);
}

static bool send_all(struct wave *wave, struct pq_conn *conn)
{
	pq_begin(conn);
	for (size_t i = 0; i < wave->count; i++)
		if (!pq_queue(conn, wave->calls[i].call))
			return false;
	return pq_sync(conn);
}

/* A second result for a call, or one after the last, is not a pipeline we understand. */
static bool take_result(struct wave *wave, struct run *run, struct pq_result *result)
{
	if (run->next >= wave->count) {
		pq_result_free(&result);
		return false;
	}
	wave->calls[run->next++].call->result = result;
	return true;
}

static void note_error(struct wave *wave, struct run *run, const struct pq_error *error)
{
	if (!run->seen.failed) {
		run->seen.failed = true;
		run->error = *error;
		run->culprit = run->next < wave->count ? run->next : NOBODY;
	}
	run->next++;
}

static void receive_all(
	struct wave *wave, struct pq_conn *conn, int64_t deadline_us, struct run *run)
{
	for (;;) {
		struct pq_result *result = NULL;
		struct pq_error error = {0};

		switch (pq_next(conn, deadline_us, &result, &error)) {
		case PQ_ROW:
			if (!take_result(wave, run, result))
				return;
			break;
		case PQ_ERROR:
			note_error(wave, run, &error);
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
			strcpy(run->error.message, "no answer before the deadline");
			return;
		}
		/* Every call and the commit fail at most once. */
		if (run->next > wave->count + 1)
			return;
	}
}

/* Turns the held results into rows. A committed call without a well-formed row would be a bug in
 * our own function: nobody could say what was applied, so it is UNKNOWN. */
static void read_row(struct wave_call *entry)
{
	if (entry->call->result != NULL && pq_result_row(entry->call->result, &entry->call->row))
		return;
	entry->outcome = OUTCOME_UNKNOWN;
	strcpy(entry->error.message, "no row of type answer");
}

static void settle(struct wave *wave, const struct run *run)
{
	size_t culprit = run->culprit;

	/* Alone in its wave, a call owns the error of its commit. */
	if (run->seen.failed && wave->count == 1)
		culprit = 0;
	for (size_t i = 0; i < wave->count; i++) {
		struct wave_call *entry = &wave->calls[i];

		entry->outcome = outcome_of(&run->seen, i == culprit);
		entry->error = run->error;
		entry->class = sqlstate_class(run->error.sqlstate, run->error.constraint,
			run->error.message, run->seen.conn_ok);
		if (entry->outcome == OUTCOME_COMMITTED)
			read_row(entry);
		else
			call_release(entry->call);
	}
}

void wave_run(struct wave *wave, struct pq_conn *conn, int64_t deadline_us)
{
	struct run run = {.culprit = NOBODY};

	MUST(wave->count > 0);
	/* From here on libpq may have flushed a part, so a failure to encode counts as sent. */
	run.seen.any_sent = true;
	if (send_all(wave, conn))
		receive_all(wave, conn, deadline_us, &run);
	run.seen.conn_ok = pq_idle(conn);
	run.seen.commit_doubt = pq_commit_doubt(conn);
	settle(wave, &run);
	if (!run.seen.sync_seen || !run.seen.conn_ok)
		pq_close(conn);
}

void wave_not_sent(struct wave *wave, const struct pq_error *error)
{
	const struct outcome_wave nothing = {0};

	for (size_t i = 0; i < wave->count; i++) {
		struct wave_call *entry = &wave->calls[i];

		entry->outcome = outcome_of(&nothing, false);
		entry->class = SQLSTATE_UNAVAILABLE;
		entry->error = *error;
	}
}
