/* The last minutes' sessions, in a table of fixed size. */
#include "worker/last_seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SETS 4096 /* a power of two */
#define WAYS 4    /* entries among which the one seen longest ago gives way */

struct entry {
	uint64_t key;  /* the first bytes of a token's hash, which are as good as random */
	int64_t at_us; /* when it was handed on; 0: free */
};

struct last_seen {
	struct entry entries[SETS][WAYS];
	uint8_t batch[LAST_SEEN_BATCH][LAST_SEEN_HASH_BYTES];
	size_t count;
	int64_t first_us; /* when the batch got its first */
	int64_t taken_us; /* when the last batch was taken; 0: never */
};

struct last_seen *last_seen_new(void)
{
	return mem_zero(sizeof(struct last_seen));
}

void last_seen_free(struct last_seen **seen)
{
	free(*seen);
	*seen = NULL;
}

/* The entry of `key`, or the one that it takes the place of. */
static struct entry *entry_for(struct last_seen *seen, uint64_t key)
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

void last_seen_note(struct last_seen *seen, const uint8_t *token_hash, int64_t now_us)
{
	struct entry *entry;
	uint64_t key;

	memcpy(&key, token_hash, sizeof(key));
	entry = entry_for(seen, key);
	if (entry->key == key && entry->at_us != 0 && now_us - entry->at_us < LAST_SEEN_GRAIN_US)
		return;
	if (seen->count == LAST_SEEN_BATCH)
		return;
	if (seen->count == 0)
		seen->first_us = now_us;
	memcpy(seen->batch[seen->count++], token_hash, LAST_SEEN_HASH_BYTES);
	*entry = (struct entry){.key = key, .at_us = now_us};
}

bool last_seen_any(const struct last_seen *seen)
{
	return seen->count > 0;
}

bool last_seen_due(const struct last_seen *seen, int64_t now_us)
{
	if (seen->count == LAST_SEEN_BATCH && now_us - seen->taken_us >= LAST_SEEN_PAUSE_US)
		return true;
	return seen->count > 0 && now_us - seen->first_us >= LAST_SEEN_WAIT_US;
}

void last_seen_take(struct last_seen *seen, struct buf *out, int64_t now_us)
{
	for (size_t i = 0; i < seen->count; i++) {
		buf_str(out, i == 0 ? "{\"\\\\x" : ",\"\\\\x");
		for (size_t k = 0; k < LAST_SEEN_HASH_BYTES; k++)
			buf_printf(out, "%02x", seen->batch[i][k]);
		buf_char(out, '"');
	}
	buf_str(out, seen->count == 0 ? "{}" : "}");
	seen->count = 0;
	seen->taken_us = now_us;
}
