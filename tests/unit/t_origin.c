/* Whose page a request comes from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/origin.h"
#include "base/must.h"

#define SITE "http://cards.example"

static const struct {
	const char *site; /* Sec-Fetch-Site */
	const char *origin;
	const char *scheme;
	const char *host;
	const char *public_url;
	enum origin is;
} cases[] = {
	{NULL, NULL, "http", "cards.example", "", ORIGIN_UNTOLD},
	/* the browser's own verdict decides */
	{"same-origin", NULL, "http", "cards.example", "", ORIGIN_SAME},
	{"same-origin", "https://cards.example", "http", "inside", "", ORIGIN_SAME},
	{"same-site", SITE, "http", "cards.example", "", ORIGIN_FOREIGN},
	{"cross-site", SITE, "http", "cards.example", "", ORIGIN_FOREIGN},
	{"none", NULL, "http", "cards.example", "", ORIGIN_FOREIGN},
	{"none", SITE, "http", "cards.example", "", ORIGIN_FOREIGN},
	{"Same-Origin", SITE, "http", "cards.example", "", ORIGIN_FOREIGN},
	/* then the origin, against the request's own */
	{NULL, SITE, "http", "cards.example", "", ORIGIN_SAME},
	{NULL, "HTTP://Cards.Example", "http", "cards.example", "", ORIGIN_SAME},
	{NULL, SITE ":80", "http", "cards.example", "", ORIGIN_SAME},
	{NULL, SITE, "http", "cards.example:80", "", ORIGIN_SAME},
	{NULL, "https://cards.example", "https", "cards.example:443", "", ORIGIN_SAME},
	{NULL, "http://127.0.0.1:8080", "http", "127.0.0.1:8080", "", ORIGIN_SAME},
	{NULL, "http://[::1]:8080", "http", "[::1]:8080", "", ORIGIN_SAME},
	{NULL, "https://cards.example", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, SITE ":8080", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, SITE ":443", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, SITE ".evil.example", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, "http://evil-cards.example", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, "null", "http", "cards.example", "", ORIGIN_FOREIGN},
	{NULL, "null", "http", "null", "", ORIGIN_FOREIGN},
	{NULL, "://", "", "", "", ORIGIN_FOREIGN},
	{NULL, "http://", "http", "", "", ORIGIN_FOREIGN},
	{NULL, SITE, NULL, NULL, "", ORIGIN_FOREIGN},
	/* or against the one that browsers see */
	{NULL, "https://cards.example", "http", "inside:8080", "https://cards.example",
		ORIGIN_SAME},
	{NULL, "https://cards.example", "http", "inside:8080", "https://cards.example/",
		ORIGIN_SAME},
	{NULL, "https://other.example", "http", "inside:8080", "https://cards.example",
		ORIGIN_FOREIGN},
};

static void a_page_of_this_site_is_told_from_all_others(void **state)
{
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request request = {
			.sec_fetch_site = cases[i].site,
			.origin = cases[i].origin,
			.scheme = cases[i].scheme,
			.host = cases[i].host,
		};

		if (origin_of(&request, cases[i].public_url, &arena) != cases[i].is)
			fail_msg("case %zu: %s from %s", i, cases[i].site, cases[i].origin);
	}
	mem_arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_of_this_site_is_told_from_all_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
