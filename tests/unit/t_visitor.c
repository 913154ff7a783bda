/* Who may see the status pages: by the name they ask for, and by the way they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "statusd/visitor.h"

static void the_pages_are_there_under_this_machines_names_and_those_configured(void **state)
{
	static const struct {
		const char *host;
		const char *hosts;
		enum visitor visitor;
	} cases[] = {
		{NULL, "", VISITOR_WELCOME},
		{"localhost", "", VISITOR_WELCOME},
		{"LocalHost:8080", "", VISITOR_WELCOME},
		{"127.0.0.1", "", VISITOR_WELCOME},
		{"127.0.0.1:8080", "", VISITOR_WELCOME},
		{"127.0.0.2:8080", "", VISITOR_WELCOME},
		{"[::1]", "", VISITOR_WELCOME},
		{"[::1]:8080", "", VISITOR_WELCOME},
		{"evil.example", "", VISITOR_MISDIRECTED},
		{"evil.example:8080", "", VISITOR_MISDIRECTED},
		{"127.0.0.1.evil.example", "", VISITOR_MISDIRECTED},
		{"localhost.evil.example", "", VISITOR_MISDIRECTED},
		{"192.0.2.1", "", VISITOR_MISDIRECTED},
		{"[2001:db8::1]:80", "", VISITOR_MISDIRECTED},
		{"", "", VISITOR_MISDIRECTED},
		{"unix:", "", VISITOR_MISDIRECTED},
		{"ops.example.org", "ops.example.org", VISITOR_WELCOME},
		{"OPS.example.org:443", "  10.0.0.1 \tops.example.org ", VISITOR_WELCOME},
		{"10.0.0.1:8080", "  10.0.0.1 \tops.example.org ", VISITOR_WELCOME},
		{"example.org", "ops.example.org", VISITOR_MISDIRECTED},
		{"ops.example.orgs", "ops.example.org", VISITOR_MISDIRECTED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request request = {
			.host = cases[i].host, .remote_address = "127.0.0.1", .peer = "127.0.0.1"};

		if (visitor_judge(&request, cases[i].hosts) != cases[i].visitor)
			fail_msg("%s with %s", cases[i].host, cases[i].hosts);
	}
}

static void a_proxy_that_nginx_was_not_told_of_sees_nothing(void **state)
{
	static const struct {
		const char *remote_address, *peer;
		bool forwarded;
		enum visitor visitor;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1", false, VISITOR_WELCOME},
		{"127.0.0.1", "127.0.0.1", true, VISITOR_PROXIED},
		{"10.0.0.5", "10.0.0.5", true, VISITOR_PROXIED},
		{"10.0.0.5", "127.0.0.1", true,
			VISITOR_WELCOME}, /* nginx was: allow and deny judge */
		{"127.0.0.1", NULL, true, VISITOR_PROXIED}, {NULL, NULL, true, VISITOR_PROXIED},
		{NULL, NULL, false, VISITOR_WELCOME}, /* the socket itself */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request request = {.host = "localhost",
			.remote_address = cases[i].remote_address,
			.peer = cases[i].peer,
			.forwarded = cases[i].forwarded};

		assert_int_equal(visitor_judge(&request, ""), cases[i].visitor);
	}
}

static void a_name_that_is_too_long_is_nobodys(void **state)
{
	char host[400];
	const struct request request = {.host = host};

	(void)state;
	for (size_t i = 0; i < sizeof(host) - 1; i++)
		host[i] = 'a';
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(visitor_judge(&request, host), VISITOR_MISDIRECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_pages_are_there_under_this_machines_names_and_those_configured),
		cmocka_unit_test(a_proxy_that_nginx_was_not_told_of_sees_nothing),
		cmocka_unit_test(a_name_that_is_too_long_is_nobodys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
