/* The sweep: keys that were kept long enough go. */
#include "proc/sweep.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define STEP_US  (100 * CLOCK_MS) /* between two steps of a walk */
#define REST_US  (10 * CLOCK_S)   /* between two walks */
#define LIMIT_US (2 * CLOCK_S)    /* a step that takes longer is given up */

static int64_t jitter(int64_t us)
{
	return us / 2 + (int64_t)randombytes_uniform((uint32_t)us);
}

void sweep_init(struct sweep *sweep, int64_t now_us)
{
	*sweep = (struct sweep){.due_us = now_us + jitter(REST_US)};
}

void sweep_fini(struct sweep *sweep)
{
	call_release(&sweep->call);
}

static void send_step(struct sweep *sweep, long keep_hours, struct wave *wave, struct pq_conn *conn,
	int64_t now_us)
{
	struct mem_arena arena = {0};

	call_start(&sweep->call, CALL_SWEEP_WRITES);
	call_text(&sweep->call, mem_arena_printf(&arena, "%ld hours", keep_hours));
	call_integer(&sweep->call, &arena, sweep->block);
	wave_reset(wave, WAVE_SINGLES);
	wave_add(wave, &sweep->call);
	wave_run(wave, conn, now_us + LIMIT_US);
	mem_arena_free(&arena);
}

/* Where the row says that the walk goes on; at the table's end it starts anew. */
static void go_on(struct sweep *sweep, const char *next, int64_t now_us)
{
	bool ended = *next == '\0';

	sweep->block = ended ? 0 : strtoll(next, NULL, 10);
	sweep->due_us = now_us + jitter(ended ? REST_US : STEP_US);
}

uint64_t sweep_step(struct sweep *sweep, long keep_hours, struct wave *wave, struct pq_conn *conn,
	int64_t now_us)
{
	uint64_t gone = 0;

	if (now_us < sweep->due_us)
		return 0;
	send_step(sweep, keep_hours, wave, conn, now_us);
	if (wave->calls[0].outcome == OUTCOME_COMMITTED) {
		gone = (uint64_t)sweep->call.row.version;
		go_on(sweep, sweep->call.row.detail, now_us);
	} else {
		log_warn("sweep of old keys failed code=%s error=\"%s\"",
			wave->calls[0].error.sqlstate, wave->calls[0].error.message);
		go_on(sweep, "", now_us);
	}
	call_release(&sweep->call);
	return gone;
}
