/*
 * A snapshot as others read it: Prometheus text, OpenMetrics, and the JSON of /status.json.
 *
 * Pure: from a snapshot (and a window) into a buffer. Thread-safe.
 */
#ifndef STATS_EXPOSE_H
#define STATS_EXPOSE_H

#include "base/buf.h"
#include "stats/snapshot.h"
#include "stats/window.h"

enum expose_format {
	EXPOSE_TEXT,        /* Prometheus text 0.0.4 */
	EXPOSE_OPENMETRICS, /* OpenMetrics 1.0 */
};

/* What a client that sent this Accept header wants (NULL for none): OpenMetrics only when it is
 * named and liked at least as much as text. */
enum expose_format expose_negotiate(const char *accept);
/* To the letter: Prometheus refuses a scrape of another type. */
const char *expose_content_type(enum expose_format format);

void expose_metrics(struct buf *out, const struct snapshot *snapshot, enum expose_format format);
/* The body of /status.json; `application/json`. Without a window (NULL) what needs one is null. */
void expose_status(struct buf *out, const struct snapshot *snapshot, const struct window *window);
/* The array of alerts in it, by itself. */
void expose_alerts(struct buf *out, const struct snapshot *snapshot);

#endif
