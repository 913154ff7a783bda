/*
 * Figures as people read them, in as few columns as they need. Pure; all of them append to `out`.
 */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "stats/histogram.h"
#include "stats/indicator.h"
#include "stats/snapshot.h"

/* "1,234,567" */
void format_count(struct buf *out, uint64_t count);
/* "0.42", "12.3", "1,234": at most three digits behind which nothing is left out. */
void format_rate(struct buf *out, double per_second);
/* A time between two events: "12 s", "3 min", "5:07 h", "3 d 04:12". Below zero reads as zero. */
void format_span(struct buf *out, int64_t us);
/* A latency: "850 us", "1.2 ms", "3.4 s". */
void format_latency(struct buf *out, uint64_t us);
/* The percentile `share` of a histogram of microseconds as a latency; "-" where it is empty. */
void format_percentile(struct buf *out, const uint64_t cells[HISTOGRAM_CELLS], double share);
/* An indicator's value, "-" where nothing can be judged; and its target, "below 1 %". */
void format_indicator(struct buf *out, enum indicator_id id, const struct indicator *indicator);
void format_target(struct buf *out, enum indicator_id id);

/* An alert's value or threshold: a share in percent, other numbers as they are; "-" where there is
 * none. */
void format_alert(struct buf *out, enum stats_alert id, bool known, double value);
/* The alerts that are not OK, as "FIRING A, PENDING B"; "" where all are. True when one fires. */
bool format_alerts(struct buf *out, const struct snapshot *snapshot);

/* Appends blanks until the line that begins at `from` is `columns` wide, at least `least` of them. */
void format_pad(struct buf *out, size_t from, size_t columns, size_t least);

#endif
