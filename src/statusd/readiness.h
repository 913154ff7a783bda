/*
 * Whether a request would be served, judged from what the segment says. Pure, thread-safe.
 */
#ifndef STATUSD_READINESS_H
#define STATUSD_READINESS_H

#include <stdbool.h>

#include "stats/snapshot.h"

#define READINESS_DETAIL_BYTES 128

enum readiness_check_id {
	READINESS_WORKERS,  /* some worker is ready, and its process runs */
	READINESS_THREADS,  /* not every wave thread is blocked */
	READINESS_DATABASE, /* some wave thread has a connection, or has not needed one yet */
	READINESS_DISK,     /* told, and never failed: with a disk nearly full it still reads */
	READINESS_COUNT,
};

struct readiness_check {
	const char *name;
	bool ok;
	char detail[READINESS_DETAIL_BYTES]; /* what was found, for people */
};

/* Judges `snapshot`; false when any check fails. Only workers that run count: a stopped one says
 * nothing about its threads. */
bool readiness_judge(
	const struct snapshot *snapshot, struct readiness_check ret_checks[READINESS_COUNT]);

#endif
