/*
 * What comes of a call after its wave: its answer, another attempt, or the end of its patience.
 *
 * Unknown is sticky. Once an attempt of a write may have been applied, its job ends by a row of the
 * same write's repeat, or as 504: never as 503, which promises that nothing was applied.
 */
#ifndef WORKER_SETTLE_H
#define WORKER_SETTLE_H

#include <stdbool.h>

#include "db/retry.h"
#include "db/wave.h"
#include "worker/in_flight.h"

struct settle_rules {
	struct retry_limits limits;
	struct retry_budget *budget;
};

/* Settles `job`, whose call was `entry` of the wave that ended. False when the connection is of no
 * further use: its plans are stale, or it leads to a standby. */
MUST_CHECK bool settle(const struct settle_rules *rules, struct in_flight *in_flight,
	struct job *job, const struct wave_call *entry);

#endif
