/*
 * What the parts of /status.json share. Only expose_*.c include it.
 *
 * Names and values of the catalogue need no escapes.
 */
#ifndef STATS_EXPOSE_JSON_H
#define STATS_EXPOSE_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "stats/indicator.h"
#include "stats/window.h"

/* A comma, but for the first time. */
void expose_comma(struct buf *out, bool *first);
/* Never negative: two clocks' readings may be a moment apart. */
double expose_seconds(int64_t us);
/* "value" and "ok" of an indicator. */
void expose_judgement(struct buf *out, const struct indicator *indicator);
/* Every figure of indicator.def, as members. */
void expose_figures(struct buf *out, const uint64_t *cells);
/* Percentiles of a histogram, as members: milliseconds where its unit is seconds, null without
 * values. */
void expose_spread(struct buf *out, const uint64_t *cells, enum stats_unit unit);
/* Every window (none where that is NULL), then what was counted since the service's start: an array. */
void expose_windows(struct buf *out, const struct snapshot *snapshot, const struct window *window);

#endif
