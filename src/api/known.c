/*
 * Tokens that the database accepted lately: a cache in sets of a few entries.
 *
 * A token's hash is as good as random, and nobody can choose it, so its first bytes choose the set and
 * no set fills faster than the others. It is compared whole: what is found is that very token.
 */
#include "api/known.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define WAYS    4 /* entries among which the one used longest ago gives way */
#define SETS    (KNOWN_TOKENS / WAYS)
#define STRIPES 64 /* locks; each is held while one set is looked through */

struct entry {
	uint8_t token_hash[KNOWN_HASH_BYTES];
	struct uuid account;
	uint64_t used; /* the set's clock when it was; 0: free */
};

struct set {
	struct entry entries[WAYS];
	uint64_t clock; /* counts uses of this set */
};

struct known {
	pthread_mutex_t locks[STRIPES]; /* each guards every STRIPESth set; never two at a time */
	struct set sets[SETS];
};

struct known *known_new(void)
{
	struct known *known = mem_zero(sizeof(*known));

	for (size_t i = 0; i < STRIPES; i++)
		MUST_ZERO(pthread_mutex_init(&known->locks[i], NULL));
	return known;
}

void known_free(struct known **known)
{
	if (*known == NULL)
		return;
	for (size_t i = 0; i < STRIPES; i++)
		MUST_ZERO(pthread_mutex_destroy(&(*known)->locks[i]));
	free(*known);
	*known = NULL;
}

static size_t set_of(const uint8_t *token_hash)
{
	uint64_t first;

	memcpy(&first, token_hash, sizeof(first));
	return first % SETS;
}

/* The entry of that token; NULL where there is none. */
static struct entry *entry_of(struct set *set, const uint8_t *token_hash)
{
	for (size_t i = 0; i < WAYS; i++)
		if (set->entries[i].used != 0 &&
			memcmp(set->entries[i].token_hash, token_hash, KNOWN_HASH_BYTES) == 0)
			return &set->entries[i];
	return NULL;
}

/* A free entry, or the one that was used longest ago. */
static struct entry *entry_to_take(struct set *set)
{
	struct entry *oldest = &set->entries[0];

	for (size_t i = 1; i < WAYS; i++)
		if (set->entries[i].used < oldest->used)
			oldest = &set->entries[i];
	return oldest;
}

bool known_find(struct known *known, const uint8_t *token_hash, struct uuid *ret_account)
{
	struct entry *entry;
	bool found;
	size_t i;

	if (known == NULL)
		return false;
	i = set_of(token_hash);
	MUST_ZERO(pthread_mutex_lock(&known->locks[i % STRIPES]));
	entry = entry_of(&known->sets[i], token_hash);
	found = entry != NULL;
	if (found) {
		entry->used = ++known->sets[i].clock;
		*ret_account = entry->account;
	}
	MUST_ZERO(pthread_mutex_unlock(&known->locks[i % STRIPES]));
	return found;
}

void known_keep(struct known *known, const uint8_t *token_hash, const struct uuid *account)
{
	struct entry *entry;
	struct set *set;
	size_t i;

	if (known == NULL)
		return;
	i = set_of(token_hash);
	set = &known->sets[i];
	MUST_ZERO(pthread_mutex_lock(&known->locks[i % STRIPES]));
	entry = entry_of(set, token_hash);
	if (entry == NULL)
		entry = entry_to_take(set);
	memcpy(entry->token_hash, token_hash, KNOWN_HASH_BYTES);
	entry->account = *account;
	entry->used = ++set->clock;
	MUST_ZERO(pthread_mutex_unlock(&known->locks[i % STRIPES]));
}

void known_drop(struct known *known, const uint8_t *token_hash)
{
	struct entry *entry;
	size_t i;

	if (known == NULL)
		return;
	i = set_of(token_hash);
	MUST_ZERO(pthread_mutex_lock(&known->locks[i % STRIPES]));
	entry = entry_of(&known->sets[i], token_hash);
	if (entry != NULL)
		entry->used = 0;
	MUST_ZERO(pthread_mutex_unlock(&known->locks[i % STRIPES]));
}
