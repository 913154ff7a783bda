/*
 * What the supervisor decides: a pure state machine that knows no process, no signal and no clock.
 *
 * The pool is two crews: the workers, and the one status process. A crew has a number of processes
 * it wants, and twice as many slots, so that a replacement can start and an old process drain side
 * by side. proc/pool tells what happened, with the time; the answer is a list of things to do.
 *
 * Three rules make the rest:
 *   - a crew that has fewer processes than it wants starts another at once, but for a growing pause
 *     after one that ended before it was ready: what cannot start will not start by trying harder;
 *   - a reload raises the generation; while a crew has an old process, it starts one new process,
 *     waits until that is ready, and only then asks one old process to end; so it is never short;
 *   - whoever was asked to end and does not is killed.
 *
 * Not thread-safe; nothing here fails.
 */
#ifndef PROC_SUPERVISOR_H
#define PROC_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPERVISOR_WORKERS_MAX 64
#define SUPERVISOR_SLOTS_MAX   ((size_t)2 * SUPERVISOR_WORKERS_MAX)
#define SUPERVISOR_ACTIONS_MAX (4 * SUPERVISOR_SLOTS_MAX + 8)

enum role {
	ROLE_WORKER,
	ROLE_STATUS,
	ROLE_COUNT,
};

enum slot_state {
	SLOT_FREE,     /* no process */
	SLOT_STARTING, /* started, has not said that it is ready */
	SLOT_READY,    /* serves */
	SLOT_ENDING,   /* was asked to end, drains */
	SLOT_KILLED,   /* was killed, not reaped yet */
	SLOT_STATE_COUNT,
};

enum supervisor_state {
	SUPERVISOR_SERVING,
	SUPERVISOR_STOPPING, /* the workers drain; the status process still answers */
	SUPERVISOR_CLOSING,  /* no worker is left; the status process ends */
	SUPERVISOR_KILLING,  /* everything was killed, and is waited for */
	SUPERVISOR_ENDED,    /* no process is left */
	SUPERVISOR_STATE_COUNT,
};

struct slot {
	enum slot_state state;
	unsigned generation;
	int64_t due_us; /* STARTING: to be ready by then; ENDING: to be gone by then */
};

struct crew {
	size_t wanted;
	size_t slot_count;
	struct slot slots[SUPERVISOR_SLOTS_MAX];
	int early_ends;      /* in a row, that ended before they were ready */
	int64_t start_us;    /* no start before then */
	int64_t end_wait_us; /* time to end in, once asked */
};

struct supervisor {
	enum supervisor_state state;
	unsigned generation; /* of the configuration; counts from 1 */
	bool told_ready;     /* since the start or the last reload */
	struct crew crews[ROLE_COUNT];
};

enum supervisor_event_kind {
	EVENT_TIME,   /* nothing but time passed */
	EVENT_READY,  /* the process in that slot serves */
	EVENT_EXITED, /* the process in that slot is gone, or could not be made */
	EVENT_STOP,   /* somebody wants the service to end; again: at once */
	EVENT_RELOAD, /* a new configuration is in force */
	EVENT_REOPEN, /* logs are to be opened anew */
	EVENT_LEVEL,  /* another log level is in force */
	EVENT_KIND_COUNT,
};

struct supervisor_event {
	enum supervisor_event_kind kind;
	enum role role; /* this and `slot`: EVENT_READY and EVENT_EXITED */
	size_t slot;
};

enum supervisor_action_kind {
	ACTION_START,         /* start a process of this role and generation in this slot */
	ACTION_TERM,          /* ask it to end */
	ACTION_KILL,          /* do not ask */
	ACTION_REOPEN,        /* tell it to open its log anew */
	ACTION_LEVEL,         /* tell it to look which log level is in force */
	ACTION_TELL_READY,    /* every crew is complete and of the present generation */
	ACTION_TELL_STOPPING, /* the service begins to end */
	ACTION_END,           /* nothing is left: return */
};

struct supervisor_action {
	enum supervisor_action_kind kind;
	enum role role;
	size_t slot;
	unsigned generation; /* of the process in question */
	const char *why;     /* ACTION_TERM, ACTION_KILL: for the log */
};

struct supervisor_actions {
	size_t count;
	struct supervisor_action list[SUPERVISOR_ACTIONS_MAX];
};

/* A supervisor of `workers` (1 to SUPERVISOR_WORKERS_MAX) processes and, unless `status` is false,
 * the status process. A process asked to end has `drain_us` before it is killed. The first
 * EVENT_TIME starts everything. */
void supervisor_init(struct supervisor *sup, size_t workers, bool status, int64_t drain_us);
/* A reload may change how long a worker may drain. */
void supervisor_set_drain(struct supervisor *sup, int64_t drain_us);

/* Takes one event at `now_us` and fills *ret_actions with what is to be done, in order. An event
 * that does not fit (ready or gone in a free slot) changes nothing. */
void supervisor_step(struct supervisor *sup, struct supervisor_event event, int64_t now_us,
	struct supervisor_actions *ret_actions);

/* When the next EVENT_TIME is due; INT64_MAX when only an event can change anything. */
int64_t supervisor_due_us(const struct supervisor *sup);

/* Processes of a crew in that state. */
size_t supervisor_count(const struct supervisor *sup, enum role role, enum slot_state state);

const char *role_name(enum role role);
const char *slot_state_name(enum slot_state state);
const char *supervisor_state_name(enum supervisor_state state);

#endif
