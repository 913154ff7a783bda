/*
 * A snapshot as Prometheus reads it: its own text, or OpenMetrics.
 *
 * Pure: from a snapshot into a buffer. Thread-safe.
 */
#ifndef REPORT_PROMETHEUS_H
#define REPORT_PROMETHEUS_H

#include "base/buf.h"
#include "stats/snapshot.h"

enum prometheus_format {
	PROMETHEUS_TEXT,        /* Prometheus text 0.0.4 */
	PROMETHEUS_OPENMETRICS, /* OpenMetrics 1.0 */
};

/* To the letter: Prometheus refuses a scrape of another type. */
const char *prometheus_content_type(enum prometheus_format format);

void prometheus_write(
	struct buf *out, const struct snapshot *snapshot, enum prometheus_format format);

#endif
