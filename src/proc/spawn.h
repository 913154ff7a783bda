/*
 * Birth and death of the service's processes: fork, what a child keeps, and what became of it.
 *
 * Mechanism only: when to start and whom to end is decided in supervisor/policy.
 */
#ifndef PROC_SPAWN_H
#define PROC_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "proc/role.h"
#include "proc/settings.h"
#include "proc/tries.h"
#include "stats/segment.h"
#include "stats/series.h"
#include "stats/window.h"

/* All that crosses a fork. Its pointers stay valid for the life of the child. */
struct inherit {
	const struct settings *settings;
	struct segment *segment;
	struct window *window; /* the last minutes; the status process goes on with its copy */
	struct series *series; /* the last hour, likewise */
	struct tries *tries;   /* wrong passwords, shared by the workers */
	enum role role;
	size_t slot;
	unsigned generation;
	int listen_fd;  /* the socket of its role; the child's to close */
	int message_fd; /* a pipe to the supervisor: `enum message`, a byte each */
};

/* What a child says of itself. */
enum message {
	MESSAGE_READY = 'R',   /* it serves */
	MESSAGE_STALLED = 'S', /* a thread made no turn for too long: it aborts now */
};

struct child {
	pid_t pid;      /* 0: no process */
	int message_fd; /* the supervisor's end, non-blocking */
};

/* The life of a child. The process ends with status 0 when it returns. */
typedef void child_main_fn(const struct inherit *inherit);

/* What the supervisor has to know of a role. */
struct role_def {
	child_main_fn *main;
	const char *socket; /* the name under which systemd hands its listening socket over */
	size_t wanted;      /* processes; 0: as many as the configuration's `workers` */
	/* Unless NULL: called once in the supervisor, before the first of its processes; they inherit what it
	 * leaves. */
	void (*prepare)(const struct settings *settings);
};

/*
 * Forks a process that runs `child_main` with `inherit` (whose message_fd is set here), and ends with
 * the caller, however the caller ends. All other descriptors but the standard ones are closed in
 * it. The caller must have no threads, and must have blocked the signals it waits for: they stay
 * blocked in the child, with their default actions, until it has set up its own ways.
 * False, with errno, when there is no room for another process.
 */
MUST_CHECK bool spawn(struct inherit inherit, child_main_fn *child_main, struct child *ret_child);

/* In a child that was just forked: it ends when `parent` does, however that ends, and at once where it has. */
void spawn_end_with(pid_t parent);
/* Closes every descriptor from that one on. */
void spawn_close_from(int fd);

/* The next process that ended, without waiting; 0 when none did. *ret_status as of waitpid(2). */
MUST_CHECK pid_t spawn_reap(int *ret_status);

/* Tells the supervisor; called in the child. */
void spawn_tell(const struct inherit *inherit, enum message message);
/* The next byte of message; false when there is none (now or ever). */
MUST_CHECK bool spawn_hear(const struct child *child, enum message *ret_message);

/* Gives up the supervisor's end, when the child was reaped. */
void spawn_forget(struct child *child);

#endif
