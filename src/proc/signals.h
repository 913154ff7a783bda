/*
 * The supervisor's signals, from the first instruction of the program until its loop asks for them: none
 * that comes early ends it by mistake, and none is lost. The milliseconds before, in which its libraries
 * are loaded, are not ours. For one thread.
 */
#ifndef PROC_SIGNALS_H
#define PROC_SIGNALS_H

#include <sys/types.h>

#include "base/must.h"

/*
 * At the very start. From now on SIGHUP, SIGUSR1, SIGUSR2 and SIGCHLD wait; SIGTERM and SIGINT still end
 * the process, which has nothing to put away. A reader of the log that is gone (SIGPIPE) and a file that
 * may not grow (SIGXFSZ) are errors of the call and no reason to die. What whoever started us blocked or
 * ignored does not count.
 */
void signals_begin(void);
/* From now on SIGTERM and SIGINT wait as well: there is something to put away. */
void signals_hold(void);
/* Hands what waits to the child that goes on in this process's place. A fork does not. */
void signals_pass_on(pid_t child);
/* A non-blocking signalfd(2) for all that waits, and will. The caller closes it. */
MUST_CHECK int signals_open(void);

#endif
