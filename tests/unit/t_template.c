/* Pages with parts and holes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/template.h"

static const char source[] = "<!-- part: row -->\n"
			     "<td>{{name}}</td><td title=\"{{note}}\">{{name}}</td>\n"
			     "<!-- part: rows -->\n"
			     "<table>{{rows}}</table>\n"
			     "<!-- part: plain -->\n"
			     "no hole } here { at all";

static void parts_are_told_apart_and_holes_are_filled_wherever_they_are(void **state)
{
	struct buf out = {0};
	struct fill fill = {0};

	(void)state;
	template_add(&out, source, "plain", &fill);
	assert_string_equal(buf_cstr(&out), "no hole } here { at all");
	buf_reset(&out);
	fill_text(&fill, "note", NULL);
	buf_printf(fill_into(&fill, "name"), "%d", 7);
	fill_text(&fill, "more than there is", "x");
	template_end(&out, source, "row", &fill);
	assert_string_equal(buf_cstr(&out), "<td>7</td><td title=\"\">7</td>\n");
	assert_int_equal(fill.count, 0);
	buf_free(&out);
}

static void text_is_escaped_and_markup_is_not(void **state)
{
	struct buf out = {0};
	struct buf rows = {0};
	struct fill fill = {0};

	(void)state;
	fill_text(&fill, "name", "<b>&amp;");
	fill_text(&fill, "note", "\"it's\" {{name}}");
	template_end(&rows, source, "row", &fill);
	assert_string_equal(buf_cstr(&rows),
		"<td>&lt;b&gt;&amp;amp;</td><td title=\"&quot;it&#39;s&quot; {{name}}\">"
		"&lt;b&gt;&amp;amp;</td>\n");
	buf_str(&rows, "<!-- part: plain -->\n");
	fill_markup(&fill, "rows", &rows);
	template_end(&out, source, "rows", &fill);
	assert_memory_equal(buf_cstr(&out), "<table><td>&lt;b&gt;", 19);
	buf_free(&rows);
	buf_free(&out);
}

/* Whether rendering that part without a fill aborts. */
static bool aborts(const char *text, const char *part)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		const struct rlimit none = {0, 0};
		struct buf out = {0};
		struct fill fill = {0};

		(void)setrlimit(RLIMIT_CORE, &none);
		(void)!freopen("/dev/null", "w", stderr);
		(void)signal(SIGABRT, SIG_DFL);
		template_add(&out, text, part, &fill);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void what_does_not_fit_together_aborts(void **state)
{
	(void)state;
	assert_true(aborts(source, "row"));
	assert_true(aborts(source, "ro"));
	assert_true(aborts(source, "none"));
	assert_true(aborts("<!-- part: a -->\n{{open\n<!-- part: b -->\n}}", "a"));
	assert_false(aborts(source, "plain"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_told_apart_and_holes_are_filled_wherever_they_are),
		cmocka_unit_test(text_is_escaped_and_markup_is_not),
		cmocka_unit_test(what_does_not_fit_together_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
