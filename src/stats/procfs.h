/*
 * What the kernel knows about a process: the figures of the `process_*` metrics, read from /proc.
 *
 * Read from outside, so that they are there for a process that hangs as well. Thread-safe.
 */
#ifndef STATS_PROCFS_H
#define STATS_PROCFS_H

#include <stdint.h>

#include "stats/metrics.h"

#define PROCFS_UNKNOWN UINT64_MAX

/* Fills in what can be known of `pid`, in the units of metrics.def; the rest is PROCFS_UNKNOWN:
 * all of it when there is no such process, the descriptors when it belongs to somebody else, or lets
 * nobody look (a process of the service, for all but root). */
void procfs_read(int32_t pid, uint64_t usage[STATS_USAGE_COUNT]);
/* Descriptors that the calling process has open; 0 when it cannot look. */
uint32_t procfs_own_descriptors(void);

#endif
