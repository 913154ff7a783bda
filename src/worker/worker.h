/*
 * A worker process: its threads, its signals, its end.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "proc/spawn.h"

/* Reads what takes long to read, and makes what workers share: the `prepare` of their role. */
void worker_prepare(const struct settings *settings);

/*
 * The life of a worker, as a child_main_fn. It tells the supervisor when its threads run, and
 * serves until SIGTERM: then it accepts no more, answers what comes on the open connections until
 * nginx closes them or drain_ms is over, and returns. Further SIGTERMs change nothing: who is in a
 * hurry kills. SIGUSR1 opens the log anew. When a thread makes no turn for stall_limit_ms, it
 * tells the supervisor and aborts.
 */
void worker_main(const struct inherit *inherit);

#endif
