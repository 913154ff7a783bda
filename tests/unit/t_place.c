/* Places: which addresses are one client, and how that is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/must.h"
#include "base/place.h"

static void an_address_is_known_by_its_network(void **state)
{
	static const struct {
		const char *address, *text;
	} cases[] = {
		{"192.0.2.1", "192.0.2.0/24"},
		{"192.0.2.255", "192.0.2.0/24"},
		{"0.0.0.0", "0.0.0.0/24"},
		{"255.255.255.255", "255.255.255.0/24"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:db8::1", "2001:db8::/64"},
		{"::ffff:192.0.2.7", "192.0.2.0/24"},
		{"::2", "::/64"},
		{"127.0.0.1", "local"},
		{"127.9.8.7", "local"},
		{"::ffff:127.0.0.1", "local"},
		{"::1", "local"},
		{"unix:", "local"},
		{"", "local"},
		{"192.0.2.1.5", "local"},
		{NULL, "local"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct place place = place_of(cases[i].address);
		char text[PLACE_TEXT_BYTES];

		place_text(&place, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(place.local, strcmp(text, "local") == 0);
	}
}

static void two_networks_are_two_and_two_families_never_one(void **state)
{
	const struct place v4 = place_of("32.1.13.184");
	const struct place v6 = place_of("2001:db8::");
	const struct place other = place_of("2001:db8:0:1::");

	(void)state;
	assert_memory_not_equal(v4.bytes, v6.bytes, PLACE_BYTES);
	assert_memory_not_equal(v6.bytes, other.bytes, PLACE_BYTES);
}

static void the_longest_text_fits(void **state)
{
	const struct place place = place_of("1111:2222:3333:4444:5555:6666:7777:8888");
	char text[PLACE_TEXT_BYTES];

	(void)state;
	place_text(&place, text);
	assert_string_equal(text, "1111:2222:3333:4444::/64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_known_by_its_network),
		cmocka_unit_test(two_networks_are_two_and_two_families_never_one),
		cmocka_unit_test(the_longest_text_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
