/* Passwords: what may be one, in which form it is hashed, and how often one is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/secret.h"

#define NFC "p\u00e4ssw\u00f6rd-\u00e9"
#define NFD "pa\u0308sswo\u0308rd-e\u0301"

static const char *repeat(struct mem_arena *arena, const char *piece, size_t times)
{
	const size_t len = strlen(piece);
	char *out = mem_arena_alloc(arena, len * times + 1);

	for (size_t i = 0; i < times; i++)
		memcpy(out + i * len, piece, len);
	out[len * times] = '\0';
	return out;
}

static void a_new_password_is_kept_in_one_form_and_has_8_to_1024_bytes_of_it(void **state)
{
	static const struct {
		const char *piece;
		size_t times;
		const char *kept; /* each of; NULL: it is refused */
	} cases[] = {
		{NFC, 1, NFC},
		{NFD, 1, NFC},
		{"a", 7, NULL},
		{"a", 8, "a"},
		{"a", 1024, "a"},
		{"a", 1025, NULL},
		{"\u00e9", 3, NULL},
		{"\u00e9", 4, "\u00e9"},
		{"e\u0301", 3, NULL}, /* 9 bytes, which are 6 */
		{"e\u0301", 4, "\u00e9"},
		{"e\u0301", 512, "\u00e9"}, /* 1536, which are 1024 */
		{"e\u0301", 513, NULL},
		{"\U0001d160", 1, "\U0001d158\U0001d165\U0001d16e"}, /* 4, which are 12 */
		{"\u0301\u0316", 65000, NULL},
		{"\u200b", 4, "\u200b"}, /* nobody need see it */
		{"", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct exchange x = {0};
		const char *typed = repeat(&x.arena, cases[i].piece, cases[i].times);
		const char *kept = NULL;
		size_t len = 0;
		const char *fault = secret_new(&x, typed, strlen(typed), &kept, &len);

		if (cases[i].kept == NULL) {
			assert_string_equal(fault, "must be 8 to 1024 bytes");
		} else {
			assert_null(fault);
			assert_int_equal(len, strlen(cases[i].kept) * cases[i].times);
			assert_memory_equal(
				kept, repeat(&x.arena, cases[i].kept, cases[i].times), len);
		}
		exchange_fini(&x);
	}
}

static bool went_on;

static enum step checked(struct exchange *x)
{
	(void)x;
	went_on = true;
	return STEP_ANSWER;
}

/* Checks a password against an account whose hash is of `kept` (NULL: there is no account), and says
 * how many hashes that took, and whether it was right. */
static size_t tries(const char *typed, size_t len, const char *kept, bool *ret_right)
{
	struct exchange x = {0};
	const char *copy = mem_arena_copy(&x.arena, typed, len);
	size_t count = 0;
	enum step step;

	went_on = false;
	secret_take(&x, copy, len);
	step = secret_check(&x, kept != NULL ? HASH_VERIFY : HASH_DECOY, checked);
	while (step == STEP_HASH) {
		const char *password = x.hash.password;

		count++;
		assert_true(x.hash.password_len <= PASSWORD_MOST_BYTES);
		x.hash.matches = x.hash.kind == HASH_VERIFY &&
				 strlen(kept) == x.hash.password_len &&
				 memcmp(kept, password, x.hash.password_len) == 0;
		step = x.resume(&x);
	}
	assert_int_equal(step, STEP_ANSWER);
	assert_true(went_on);
	*ret_right = x.hash.matches;
	exchange_fini(&x);
	return count;
}

static void a_password_is_right_in_any_form_and_so_is_a_hash_of_any(void **state)
{
	static const struct {
		const char *typed, *kept;
		bool right;
	} cases[] = {
		{NFC, NFC, true},
		{NFD, NFC, true},
		{NFD, NFD, true}, /* of before the rule */
		{NFC, NFD, false},
		{"correct horse", "correct horse", true},
		{"correct horse", "correct horsf", false},
		{"e\u0301e\u0301e\u0301", "e\u0301e\u0301e\u0301",
			true}, /* too short by the rule */
		{"", NFC, false},
		{"1234567", "1234567", false},
	};
	bool right;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		(void)tries(cases[i].typed, strlen(cases[i].typed), cases[i].kept, &right);
		assert_int_equal(right, cases[i].right);
	}
}

static void an_unknown_address_costs_as_many_hashes_as_a_wrong_password(void **state)
{
	static const struct {
		const char *piece;
		size_t times;
		size_t tries;
	} cases[] = {
		{"correct horse", 1, 1},
		{NFC, 1, 1},
		{NFD, 1, 2},
		{"", 0, 1},
		{"a", 7, 1},
		{"a", 1025, 1},
		{"a", 250000, 1},
		{"e\u0301", 3, 1},
		{"e\u0301", 512, 1},
		{"\u0301\u0316", 65000, 1},
		{"\u0316\u0301", 256, 2},
	};
	struct mem_arena arena = {0};
	bool right;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *typed = repeat(&arena, cases[i].piece, cases[i].times);
		const size_t len = strlen(typed);

		assert_int_equal(tries(typed, len, NULL, &right), cases[i].tries);
		assert_false(right);
		assert_int_equal(tries(typed, len, "some other one", &right), cases[i].tries);
		assert_false(right);
	}
	mem_arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_password_is_kept_in_one_form_and_has_8_to_1024_bytes_of_it),
		cmocka_unit_test(a_password_is_right_in_any_form_and_so_is_a_hash_of_any),
		cmocka_unit_test(an_unknown_address_costs_as_many_hashes_as_a_wrong_password),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
