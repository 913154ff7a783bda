/* Tokens that the database accepted lately: what is kept, what gives way, and what is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/known.h"

#define SETS (KNOWN_TOKENS / 4)

static const struct uuid ann = {{1}};
static const struct uuid bob = {{2}};

/* A hash of that number's set; `which` tells hashes of one set apart. */
static const uint8_t *hash_of(uint64_t set, uint8_t which)
{
	static uint8_t hash[KNOWN_HASH_BYTES];

	memset(hash, 0xab, sizeof(hash));
	memcpy(hash, &set, sizeof(set));
	hash[KNOWN_HASH_BYTES - 1] = which;
	return hash;
}

static bool is_of(struct known *known, const uint8_t *hash, const struct uuid *account)
{
	struct uuid found = {{0}};

	return known_find(known, hash, &found) && memcmp(&found, account, sizeof(found)) == 0;
}

static void a_token_is_known_once_it_was_kept_and_until_it_is_dropped(void **state)
{
	struct known *known = known_new();
	struct uuid nobody = {{9}};

	(void)state;
	assert_false(known_find(known, hash_of(7, 0), &nobody));
	assert_int_equal(nobody.bytes[0], 9);
	known_keep(known, hash_of(7, 0), &ann);
	known_keep(known, hash_of(7, 1), &bob);
	assert_true(is_of(known, hash_of(7, 0), &ann));
	assert_true(is_of(known, hash_of(7, 1), &bob));
	known_drop(known, hash_of(7, 0));
	assert_false(is_of(known, hash_of(7, 0), &ann));
	assert_true(is_of(known, hash_of(7, 1), &bob));
	known_drop(known, hash_of(7, 0));
	known_keep(known, hash_of(7, 0), &ann);
	assert_true(is_of(known, hash_of(7, 0), &ann));
	known_free(&known);
	assert_null(known);
}

static void a_token_is_compared_to_its_last_byte(void **state)
{
	struct known *known = known_new();
	uint8_t close[KNOWN_HASH_BYTES];

	(void)state;
	known_keep(known, hash_of(7, 0), &ann);
	for (size_t i = 0; i < sizeof(close); i++) {
		struct uuid found;

		memcpy(close, hash_of(7, 0), sizeof(close));
		close[i] ^= 1;
		assert_false(known_find(known, close, &found));
	}
	known_free(&known);
}

static void what_was_used_longest_ago_gives_way_in_its_set_alone(void **state)
{
	struct known *known = known_new();

	(void)state;
	known_keep(known, hash_of(8, 0), &bob);
	for (uint8_t i = 0; i < 4; i++)
		known_keep(known, hash_of(7, i), &ann);
	assert_true(is_of(known, hash_of(7, 0), &ann));
	known_keep(known, hash_of(7 + SETS, 0), &bob);
	assert_true(is_of(known, hash_of(7, 0), &ann));
	assert_false(is_of(known, hash_of(7, 1), &ann));
	assert_true(is_of(known, hash_of(7, 2), &ann));
	assert_true(is_of(known, hash_of(7, 3), &ann));
	assert_true(is_of(known, hash_of(7 + SETS, 0), &bob));
	assert_true(is_of(known, hash_of(8, 0), &bob));
	known_free(&known);
}

static void keeping_a_token_again_takes_no_second_place(void **state)
{
	struct known *known = known_new();

	(void)state;
	for (uint8_t i = 0; i < 4; i++)
		known_keep(known, hash_of(7, i), &ann);
	for (uint8_t i = 0; i < 9; i++)
		known_keep(known, hash_of(7, 3), &ann);
	for (uint8_t i = 0; i < 4; i++)
		assert_true(is_of(known, hash_of(7, i), &ann));
	known_free(&known);
}

static void as_many_as_it_says_have_room(void **state)
{
	struct known *known = known_new();

	(void)state;
	for (uint64_t set = 0; set < SETS; set++)
		for (uint8_t i = 0; i < 4; i++)
			known_keep(known, hash_of(set, i), i % 2 == 0 ? &ann : &bob);
	for (uint64_t set = 0; set < SETS; set++)
		for (uint8_t i = 0; i < 4; i++)
			assert_true(is_of(known, hash_of(set, i), i % 2 == 0 ? &ann : &bob));
	known_free(&known);
}

static void without_a_cache_nobody_is_known(void **state)
{
	struct uuid found;

	(void)state;
	known_keep(NULL, hash_of(7, 0), &ann);
	assert_false(known_find(NULL, hash_of(7, 0), &found));
	known_drop(NULL, hash_of(7, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_known_once_it_was_kept_and_until_it_is_dropped),
		cmocka_unit_test(a_token_is_compared_to_its_last_byte),
		cmocka_unit_test(what_was_used_longest_ago_gives_way_in_its_set_alone),
		cmocka_unit_test(keeping_a_token_again_takes_no_second_place),
		cmocka_unit_test(as_many_as_it_says_have_room),
		cmocka_unit_test(without_a_cache_nobody_is_known),
	};

	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
