/*
 * Whether the service behind a segment still runs: what is read may be what it left behind.
 */
#ifndef TOOL_LIFE_H
#define TOOL_LIFE_H

#include "base/buf.h"
#include "stats/snapshot.h"

enum life {
	LIFE_RUNS,
	LIFE_HANGS, /* the supervisor is there and does not turn */
	LIFE_ENDED,
};

/* Judged by the supervisor's latest turn, and by whether there is a process of its number. */
enum life life_of(const struct snapshot *snapshot);
/* One sentence about it, without a full stop. */
void life_describe(struct buf *out, const struct snapshot *snapshot);

#endif
