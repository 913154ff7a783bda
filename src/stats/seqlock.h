/*
 * Several words that belong together, written by one thread and read by any process.
 *
 * A count beside them is odd while they are written. The usual fences (Boehm, "Can seqlocks get along with
 * programming language memory models?", MSPC 2012) are not needed, as long as every word is stored with
 * release and loaded with acquire, which on the machines we know costs the same: a reader that got one word
 * of a newer record has thereby seen the odd count before it, and its second look at the count shows that.
 *
 * Neither side waits; how often a reader tries again is its own affair. A writer that dies amid writing
 * leaves the count odd, and the next one makes it even. One writer at a time, any number of readers.
 */
#ifndef STATS_SEQLOCK_H
#define STATS_SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/must.h"

/* Returns what seqlock_write_end has to be given. */
MUST_CHECK static inline uint32_t seqlock_write_begin(_Atomic uint32_t *count)
{
	const uint32_t odd = atomic_load_explicit(count, memory_order_relaxed) | 1;

	atomic_store_explicit(count, odd, memory_order_relaxed);
	return odd;
}

static inline void seqlock_write_end(_Atomic uint32_t *count, uint32_t odd)
{
	atomic_store_explicit(count, odd + 1, memory_order_release);
}

/* Returns what seqlock_read_whole has to be given. */
MUST_CHECK static inline uint32_t seqlock_read_begin(const _Atomic uint32_t *count)
{
	return atomic_load_explicit(count, memory_order_acquire);
}

/* True when nothing was written since seqlock_read_begin, so that the words are of one write. */
MUST_CHECK static inline bool seqlock_read_whole(const _Atomic uint32_t *count, uint32_t before)
{
	return before % 2 == 0 && atomic_load_explicit(count, memory_order_relaxed) == before;
}

#endif
