/*
 * The dialler and the resolver, with servers and names that are silent, by a getaddrinfo and a db/pq
 * of the test's own: the name or address of each says how it behaves.
 */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "db/dial.h"
#include "db/resolve.h"

#define LIMIT_US (200 * CLOCK_MS)

static void sleep_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

/* ---- names --------------------------------------------------------------------------------------- */

static atomic_int lookups;
static atomic_bool name_server_speaks;

static struct addrinfo *address_of(const char *text, struct addrinfo *next)
{
	struct addrinfo *info = calloc(1, sizeof(*info));

	/* What getnameinfo below takes for an address. */
	info->ai_canonname = strdup(text);
	info->ai_addr = (struct sockaddr *)(void *)info->ai_canonname;
	info->ai_next = next;
	return info;
}

/* "127..." is an address; "silent" is not answered until name_server_speaks; "two" has two addresses. */
int getaddrinfo(
	const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	(void)service;
	if (strncmp(name, "127.", 4) == 0) {
		*ret = address_of(name, NULL);
		return 0;
	}
	if ((hints->ai_flags & AI_NUMERICHOST) != 0)
		return EAI_NONAME;
	atomic_fetch_add(&lookups, 1);
	while (strcmp(name, "silent") == 0 && !atomic_load(&name_server_speaks))
		sleep_ms(5);
	if (strcmp(name, "unknown") == 0)
		return EAI_NONAME;
	*ret = address_of(
		"127.0.0.9", strcmp(name, "two") == 0 ? address_of("127.0.0.1", NULL) : NULL);
	return 0;
}

int getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t host_size,
	char *service, socklen_t service_size, int flags)
{
	(void)len;
	(void)service;
	(void)service_size;
	(void)flags;
	snprintf(host, host_size, "%s", (const char *)address);
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	while (list != NULL) {
		struct addrinfo *info = list;

		list = info->ai_next;
		free(info->ai_canonname);
		free(info);
	}
}

/* ---- servers ------------------------------------------------------------------------------------- */

struct pq_conn {
	char address[RESOLVE_TEXT];
};

static atomic_int opened;

struct pq_conn *pq_new(const struct pq_options *options)
{
	(void)options;
	return mem_zero(sizeof(struct pq_conn));
}

void pq_free(struct pq_conn **conn)
{
	free(*conn);
	*conn = NULL;
}

#define SLOW_US (LIMIT_US * 3 / 4)

/* 127.0.0.9 is silent, 127.0.0.8 takes three quarters of the limit, port 1 refuses, all others are open. */
bool pq_open(struct pq_conn *conn, const struct pq_place *place, int64_t deadline_us,
	const atomic_bool *stop, struct pq_error *ret_error)
{
	const bool slow = strcmp(place->address, "127.0.0.8") == 0;
	const bool silent = strcmp(place->address, "127.0.0.9") == 0 ||
			    (slow && deadline_us - clock_mono_us() < SLOW_US);

	atomic_fetch_add(&opened, 1);
	if (slow && !silent)
		sleep_ms(SLOW_US / CLOCK_MS);
	while (silent && clock_mono_us() < deadline_us && !atomic_load(stop))
		sleep_ms(2);
	if (silent || strcmp(place->port, "1") == 0) {
		*ret_error = (struct pq_error){.sqlstate = "08001"};
		snprintf(ret_error->message, sizeof(ret_error->message), "%s",
			silent ? "silent" : "refused");
		return false;
	}
	snprintf(conn->address, sizeof(conn->address), "%s", place->address);
	return true;
}

/* ---- calls --------------------------------------------------------------------------------------- */

struct line {
	struct dialler *dialler;
	struct dial *dial;
	struct pq_error error;
	char address[RESOLVE_TEXT]; /* of what was opened */
	int64_t took_us;
};

static struct line *line_to(const char *conninfo)
{
	const struct pq_options options = {.conninfo = conninfo};
	struct line *line = mem_zero(sizeof(*line));

	line->dialler = dialler_new(conninfo, LIMIT_US);
	line->dial = dial_new(line->dialler, &options);
	return line;
}

static void hang_up(struct line *line)
{
	dial_free(&line->dial);
	dialler_free(&line->dialler);
	free(line);
}

static enum dial_news call(struct line *line)
{
	const int64_t began_us = clock_mono_us();
	struct pq_conn *conn = NULL;
	enum dial_news news;

	dial_start(line->dial);
	assert_true(dial_busy(line->dial));
	dial_wait(line->dial, began_us + 20 * CLOCK_S);
	line->took_us = clock_mono_us() - began_us;
	news = dial_collect(line->dial, &conn, &line->error);
	assert_false(dial_busy(line->dial));
	if (news == DIAL_OPENED)
		strcpy(line->address, conn->address);
	pq_free(&conn);
	return news;
}

/* So long and not much longer, on a machine that has other things to do. */
static void assert_took(const struct line *line, int64_t least_us)
{
	assert_true(line->took_us >= least_us);
	assert_true(line->took_us < least_us + 5 * CLOCK_S);
}

static void a_server_that_answers_is_handed_over(void **state)
{
	struct line *line = line_to("host=127.0.0.1");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.1");
	assert_int_equal(call(line), DIAL_OPENED);
	hang_up(line);
}

static void nothing_is_told_before_it_is_there_and_nothing_twice(void **state)
{
	struct line *line = line_to("host=127.0.0.9");
	struct pq_conn *conn = NULL;
	struct pq_error error;

	(void)state;
	assert_int_equal(dial_collect(line->dial, &conn, &error), DIAL_NOTHING);
	dial_start(line->dial);
	dial_wait(line->dial, clock_mono_us() + 20 * CLOCK_MS);
	assert_int_equal(dial_collect(line->dial, &conn, &error), DIAL_NOTHING);
	dial_wait(line->dial, clock_mono_us() + 20 * CLOCK_S);
	assert_int_equal(dial_collect(line->dial, &conn, &error), DIAL_FAILED);
	assert_string_equal(error.message, "silent");
	assert_int_equal(dial_collect(line->dial, &conn, &error), DIAL_NOTHING);
	hang_up(line);
}

static void a_silent_host_is_passed_within_its_limit_and_tried_last_from_then_on(void **state)
{
	struct line *line = line_to("host=127.0.0.9,127.0.0.1");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.1");
	assert_took(line, LIMIT_US / 2);
	atomic_store(&opened, 0);
	assert_int_equal(call(line), DIAL_OPENED);
	assert_int_equal(atomic_load(&opened), 1);
	hang_up(line);
}

static void a_host_that_refuses_is_passed_at_once_and_keeps_its_place(void **state)
{
	struct line *line = line_to("host=127.0.0.2,127.0.0.1 port=1,2");

	(void)state;
	for (int i = 0; i < 2; i++) {
		atomic_store(&opened, 0);
		assert_int_equal(call(line), DIAL_OPENED);
		assert_int_equal(atomic_load(&opened), 2);
	}
	hang_up(line);
}

static void alone_a_host_has_all_of_the_limit(void **state)
{
	struct line *line = line_to("host=127.0.0.8");
	struct line *silent = line_to("host=127.0.0.9");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_int_equal(call(silent), DIAL_FAILED);
	assert_took(silent, LIMIT_US);
	hang_up(line);
	hang_up(silent);
}

/* Half of the limit is not enough for it, and nobody else is there. */
static void a_slow_host_among_others_has_a_second_chance(void **state)
{
	struct line *line = line_to("host=127.0.0.8,127.0.0.2 port=2,1");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.8");
	assert_took(line, LIMIT_US / 2 + SLOW_US);
	hang_up(line);
}

static void what_one_thread_has_waited_for_in_vain_the_rest_leave(void **state)
{
	struct line *line = line_to("host=127.0.0.1,127.0.0.2");
	const struct pq_options options = {.conninfo = "host=127.0.0.1,127.0.0.2"};
	struct line other = {.dial = dial_new(line->dialler, &options)};
	struct line *alone = line_to("host=127.0.0.1");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_int_equal(call(&other), DIAL_OPENED);
	assert_false(dial_suspected(other.dial));
	sleep_ms(2);
	dial_suspect(line->dial);
	assert_true(dial_suspected(other.dial));
	assert_int_equal(call(&other), DIAL_OPENED);
	assert_string_equal(other.address, "127.0.0.2");
	assert_false(dial_suspected(other.dial));
	/* There is nowhere else to go. */
	assert_int_equal(call(alone), DIAL_OPENED);
	dial_suspect(alone->dial);
	assert_false(dial_suspected(alone->dial));
	dial_free(&other.dial);
	hang_up(line);
	hang_up(alone);
}

static void each_address_of_a_name_has_the_limit(void **state)
{
	struct line *line = line_to("host=two");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.1");
	assert_took(line, LIMIT_US / 2);
	hang_up(line);
}

static void a_host_that_hung_is_tried_last(void **state)
{
	struct line *line = line_to("host=127.0.0.1,127.0.0.2");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.1");
	dial_suspect(line->dial);
	assert_int_equal(call(line), DIAL_OPENED);
	assert_string_equal(line->address, "127.0.0.2");
	hang_up(line);
}

static void where_all_fail_the_reason_of_one_that_spoke_is_told(void **state)
{
	struct line *line = line_to("host=127.0.0.9,127.0.0.2 port=2,1");

	(void)state;
	assert_int_equal(call(line), DIAL_FAILED);
	assert_string_equal(line->error.message, "refused");
	hang_up(line);
	line = line_to("host=127.0.0.2,127.0.0.9 port=1,2");
	assert_int_equal(call(line), DIAL_FAILED);
	assert_string_equal(line->error.message, "refused");
	hang_up(line);
}

static void a_string_that_libpq_refuses_is_told_each_time(void **state)
{
	struct line *line = line_to("sslmode=reqire");

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(call(line), DIAL_FAILED);
		assert_non_null(strstr(line->error.message, "sslmode"));
	}
	hang_up(line);
}

static void whoever_hangs_up_does_not_wait_for_a_silent_host(void **state)
{
	const struct pq_options options = {.conninfo = "host=127.0.0.9"};
	struct dialler *dialler = dialler_new(options.conninfo, 60 * CLOCK_S);
	struct dial *dial = dial_new(dialler, &options);
	const int64_t began_us = clock_mono_us();

	(void)state;
	dial_start(dial);
	sleep_ms(20);
	dial_free(&dial);
	dialler_free(&dialler);
	assert_true(clock_mono_us() - began_us < 10 * CLOCK_S);
}

static void an_unknown_name_is_passed_with_its_reason(void **state)
{
	struct line *line = line_to("host=unknown,127.0.0.1");
	struct line *alone = line_to("host=unknown");

	(void)state;
	assert_int_equal(call(line), DIAL_OPENED);
	assert_int_equal(call(alone), DIAL_FAILED);
	assert_non_null(strstr(alone->error.message, "no address of \"unknown\""));
	hang_up(line);
	hang_up(alone);
}

/* As many dials as there are, and as often as they try: a name has one thread. */
static void a_silent_name_server_is_passed_and_holds_one_thread_a_name(void **state)
{
	struct resolver *resolver = resolver_new();
	struct addresses addresses;
	const atomic_bool stop = false;
	char why[160];

	(void)state;
	atomic_store(&lookups, 0);
	for (int i = 0; i < 3; i++) {
		const int64_t began_us = clock_mono_us();

		assert_false(resolver_ask(resolver, "silent", began_us + 30 * CLOCK_MS, &stop,
			&addresses, why, sizeof(why)));
		assert_non_null(strstr(why, "the name server is silent"));
		assert_true(clock_mono_us() - began_us < 5 * CLOCK_S);
	}
	assert_int_equal(atomic_load(&lookups), 1);
	/* Others find their way meanwhile. */
	assert_true(resolver_ask(resolver, "two", clock_mono_us() + 10 * CLOCK_S, &stop, &addresses,
		why, sizeof(why)));
	assert_int_equal(addresses.count, 2);
	assert_string_equal(addresses.text[1], "127.0.0.1");
	atomic_store(&name_server_speaks, true);
	assert_true(resolver_ask(resolver, "silent", clock_mono_us() + 10 * CLOCK_S, &stop,
		&addresses, why, sizeof(why)));
	assert_string_equal(addresses.text[0], "127.0.0.9");
	resolver_free(&resolver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_that_answers_is_handed_over),
		cmocka_unit_test(nothing_is_told_before_it_is_there_and_nothing_twice),
		cmocka_unit_test(
			a_silent_host_is_passed_within_its_limit_and_tried_last_from_then_on),
		cmocka_unit_test(a_host_that_refuses_is_passed_at_once_and_keeps_its_place),
		cmocka_unit_test(alone_a_host_has_all_of_the_limit),
		cmocka_unit_test(a_slow_host_among_others_has_a_second_chance),
		cmocka_unit_test(what_one_thread_has_waited_for_in_vain_the_rest_leave),
		cmocka_unit_test(each_address_of_a_name_has_the_limit),
		cmocka_unit_test(a_host_that_hung_is_tried_last),
		cmocka_unit_test(where_all_fail_the_reason_of_one_that_spoke_is_told),
		cmocka_unit_test(a_string_that_libpq_refuses_is_told_each_time),
		cmocka_unit_test(whoever_hangs_up_does_not_wait_for_a_silent_host),
		cmocka_unit_test(an_unknown_name_is_passed_with_its_reason),
		cmocka_unit_test(a_silent_name_server_is_passed_and_holds_one_thread_a_name),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("dial", tests, NULL, NULL);
}
