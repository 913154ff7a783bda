/* The ground: buffers, arena, clock arithmetic, UUIDs. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/uuid.h"

static void a_buffer_grows_and_stays_terminated(void **state)
{
	struct buf buf = {0};

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%03d,", i);
	assert_int_equal(buf.len, 4000);
	assert_memory_equal(buf.data, "000,001,", 8);
	assert_string_equal(buf.data + 3996, "999,");
	buf_reset(&buf);
	assert_string_equal(buf_cstr(&buf), "");
	buf_free(&buf);
	assert_null(buf.data);
}

static void an_arena_keeps_every_piece_until_it_is_freed(void **state)
{
	struct mem_arena arena = {0};
	char *pieces[500];

	(void)state;
	for (int i = 0; i < 500; i++)
		pieces[i] = mem_arena_printf(&arena, "piece %d of an arena", i);
	for (int i = 0; i < 500; i++) {
		char want[64];

		snprintf(want, sizeof(want), "piece %d of an arena", i);
		assert_string_equal(pieces[i], want);
		assert_int_equal((uintptr_t)pieces[i] % sizeof(long), 0);
	}
	memset(mem_arena_alloc(&arena, 1 << 20), 7, 1 << 20);
	mem_arena_free(&arena);
	assert_null(arena.chunks);
	mem_arena_free(&arena);
}

static void waits_round_up_and_never_go_negative(void **state)
{
	(void)state;
	assert_int_equal(clock_wait_ms(1000, 1000), 0);
	assert_int_equal(clock_wait_ms(1000, 999), 0);
	assert_int_equal(clock_wait_ms(1000, 1001), 1);
	assert_int_equal(clock_wait_ms(1000, 2000), 1);
	assert_int_equal(clock_wait_ms(1000, 2001), 2);
	assert_int_equal(clock_wait_ms(0, INT64_MAX / 2), INT32_MAX);
	assert_true(clock_mono_us() > 0);
	assert_true(clock_wall_us() > INT64_C(1700000000) * CLOCK_S);
}

static void a_wall_clock_time_is_told_as_rfc_3339(void **state)
{
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	clock_text(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	clock_text(INT64_C(1769860800123456), text);
	assert_string_equal(text, "2026-01-31T12:00:00.123456Z");
}

static void uuids_are_read_in_both_forms_and_written_in_one(void **state)
{
	static const char *bad[] = {"", "0", "6F9619FF-8B86-D011-B42D-00C04FC964F",
		"6F9619FF-8B86-D011-B42D-00C04FC964FG", "6F9619FF+8B86-D011-B42D-00C04FC964FF",
		"6F9619FF8B86-D011-B42D-00C04FC964FF-", "6F9619FF8B86D011B42D00C04FC964F ",
		"{F9619FF-8B86-D011-B42D-00C04FC964F}"};
	struct uuid uuid = {{0}};
	char text[UUID_TEXT_BYTES];

	(void)state;
	assert_true(uuid_parse("6F9619FF-8B86-D011-B42D-00C04FC964FF", 36, &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "6f9619ff-8b86-d011-b42d-00c04fc964ff");
	assert_true(uuid_parse("000102030405060708090a0b0c0d0e0f", 32, &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(uuid_parse(bad[i], strlen(bad[i]), &uuid));
	uuid_format(&uuid, text);
	assert_string_equal(text, "00010203-0405-0607-0809-0a0b0c0d0e0f");
}

/* Standard error leads to this file until the test's end. */
struct redirected {
	char path[64];
	int saved;
};

static struct redirected redirect(void)
{
	struct redirected r = {.path = "/tmp/cardkeep-log-XXXXXX"};
	int fd = mkstemp(r.path);

	assert_true(fd >= 0);
	r.saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(fd), 0);
	return r;
}

static void give_back(const struct redirected *r, char *text, size_t size)
{
	FILE *file = fopen(r->path, "r");

	assert_int_equal(dup2(r->saved, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(r->saved), 0);
	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	assert_int_equal(fclose(file) + unlink(r->path), 0);
}

/* The variable names standard error, or another stream. */
static void name_journal(bool same)
{
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		(uintmax_t)st.st_ino + (same ? 0 : 1));
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_look();
}

static void a_line_to_the_journal_has_a_priority_and_one_elsewhere_the_time(void **state)
{
	struct redirected r = redirect();
	char text[1024];
	char *line;

	(void)state;
	name_journal(true);
	log_warn("one a=%d", 1);
	log_info("two");
	/* Inherited from whoever wrote to the journal. */
	name_journal(false);
	log_info("three");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
	log_look();
	log_error("four\nforged");
	log_error("five why=%s", LOG_QUOTED("no \"host\" \\"));
	give_back(&r, text, sizeof(text));
	line = strtok(text, "\n");
	assert_string_equal(line, "<4>level=warn one a=1");
	line = strtok(NULL, "\n");
	assert_string_equal(line, "<6>level=info two");
	line = strtok(NULL, "\n");
	assert_int_equal(strncmp(line, "ts=", 3), 0);
	assert_non_null(strstr(line, " level=info pid="));
	line = strtok(NULL, "\n");
	assert_non_null(strstr(line, " level=error pid="));
	assert_string_equal(line + strlen(line) - strlen(" four?forged"), " four?forged");
	line = strtok(NULL, "\n");
	assert_non_null(strstr(line, " five why=\"no \\\"host\\\" \\\\\""));
	assert_null(strtok(NULL, "\n"));
}

/* Standard error leads into a pipe; what is read of it comes from the returned end. */
static int redirect_to_pipe(int *ret_saved)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	*ret_saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	log_look();
	return ends[0];
}

static void give_back_from_pipe(int end, int saved)
{
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(saved) + close(end), 0);
	log_look();
}

/* Logs until somebody has lost something; returns how many lines that took. */
static int log_until_full(void)
{
	const uint64_t before = log_lost();
	int lines = 0;

	while (log_lost() == before)
		log_info("filling n=%d", lines++);
	return lines;
}

/* All that there is to read: how many lines, and the last of them. */
static int read_lines(int end, char *last, size_t size)
{
	static char bytes[2 << 20];
	size_t len = 0;
	ssize_t got;
	int lines = 0;

	last[0] = '\0';
	while ((got = read(end, bytes + len, sizeof(bytes) - 1 - len)) > 0)
		len += (size_t)got;
	bytes[len] = '\0';
	for (char *line = strtok(bytes, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		snprintf(last, size, "%s", line);
		lines++;
	}
	return lines;
}

static void a_reader_that_stands_still_costs_lines_and_is_told_how_many(void **state)
{
	char line[512];
	int saved;
	int end = redirect_to_pipe(&saved);
	const uint64_t before = log_lost();
	int lines;
	int status = 0;
	pid_t child;

	(void)state;
	log_share();
	lines = log_until_full();
	/* Another process loses some more: they count together. */
	child = fork();
	if (child == 0) {
		log_batch();
		for (int i = 0; i < 500; i++)
			log_info("batched n=%d", i);
		log_unbatch();
		_exit(log_tell() ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(log_lost() - before, 501);
	assert_int_equal(read_lines(end, line, sizeof(line)), lines - 1);
	/* He reads again: told once, by whoever comes first, before anything else. */
	log_info("after");
	assert_int_equal(read_lines(end, line, sizeof(line)), 2);
	assert_non_null(strstr(line, " after"));
	assert_true(log_tell());
	assert_int_equal(read_lines(end, line, sizeof(line)), 0);
	/* And where nobody has anything to say, by whoever asks for it. */
	(void)log_until_full();
	assert_false(log_tell());
	(void)read_lines(end, line, sizeof(line));
	assert_true(log_tell());
	assert_int_equal(read_lines(end, line, sizeof(line)), 1);
	assert_non_null(strstr(line, " level=warn pid="));
	assert_non_null(strstr(line, " log lines were lost lines=1"));
	give_back_from_pipe(end, saved);
}

/* The line that a full disk cut off does not become one with the next. */
static void what_was_cut_off_is_ended_before_it_goes_on(void **state)
{
	struct redirected r = redirect();
	struct rlimit before;
	struct rlimit limit;
	char text[2048];
	char *line;

	(void)state;
	log_look();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_info("cut");
	log_info("lost");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	log_info("whole");
	give_back(&r, text, sizeof(text));
	line = strtok(text, "\n");
	assert_int_equal(strlen(line), 20);
	line = strtok(NULL, "\n");
	assert_non_null(strstr(line, " log lines were lost lines=2"));
	line = strtok(NULL, "\n");
	assert_non_null(strstr(line, " whole"));
	assert_null(strtok(NULL, "\n"));
}

static void log_levels_are_read_by_name(void **state)
{
	enum log_level level = LOG_LEVEL_WARN;

	(void)state;
	assert_false(log_level_parse("loud", &level));
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_true(log_enabled(LOG_LEVEL_INFO));
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	assert_int_equal(log_level(), LOG_LEVEL_INFO);
	assert_string_equal(log_level_name(LOG_LEVEL_INFO), "info");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_grows_and_stays_terminated),
		cmocka_unit_test(an_arena_keeps_every_piece_until_it_is_freed),
		cmocka_unit_test(waits_round_up_and_never_go_negative),
		cmocka_unit_test(uuids_are_read_in_both_forms_and_written_in_one),
		cmocka_unit_test(a_line_to_the_journal_has_a_priority_and_one_elsewhere_the_time),
		cmocka_unit_test(a_reader_that_stands_still_costs_lines_and_is_told_how_many),
		cmocka_unit_test(what_was_cut_off_is_ended_before_it_goes_on),
		cmocka_unit_test(log_levels_are_read_by_name),
		cmocka_unit_test(a_wall_clock_time_is_told_as_rfc_3339),
	};

	/* As every process of the service has it. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
