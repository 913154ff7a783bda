/*
 * What the supervisor decides: a pure state machine that knows no process, no signal and no clock.
 *
 * There is a crew for each role: the workers, and the one status process. A crew has a number of processes
 * it wants, and twice as many slots, so that a replacement can start and an old process drain side
 * by side. supervisor/supervisor tells what happened, with the time; the answer is a list of things to do.
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
#ifndef SUPERVISOR_POLICY_H
#define SUPERVISOR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/role.h"

#define POLICY_SLOTS_MAX   ((size_t)2 * ROLE_PROCESSES_MAX)
#define POLICY_ACTIONS_MAX (4 * POLICY_SLOTS_MAX + 8)

enum slot_state {
	SLOT_FREE,     /* no process */
	SLOT_STARTING, /* started, has not said that it is ready */
	SLOT_READY,    /* serves */
	SLOT_ENDING,   /* was asked to end, drains */
	SLOT_KILLED,   /* was killed, not reaped yet */
	SLOT_STATE_COUNT,
};

enum policy_state {
	POLICY_SERVING,
	POLICY_STOPPING, /* the workers drain; the status process still answers */
	POLICY_CLOSING,  /* no worker is left; the status process ends */
	POLICY_KILLING,  /* everything was killed, and is waited for */
	POLICY_ENDED,    /* no process is left */
	POLICY_STATE_COUNT,
};

struct slot {
	enum slot_state state;
	unsigned generation;
	int64_t due_us; /* STARTING: to be ready by then; ENDING: to be gone by then */
};

struct crew {
	size_t wanted;
	size_t slot_count;
	struct slot slots[POLICY_SLOTS_MAX];
	int early_ends;      /* in a row, that ended before they were ready */
	int64_t start_us;    /* no start before then */
	int64_t end_wait_us; /* time to end in, once asked */
};

struct policy {
	enum policy_state state;
	unsigned generation; /* of the configuration; counts from 1 */
	bool told_ready;     /* since the start or the last reload */
	struct crew crews[ROLE_COUNT];
};

enum policy_event_kind {
	EVENT_TIME,   /* nothing but time passed */
	EVENT_READY,  /* the process in that slot serves */
	EVENT_EXITED, /* the process in that slot is gone, or could not be made */
	EVENT_STOP,   /* somebody wants the service to end; again: at once */
	EVENT_RELOAD, /* a new configuration is in force */
	EVENT_REOPEN, /* logs are to be opened anew */
	EVENT_LEVEL,  /* another log level is in force */
	EVENT_KIND_COUNT,
};

struct policy_event {
	enum policy_event_kind kind;
	enum role role; /* this and `slot`: EVENT_READY and EVENT_EXITED */
	size_t slot;
};

enum policy_action_kind {
	ACTION_START,         /* start a process of this role and generation in this slot */
	ACTION_TERM,          /* ask it to end */
	ACTION_KILL,          /* do not ask */
	ACTION_REOPEN,        /* tell it to open its log anew */
	ACTION_LEVEL,         /* tell it to look which log level is in force */
	ACTION_TELL_READY,    /* every crew is complete and of the present generation */
	ACTION_TELL_STOPPING, /* the service begins to end */
	ACTION_END,           /* nothing is left: return */
};

struct policy_action {
	enum policy_action_kind kind;
	enum role role;
	size_t slot;
	unsigned generation; /* of the process in question */
	const char *why;     /* ACTION_TERM, ACTION_KILL: for the log */
};

struct policy_actions {
	size_t count;
	struct policy_action list[POLICY_ACTIONS_MAX];
};

/* Wants so many processes of each role: 1 to ROLE_PROCESSES_MAX workers, of others there may be none. A
 * worker asked to end has `drain_us` before it is killed. The first EVENT_TIME starts everything. */
void policy_init(struct policy *policy, const size_t wanted[ROLE_COUNT], int64_t drain_us);
/* A reload may change how long a worker may drain. */
void policy_set_drain(struct policy *policy, int64_t drain_us);

/* Takes one event at `now_us` and fills *ret_actions with what is to be done, in order. An event
 * that does not fit (ready or gone in a free slot) changes nothing. */
void policy_step(struct policy *policy, struct policy_event event, int64_t now_us,
	struct policy_actions *ret_actions);

/* When the next EVENT_TIME is due; INT64_MAX when only an event can change anything. */
int64_t policy_due_us(const struct policy *policy);

/* Processes of a crew in that state. */
size_t policy_count(const struct policy *policy, enum role role, enum slot_state state);

const char *slot_state_name(enum slot_state state);
const char *policy_state_name(enum policy_state state);

#endif
