/*
 * The status process: answers /livez, /readyz, /metrics and /status.json on a socket of its own.
 *
 * It serves nothing else and waits for nothing: all it knows it reads from the segment, so it
 * answers while every worker is blocked, while PostgreSQL is down and while workers are replaced.
 */
#ifndef STATUSD_STATUSD_H
#define STATUSD_STATUSD_H

#include "proc/spawn.h"

/* The life of the status process, as a child_main_fn: until SIGTERM and its connections' end. */
void statusd_main(const struct inherit *inherit);

#endif
