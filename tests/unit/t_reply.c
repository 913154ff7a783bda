/* What is answered: the whole CGI text, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "http/reply.h"

#define ID "00010203-0405-0607-0809-0a0b0c0d0e0f"

static void renders(const struct reply *reply, bool head, const char *want)
{
	struct buf out = {0};

	reply_render(reply, ID, head, &out);
	assert_string_equal(buf_cstr(&out), want);
	assert_int_equal(out.len, strlen(want));
	buf_free(&out);
}

static void an_answer_without_etag_must_not_be_stored(void **state)
{
	struct reply reply = {0};

	(void)state;
	reply_start(&reply, 201, REPLY_JSON);
	reply_header(&reply, "Location", "/api/cards/%d", 7);
	buf_str(&reply.body, "{\"a\":1}");
	renders(&reply, false,
		"Status: 201 Created\r\n"
		"Content-Type: application/json; charset=utf-8\r\n"
		"Content-Length: 7\r\n"
		"X-Request-Id: " ID "\r\n"
		"Cache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"Location: /api/cards/7\r\n"
		"\r\n"
		"{\"a\":1}");
	reply_free(&reply);
}

static void an_answer_with_etag_may_be_kept_and_asked_for_again(void **state)
{
	struct reply reply = {0};

	(void)state;
	reply_start(&reply, 200, REPLY_JSON);
	reply_etag(&reply, 12);
	buf_str(&reply.body, "{}");
	renders(&reply, false,
		"Status: 200 OK\r\n"
		"Content-Type: application/json; charset=utf-8\r\n"
		"Content-Length: 2\r\n"
		"X-Request-Id: " ID "\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"ETag: \"12\"\r\n"
		"Cache-Control: private, no-cache\r\n"
		"Vary: Authorization, Cookie\r\n"
		"\r\n"
		"{}");
	/* A new start forgets the tag and its caching. */
	reply_start(&reply, 200, NULL);
	renders(&reply, false,
		"Status: 200 OK\r\n"
		"Content-Length: 0\r\n"
		"X-Request-Id: " ID "\r\n"
		"Cache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"\r\n");
	reply_free(&reply);
}

static void head_tells_the_length_and_leaves_the_body_out(void **state)
{
	struct reply reply = {0};

	(void)state;
	reply_start(&reply, 200, "text/plain");
	reply_borrow(&reply, "hello", 5);
	renders(&reply, true,
		"Status: 200 OK\r\n"
		"Content-Type: text/plain\r\n"
		"Content-Length: 5\r\n"
		"X-Request-Id: " ID "\r\n"
		"Cache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"\r\n");
	reply_free(&reply);
}

static void no_content_and_not_modified_have_neither_body_nor_type(void **state)
{
	struct reply reply = {0};

	(void)state;
	reply_start(&reply, 204, REPLY_JSON);
	buf_str(&reply.body, "{}");
	renders(&reply, false,
		"Status: 204 No Content\r\n"
		"X-Request-Id: " ID "\r\n"
		"Cache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"\r\n");
	reply_start(&reply, 304, REPLY_JSON);
	reply_etag(&reply, 3);
	renders(&reply, false,
		"Status: 304 Not Modified\r\n"
		"X-Request-Id: " ID "\r\n"
		"X-Content-Type-Options: nosniff\r\n"
		"ETag: \"3\"\r\n"
		"Cache-Control: private, no-cache\r\n"
		"Vary: Authorization, Cookie\r\n"
		"\r\n");
	reply_free(&reply);
	assert_null(reply.headers.data);
	assert_int_equal(reply.status, 0);
}

static void a_borrowed_body_is_sent_with_every_byte_of_it(void **state)
{
	static const char body[] = "a\0b";
	struct reply reply = {0};
	struct buf out = {0};

	(void)state;
	reply_start(&reply, 200, "application/octet-stream");
	reply_borrow(&reply, body, 3);
	reply_render(&reply, ID, false, &out);
	assert_memory_equal(out.data + out.len - 7, "\r\n\r\na\0b", 7);
	buf_free(&out);
	reply_free(&reply);
}

static void a_public_page_sets_its_own_caching(void **state)
{
	struct reply reply = {0};
	struct buf out = {0};

	(void)state;
	reply_start(&reply, 200, "text/html; charset=utf-8");
	reply_header(&reply, "cache-control", "public, max-age=0, must-revalidate");
	reply_render(&reply, ID, false, &out);
	assert_null(strstr(buf_cstr(&out), "no-store"));
	assert_non_null(strstr(buf_cstr(&out), "\r\ncache-control: public, max-age=0"));
	buf_free(&out);
	reply_free(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_without_etag_must_not_be_stored),
		cmocka_unit_test(an_answer_with_etag_may_be_kept_and_asked_for_again),
		cmocka_unit_test(head_tells_the_length_and_leaves_the_body_out),
		cmocka_unit_test(no_content_and_not_modified_have_neither_body_nor_type),
		cmocka_unit_test(a_borrowed_body_is_sent_with_every_byte_of_it),
		cmocka_unit_test(a_public_page_sets_its_own_caching),
	};

	return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
