/*
 * What is known about one call after its wave.
 *
 * A wave is one transaction. Only the sync's own result, on a connection that is still good, tells
 * how that transaction ended: without it the commit may have happened and its news been lost. A
 * cancelled wait for a standby (warning 01000) means committed here, but perhaps not where the next
 * primary will be: that too is unknown.
 */
#include "db/outcome.h"

#include <stddef.h>

#include "base/must.h"

enum outcome_kind outcome_of(const struct outcome_wave *wave, bool own_error)
{
	if (!wave->any_sent)
		return OUTCOME_NOT_SENT;
	if (!wave->sync_seen || !wave->conn_ok || wave->commit_doubt)
		return OUTCOME_UNKNOWN;
	if (wave->failed)
		return own_error ? OUTCOME_ROLLED_BACK : OUTCOME_NEIGHBOUR;
	/* An error that nobody noted in the wave would be answered as a success. */
	MUST(!own_error);
	return OUTCOME_COMMITTED;
}

const char *outcome_name(enum outcome_kind kind)
{
	static const char *const names[] = {
		[OUTCOME_COMMITTED] = "committed",
		[OUTCOME_ROLLED_BACK] = "rolled_back",
		[OUTCOME_NEIGHBOUR] = "neighbour",
		[OUTCOME_NOT_SENT] = "not_sent",
		[OUTCOME_UNKNOWN] = "unknown",
	};

	MUST((size_t)kind < ARRAY_LEN(names));
	return names[kind];
}
