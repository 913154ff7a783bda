/* The records of a request: what is one, what is none, and that nothing else can be done with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "fcgi_client.h"
#include "http/record.h"

#define BODY_MAX 1000

static void whole(struct buf *bytes)
{
	buf_reset(bytes);
	client_request(
		bytes, &(struct client_request){
			       .method = "POST", .uri = "/a", .body = "abcdefgh", .body_len = 8});
}

/* Feeds a copy of its own room, so that a sanitizer sees a byte read past it. */
static enum record_state feed_in_steps(
	struct record_reader *reader, const struct buf *bytes, size_t step, const char **ret_why)
{
	enum record_state state = RECORD_MORE;

	for (size_t at = 0; at < bytes->len && state == RECORD_MORE; at += step) {
		const size_t n = bytes->len - at < step ? bytes->len - at : step;
		char *piece = mem_resize(NULL, n);

		memcpy(piece, bytes->data + at, n);
		state = record_feed(reader, piece, n, ret_why);
		free(piece);
	}
	return state;
}

static void a_request_is_read_however_it_is_cut(void **state)
{
	struct buf bytes = {0};

	(void)state;
	whole(&bytes);
	for (size_t step = 1; step <= bytes.len; step++) {
		struct record_reader reader;
		const char *why = NULL;

		record_init(&reader, BODY_MAX);
		assert_int_equal(feed_in_steps(&reader, &bytes, step, &why), RECORD_DONE);
		assert_null(why);
		assert_string_equal(record_param(&reader, "REQUEST_METHOD", 0), "POST");
		assert_string_equal(record_param(&reader, "REQUEST_URI", 0), "/a");
		assert_null(record_param(&reader, "REQUEST_URI", 1));
		assert_null(record_param(&reader, "REQUEST", 0));
		assert_int_equal(reader.body_bytes, 8);
		assert_string_equal(buf_cstr(&reader.body), "abcdefgh");
		record_fini(&reader);
	}
	buf_free(&bytes);
}

static void a_long_body_is_counted_and_not_kept(void **state)
{
	static char body[3 * BODY_MAX];
	static const size_t sizes[] = {0, 1, BODY_MAX, BODY_MAX + 1, 3 * BODY_MAX};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct buf bytes = {0};
		struct record_reader reader;
		const char *why = NULL;

		client_request(&bytes,
			&(struct client_request){
				.method = "POST", .uri = "/", .body = body, .body_len = sizes[i]});
		record_init(&reader, BODY_MAX);
		assert_int_equal(feed_in_steps(&reader, &bytes, 100, &why), RECORD_DONE);
		assert_int_equal(reader.body_bytes, sizes[i]);
		assert_int_equal(reader.body.len, sizes[i] <= BODY_MAX ? sizes[i] : 0);
		record_fini(&reader);
		buf_free(&bytes);
	}
}

static void add(struct buf *bytes, unsigned type, unsigned id, const char *content, size_t len)
{
	const char header[8] = {
		1, (char)type, (char)(id >> 8), (char)id, (char)(len >> 8), (char)len};

	buf_add(bytes, header, sizeof(header));
	buf_add(bytes, content, len);
}

static void begin(struct buf *bytes)
{
	buf_reset(bytes);
	add(bytes, 1, 1, "\0\1\1\0\0\0\0\0", 8);
}

static void expect_nonsense(const struct buf *bytes, const char *want)
{
	for (size_t step = 1; step <= bytes->len; step = step * 5 + 2) {
		struct record_reader reader;
		const char *why = NULL;

		record_init(&reader, BODY_MAX);
		assert_int_equal(feed_in_steps(&reader, bytes, step, &why), RECORD_NONSENSE);
		assert_non_null(why);
		assert_string_equal(why, want);
		record_fini(&reader);
	}
}

/* Bytes that make libfcgi 2.4.2 abort, or write past its memory, are the first of these. */
static void what_nginx_never_sends_is_nonsense(void **state)
{
	static const struct {
		unsigned type;
		unsigned id;
		const char *content;
		size_t len;
		const char *want;
	} cases[] = {
		/* malloc(INT_MAX + INT_MAX + 2) */
		{4, 1, "\xff\xff\xff\xff\xff\xff\xff\xff", 8,
			"a parameter is longer than all of them"},
		{4, 1, "\xff\xff\xff\xfe\xff\xff\xff\xfe", 8,
			"a parameter is longer than all of them"},
		{4, 1, "\x80\x00\x00\x00\xff\xff\xff\xff", 8,
			"a parameter is longer than all of them"},
		/* GET_VALUES: names enough to leave a buffer of 64 bytes */
		{9, 0,
			"\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS"
			"\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS\x0e\0FCGI_MAX_CONNS",
			96, "a record is none that nginx sends there"},
		{9, 0, "", 0, "a record is none that nginx sends there"},
		{1, 1, "\0\1\1\0\0\0\0\0", 8, "a record is none that nginx sends there"},
		{1, 2, "\0\1\1\0\0\0\0\0", 8, "a record is none that nginx sends there"},
		{2, 1, "", 0, "a record is none that nginx sends there"},
		{5, 1, "body first", 10, "a record is none that nginx sends there"},
		{8, 1, "data", 4, "a record is none that nginx sends there"},
		{11, 0, "", 0, "a record is none that nginx sends there"},
		{4, 2, "", 0, "a record is another request's"},
		{4, 0, "", 0, "a record is another request's"},
		{4, 1, "\x01", 1, "a parameter's length is cut short"},
		{4, 1, "\x80\x00\x00", 3, "a parameter's length is cut short"},
		{4, 1, "\x01\x80\x00", 3, "a parameter's length is cut short"},
		{4, 1,
			"\x01\x01"
			"a",
			3, "a parameter is longer than all of them"},
		{4, 1,
			"\x02\x01"
			"a\0b",
			5, "a parameter holds a NUL byte"},
		{4, 1,
			"\x01\x02"
			"ab\0",
			5, "a parameter holds a NUL byte"},
	};
	struct buf bytes = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(&bytes);
		add(&bytes, cases[i].type, cases[i].id, cases[i].content, cases[i].len);
		add(&bytes, 4, 1, "", 0);
		expect_nonsense(&bytes, cases[i].want);
	}
	buf_free(&bytes);
}

static void a_beginning_of_another_kind_is_nonsense(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *want;
	} cases[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18, "its records are of no version that is known"},
		{"\x01\x04\0\x01\0\0\0\0", 8, "a record is none that nginx sends there"},
		{"\x01\x01\0\x01\0\x07\0\0\0\1\1\0\0\0\0", 15,
			"its beginning is not as long as one"},
		{"\x01\x01\0\x01\0\0\0\0", 8, "its beginning is not as long as one"},
		{"\x01\x01\0\0\0\x08\0\0\0\1\1\0\0\0\0\0", 16, "its id is zero"},
		{"\x01\x01\0\x01\0\x08\0\0\0\2\1\0\0\0\0\0", 16,
			"its role is not that of a responder"},
		{"\x01\x01\0\x01\0\x08\0\0\1\1\1\0\0\0\0\0", 16,
			"its role is not that of a responder"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct buf bytes = {
			.data = (char *)(uintptr_t)cases[i].bytes, .len = cases[i].len};

		expect_nonsense(&bytes, cases[i].want);
	}
}

static void what_comes_behind_a_request_is_nonsense(void **state)
{
	struct buf bytes = {0};

	(void)state;
	whole(&bytes);
	buf_char(&bytes, '\1');
	{
		struct record_reader reader;
		const char *why = NULL;

		record_init(&reader, BODY_MAX);
		assert_int_equal(
			record_feed(&reader, bytes.data, bytes.len, &why), RECORD_NONSENSE);
		assert_string_equal(why, "more came than one request");
		record_fini(&reader);
	}
	buf_free(&bytes);
}

/* Without an end: what is kept has a limit, and then it is over. */
static void a_request_without_an_end_takes_bounded_memory(void **state)
{
	static const unsigned types[] = {4, 5};
	static char much[60000];

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		struct buf bytes = {0};
		struct record_reader reader;
		enum record_state got = RECORD_MORE;
		const char *why = NULL;
		size_t sent = 0;

		begin(&bytes);
		if (types[t] == 5)
			add(&bytes, 4, 1, "", 0);
		record_init(&reader, BODY_MAX);
		assert_int_equal(record_feed(&reader, bytes.data, bytes.len, &why), RECORD_MORE);
		buf_reset(&bytes);
		add(&bytes, types[t], 1, much, sizeof(much));
		while (got == RECORD_MORE && sent < 64 * 1024 * 1024) {
			got = record_feed(&reader, bytes.data, bytes.len, &why);
			sent += bytes.len;
			assert_true(reader.params.cap + reader.body.cap <= 2 * RECORD_PARAMS_MAX);
		}
		assert_int_equal(got, RECORD_NONSENSE);
		record_fini(&reader);
		buf_free(&bytes);
	}
}

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % sides;
}

/* Bytes changed, cut out and put in, in a request that was good. */
static void any_bytes_are_a_request_or_none(void **state)
{
	enum { ROUNDS = 20000 };
	struct buf bytes = {0};
	int done = 0;
	int nonsense = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct record_reader reader;
		const char *why = NULL;
		enum record_state got;

		whole(&bytes);
		for (uint32_t changes = roll(4) + 1; changes > 0 && bytes.len > 1; changes--) {
			const size_t at = roll((uint32_t)bytes.len);

			if (roll(3) == 0)
				bytes.len = at + 1;
			else
				bytes.data[at] = (char)(roll(2) == 0 ? roll(256) : 0xff * roll(2));
		}
		record_init(&reader, BODY_MAX);
		got = feed_in_steps(&reader, &bytes, roll(60) + 1, &why);
		assert_true((got == RECORD_NONSENSE) == (why != NULL));
		if (got == RECORD_DONE)
			(void)record_param(&reader, "HTTP_COOKIE", 3);
		done += got == RECORD_DONE;
		nonsense += got == RECORD_NONSENSE;
		record_fini(&reader);
	}
	assert_true(done > 0 && nonsense > 0);
	buf_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_read_however_it_is_cut),
		cmocka_unit_test(a_long_body_is_counted_and_not_kept),
		cmocka_unit_test(what_nginx_never_sends_is_nonsense),
		cmocka_unit_test(a_beginning_of_another_kind_is_nonsense),
		cmocka_unit_test(what_comes_behind_a_request_is_nonsense),
		cmocka_unit_test(a_request_without_an_end_takes_bounded_memory),
		cmocka_unit_test(any_bytes_are_a_request_or_none),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
