/*
 * Wrong passwords by account, and where each account was signed in to lately.
 *
 * An entry is one word, so that it changes in one step:
 *
 *     63        36 35        28 27         0
 *     |   tag    |   count    |    time    |      0: empty
 *
 * The tag is a part of the hash that did not choose the set; the time, in seconds since the table was
 * made, is that of the latest change. Two keys of one set with one tag (one in 2^25) would share an
 * entry: somebody is slowed who need not be, for minutes.
 */
#include "config.h"

#include "proc/tries.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/mem.h"

#define SETS         4096
#define WAYS         8
#define COUNT_MAX    255
#define TIME_BITS    28 /* eight years */
#define COUNT_BITS   8
#define TIME_MASK    ((UINT64_C(1) << TIME_BITS) - 1)
#define TAG_SHIFT    (TIME_BITS + COUNT_BITS)
#define FAILED_FOR_S (15 * 60)
#define KNOWN_FOR_S  (30 * 24 * 3600)
#define PAUSE_MAX_S  60
/* As many networks' worth of free tries an account may be tried from at once before all that are not
 * known have to wait for each other. */
#define ANYWHERE    5
#define CHANGES_MAX 64

struct table {
	_Atomic uint64_t entries[SETS][WAYS];
};

struct tries {
	struct table *
		failed; /* by account, and by pair: wrong passwords of the last quarter of an hour */
	struct table *known; /* by pair: signed in to */
	int64_t began_us;
	unsigned char key[crypto_shorthash_KEYBYTES];
};

static struct table *new_table(void)
{
	void *at = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED); /* for want of memory; see base/mem.h */
	return at;
}

struct tries *tries_new(void)
{
	struct tries *tries = mem_zero(sizeof(*tries));

	tries->failed = new_table();
	tries->known = new_table();
	tries->began_us = clock_mono_us();
	randombytes_buf(tries->key, sizeof(tries->key));
	return tries;
}

void tries_free(struct tries **ptr)
{
	struct tries *tries = *ptr;

	if (tries == NULL)
		return;
	MUST_ZERO(munmap(tries->failed, sizeof(struct table)));
	MUST_ZERO(munmap(tries->known, sizeof(struct table)));
	sodium_memzero(tries->key, sizeof(tries->key));
	free(tries);
	*ptr = NULL;
}

/* ---- entries --------------------------------------------------------------------------------- */

static uint64_t tag_of(uint64_t hash)
{
	const uint64_t tag = hash >> TAG_SHIFT;

	return tag != 0 ? tag : 1;
}

static unsigned count_of(uint64_t entry)
{
	return (unsigned)(entry >> TIME_BITS) & COUNT_MAX;
}

static uint64_t time_of(uint64_t entry)
{
	return entry & TIME_MASK;
}

static uint64_t make_entry(uint64_t hash, unsigned count, uint64_t time_s)
{
	return tag_of(hash) << TAG_SHIFT | (uint64_t)count << TIME_BITS | time_s;
}

static uint64_t seconds(const struct tries *tries, int64_t now_us)
{
	return (uint64_t)((now_us - tries->began_us) / CLOCK_S) & TIME_MASK;
}

static bool is_of(uint64_t entry, uint64_t hash, uint64_t now_s, uint64_t keep_s)
{
	return entry >> TAG_SHIFT == tag_of(hash) && now_s - time_of(entry) < keep_s;
}

static _Atomic uint64_t *set_at(struct table *table, uint64_t hash)
{
	return table->entries[hash % SETS];
}

/* The entry of that key; 0 when there is none. */
static uint64_t find_entry(struct table *table, uint64_t hash, uint64_t now_s, uint64_t keep_s)
{
	const _Atomic uint64_t *set = set_at(table, hash);

	for (size_t i = 0; i < WAYS; i++) {
		const uint64_t entry = atomic_load_explicit(&set[i], memory_order_relaxed);

		if (entry != 0 && is_of(entry, hash, now_s, keep_s))
			return entry;
	}
	return 0;
}

/* Where the key's entry is, or the one that gives way to it: an empty one, or the oldest. */
static _Atomic uint64_t *find_way(
	struct table *table, uint64_t hash, uint64_t now_s, uint64_t keep_s, uint64_t *ret_entry)
{
	_Atomic uint64_t *set = set_at(table, hash);
	size_t oldest = 0;
	uint64_t entries[WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		entries[i] = atomic_load_explicit(&set[i], memory_order_relaxed);
		if (entries[i] != 0 && is_of(entries[i], hash, now_s, keep_s)) {
			*ret_entry = entries[i];
			return &set[i];
		}
		if (entries[oldest] != 0 &&
			(entries[i] == 0 || time_of(entries[i]) < time_of(entries[oldest])))
			oldest = i;
	}
	*ret_entry = entries[oldest];
	return &set[oldest];
}

/* Adds one to the key's count, as of now. */
static void add(struct table *table, uint64_t hash, uint64_t now_s, uint64_t keep_s)
{
	for (int i = 0; i < CHANGES_MAX; i++) {
		uint64_t old;
		_Atomic uint64_t *way = find_way(table, hash, now_s, keep_s, &old);
		unsigned count = old != 0 && is_of(old, hash, now_s, keep_s) ? count_of(old) : 0;

		if (count < COUNT_MAX)
			count++;
		if (atomic_compare_exchange_strong(way, &old, make_entry(hash, count, now_s)))
			return;
	}
}

static void forget(struct table *table, uint64_t hash, uint64_t now_s, uint64_t keep_s)
{
	uint64_t old;
	_Atomic uint64_t *way = find_way(table, hash, now_s, keep_s, &old);

	/* Another try of the same instant counts. */
	if (old != 0 && is_of(old, hash, now_s, keep_s))
		(void)atomic_compare_exchange_strong(way, &old, 0);
}

/* ---- who tries ------------------------------------------------------------------------------- */

uint64_t tries_hash(const struct tries *tries, const void *bytes, size_t len)
{
	uint64_t hash;

	static_assert(sizeof(hash) == crypto_shorthash_BYTES, "a SipHash is one word");
	MUST_ZERO(crypto_shorthash((unsigned char *)&hash, bytes, len, tries->key));
	return hash != 0 ? hash : 1;
}

struct tries_who tries_who(
	const struct tries *tries, const char *address, const struct place *place)
{
	struct {
		uint64_t account;
		uint8_t place[16];
	} both = {.account = tries_hash(tries, address, strlen(address))};

	memcpy(both.place, place->bytes, PLACE_BYTES);
	return (struct tries_who){
		.account = both.account, .pair = tries_hash(tries, &both, sizeof(both))};
}

int tries_pause_s(unsigned failed, int free)
{
	const int beyond = (int)failed - free;

	if (beyond < 0)
		return 0;
	return beyond < 6 ? 1 << beyond : PAUSE_MAX_S;
}

/* How much of the pause after the latest of so many is left. */
static int wait_of(uint64_t entry, int free, uint64_t now_s)
{
	const int left = tries_pause_s(count_of(entry), free) - (int)(now_s - time_of(entry));

	return entry != 0 && left > 0 ? left : 0;
}

bool tries_known(const struct tries *tries, struct tries_who who, int64_t now_us)
{
	return find_entry(tries->known, who.pair, seconds(tries, now_us), KNOWN_FOR_S) != 0;
}

int tries_wait_s(const struct tries *tries, struct tries_who who, int free, int64_t now_us)
{
	const uint64_t now_s = seconds(tries, now_us);
	const int own =
		wait_of(find_entry(tries->failed, who.pair, now_s, FAILED_FOR_S), free, now_s);
	const int all = wait_of(find_entry(tries->failed, who.account, now_s, FAILED_FOR_S),
		free * ANYWHERE, now_s);

	return tries_known(tries, who, now_us) || own > all ? own : all;
}

void tries_failed(struct tries *tries, struct tries_who who, int64_t now_us)
{
	const uint64_t now_s = seconds(tries, now_us);

	add(tries->failed, who.pair, now_s, FAILED_FOR_S);
	if (who.account != who.pair && !tries_known(tries, who, now_us))
		add(tries->failed, who.account, now_s, FAILED_FOR_S);
}

void tries_succeeded(struct tries *tries, struct tries_who who, int64_t now_us)
{
	const uint64_t now_s = seconds(tries, now_us);

	forget(tries->failed, who.pair, now_s, FAILED_FOR_S);
	add(tries->known, who.pair, now_s, KNOWN_FOR_S);
}
