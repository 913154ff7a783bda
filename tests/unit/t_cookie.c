/* Which cookie is read from a header, and what is set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/cookie.h"
#include "base/must.h"

static void the_cookie_is_found_among_others(void **state)
{
	static const struct {
		const char *header;
		const char *value; /* NULL: none */
	} cases[] = {
		{NULL, NULL},
		{"", NULL},
		{";;  ; ", NULL},
		{"ck_session", NULL},
		{"ck_session=", ""},
		{"ck_session=a", "a"},
		{"ck_session=a;", "a"},
		{"  ck_session=a \t", "a"},
		{"x=1; ck_session=a; y=2", "a"},
		{"x=1;ck_session=a;y=2", "a"},
		{"ck_session=a=b", "a=b"},
		{"ck_session=\"a\"", "a"},
		{"ck_session=\"a", "\"a"},
		{"ck_session=\"", "\""},
		/* names that are nearly ours */
		{"xck_session=a", NULL},
		{"ck_sessions=a", NULL},
		{"ck_session =a", NULL},
		{"Ck_Session=a", NULL},
		{"x=ck_session=a", NULL},
		{"x=\"; ck_session=a", "a"},
		/* one may be there twice, two may not */
		{"ck_session=a; ck_session=a", "a"},
		{"ck_session=a; ck_session=\"a\"", "a"},
		{"ck_session=a; x=1; ck_session=b", NULL},
		{"ck_session=a; ck_session=", NULL},
		{"ck_session=a; ck_session=b; ck_session=a", NULL},
	};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *value = cookie_value(cases[i].header, &arena);

		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
	}
	mem_arena_free(&arena);
}

static void the_cookie_is_secure_over_https_and_by_the_public_address(void **state)
{
	static const struct {
		const char *scheme;
		const char *public_url;
		bool secure;
	} cases[] = {
		{"https", "", true},
		{"http", "", false},
		{NULL, "", false},
		{"http", "https://cards.example", true},
		{"http", "http://cards.example", false},
	};
	struct conf conf = {.session_lifetime_hours = 2};
	struct exchange x = {.conf = &conf, .token = "ck_t"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strcpy(conf.public_url, cases[i].public_url);
		x.request.scheme = cases[i].scheme;
		reply_start(&x.reply, 204, NULL);
		cookie_set(&x);
		assert_string_equal(buf_cstr(&x.reply.headers),
			cases[i].secure ? "Set-Cookie: ck_session=ck_t; Path=/; Max-Age=7200; "
					  "HttpOnly; SameSite=Strict; Secure\r\n"
					: "Set-Cookie: ck_session=ck_t; Path=/; Max-Age=7200; "
					  "HttpOnly; SameSite=Strict\r\n");
	}
	reply_free(&x.reply);
}

static void only_who_came_with_the_cookie_is_told_to_forget_it(void **state)
{
	struct conf conf = {0};
	struct exchange x = {.conf = &conf};

	(void)state;
	cookie_clear(&x);
	assert_string_equal(buf_cstr(&x.reply.headers), "");
	x.by_cookie = true;
	cookie_clear(&x);
	assert_string_equal(buf_cstr(&x.reply.headers),
		"Set-Cookie: ck_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict\r\n");
	reply_free(&x.reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cookie_is_found_among_others),
		cmocka_unit_test(the_cookie_is_secure_over_https_and_by_the_public_address),
		cmocka_unit_test(only_who_came_with_the_cookie_is_told_to_forget_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
