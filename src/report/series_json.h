/* The last hour as JSON, column by column. Pure, thread-safe while nobody adds points. */
#ifndef REPORT_SERIES_JSON_H
#define REPORT_SERIES_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "stats/series.h"

/* The body of /status/history.json: the points after `after_s`. */
void series_json(struct buf *out, const struct series *series, int64_t after_s);

#endif
