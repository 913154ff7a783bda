/* Who was here: the sessions that a thread's requests came with, collected to be written apart. */
#include "proc/seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SETS 4096 /* a power of two */
#define WAYS 4    /* entries among which the one seen longest ago gives way */

struct entry {
	uint64_t key;  /* the first bytes of a token's hash, which are as good as random */
	int64_t at_us; /* when it was handed on; 0: free */
};

struct seen {
	struct entry entries[SETS][WAYS];
	uint8_t batch[SEEN_BATCH][SEEN_HASH_BYTES];
	size_t count;
	int64_t first_us; /* when the batch got its first */
	int64_t taken_us; /* when the last batch was taken; 0: never */
};

struct seen *seen_new(void)
{
	return mem_zero(sizeof(struct seen));
}

void seen_free(struct seen **seen)
{
	free(*seen);
	*seen = NULL;
}

/* The entry of `key`, or the one that it takes the place of. */
static struct entry *entry_for(struct seen *seen, uint64_t key)
{
	struct entry *set = seen->entries[key % SETS];
	struct entry *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].key == key && set[i].at_us != 0)
			return &set[i];
		if (set[i].at_us < oldest->at_us)
			oldest = &set[i];
	}
	return oldest;
}

void seen_note(struct seen *seen, const uint8_t *token_hash, int64_t now_us)
{
	struct entry *entry;
	uint64_t key;

	memcpy(&key, token_hash, sizeof(key));
	entry = entry_for(seen, key);
	if (entry->key == key && entry->at_us != 0 && now_us - entry->at_us < SEEN_GRAIN_US)
		return;
	if (seen->count == SEEN_BATCH)
		return;
	if (seen->count == 0)
		seen->first_us = now_us;
	memcpy(seen->batch[seen->count++], token_hash, SEEN_HASH_BYTES);
	*entry = (struct entry){.key = key, .at_us = now_us};
}

bool seen_any(const struct seen *seen)
{
	return seen->count > 0;
}

bool seen_due(const struct seen *seen, int64_t now_us)
{
	if (seen->count == SEEN_BATCH && now_us - seen->taken_us >= SEEN_PAUSE_US)
		return true;
	return seen->count > 0 && now_us - seen->first_us >= SEEN_WAIT_US;
}

void seen_take(struct seen *seen, struct buf *out, int64_t now_us)
{
	for (size_t i = 0; i < seen->count; i++) {
		buf_str(out, i == 0 ? "{\"\\\\x" : ",\"\\\\x");
		for (size_t k = 0; k < SEEN_HASH_BYTES; k++)
			buf_printf(out, "%02x", seen->batch[i][k]);
		buf_char(out, '"');
	}
	buf_str(out, seen->count == 0 ? "{}" : "}");
	seen->count = 0;
	seen->taken_us = now_us;
}
