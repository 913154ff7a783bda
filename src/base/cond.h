/*
 * Conditions whose waits end by the monotonic clock, as every deadline here does. Thread-safe, as far
 * as POSIX's are.
 */
#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

void cond_init(pthread_cond_t *cond);
/* Waits with `lock` held. False when deadline_us (monotonic) came first; as ever, true does not mean
 * that what is waited for is so. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_us);

#endif
