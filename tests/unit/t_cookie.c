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
		bool host_only;
	} cases[] = {
		{NULL, NULL, false},
		{"", NULL, false},
		{";;  ; ", NULL, false},
		{"ck_session", NULL, false},
		{"ck_session=", "", false},
		{"ck_session=a", "a", false},
		{"ck_session=a;", "a", false},
		{"  ck_session=a \t", "a", false},
		{"x=1; ck_session=a; y=2", "a", false},
		{"x=1;ck_session=a;y=2", "a", false},
		{"ck_session=a=b", "a=b", false},
		{"ck_session=\"a\"", "a", false},
		{"ck_session=\"a", "\"a", false},
		{"ck_session=\"", "\"", false},
		/* names that are nearly ours */
		{"xck_session=a", NULL, false},
		{"ck_sessions=a", NULL, false},
		{"ck_session =a", NULL, false},
		{"Ck_Session=a", NULL, false},
		{"x=ck_session=a", NULL, false},
		{"x=\"; ck_session=a", "a", false},
		/* one may be there twice, two may not */
		{"ck_session=a; ck_session=a", "a", false},
		{"ck_session=a; ck_session=\"a\"", "a", false},
		{"ck_session=a; x=1; ck_session=b", NULL, false},
		{"ck_session=a; ck_session=", NULL, false},
		{"ck_session=a; ck_session=b; ck_session=a", NULL, false},
		/* what only this host can set goes before what its neighbours can */
		{"__Host-ck_session=a", "a", true},
		{"__Host-ck_session=a; ck_session=b", "a", true},
		{"ck_session=b; x=1; __Host-ck_session=a", "a", true},
		{"ck_session=b; ck_session=c; __Host-ck_session=a", "a", true},
		{"__Host-ck_session=\"a\"; __Host-ck_session=a", "a", true},
		{"__Host-ck_session=; ck_session=b", "", true},
		{"__Host-ck_session=a; __Host-ck_session=b; ck_session=c", NULL, true},
		{"__host-ck_session=a", NULL, false},
		{"__Secure-ck_session=a", NULL, false},
		{"__Host-ck_sessions=a; ck_session=b", "b", false},
	};
	struct mem_arena arena = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool host_only;
		const char *value = cookie_value(cases[i].header, &arena, &host_only);

		assert_int_equal(host_only, cases[i].host_only);
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
	struct exchange x = {.conf = &conf};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strcpy(conf.public_url, cases[i].public_url);
		x.request.scheme = cases[i].scheme;
		reply_start(&x.reply, 204, NULL);
		cookie_set(&x, "ck_t");
		assert_string_equal(buf_cstr(&x.reply.headers),
			cases[i].secure
				? "Set-Cookie: __Host-ck_session=ck_t; Path=/; Max-Age=7200; "
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
	reply_start(&x.reply, 204, NULL);
	x.host_only = true;
	cookie_clear(&x);
	assert_string_equal(buf_cstr(&x.reply.headers),
		"Set-Cookie: __Host-ck_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; "
		"Secure\r\n");
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
