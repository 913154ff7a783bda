/*
 * Time, in microseconds: the monotonic clock for every deadline and delay, the wall clock only for
 * what is shown to people or compared with a peer's wall clock. Thread-safe.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_MS INT64_C(1000)
#define CLOCK_S  INT64_C(1000000)

/* Microseconds since some point in the past; never goes back. */
int64_t clock_mono_us(void);
/* Microseconds since 1970-01-01 UTC; may jump. */
int64_t clock_wall_us(void);

/* Milliseconds from now_us until due_us for poll and epoll_wait: rounded up, so that a wait never
 * ends just before it is due; 0 when due already. */
int clock_wait_ms(int64_t now_us, int64_t due_us);

/* A span in seconds; 0 where it is negative, as two readings of two processes may be. */
double clock_seconds(int64_t us);

#define CLOCK_TEXT_BYTES 32

/* A wall-clock time as RFC 3339 in UTC: "2026-01-31T12:00:00.123456Z". */
void clock_text(int64_t wall_us, char ret_text[CLOCK_TEXT_BYTES]);

#endif
