/* The page /status, without a browser: every hole is filled, and nothing gets in as markup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "report/assets.h"
#include "report/status_page.h"
#include "stats/alert.h"
#include "stats_fixture.h"

#define WALL_US (INT64_C(1769860800) * CLOCK_S)

static const int64_t lengths_us[WINDOW_COUNT] = {60 * CLOCK_S, 300 * CLOCK_S, 900 * CLOCK_S};

/* The page at `s` seconds after the service's start; `points` of the last hour are kept. */
static void expose(
	struct buf *out, const struct fixture *fixture, int64_t s, int points, const char *unready)
{
	const int64_t made_us = segment_header(fixture->segment)->made_us;
	struct window *window = window_new(lengths_us);
	struct series *series = series_new();
	struct status_page_view view = {
		.window = window, .series = series, .wall_us = WALL_US, .unready = unready};

	for (int64_t i = points; i >= 0; i--) {
		const int64_t back_us = i * SERIES_STEP_S * CLOCK_S;
		struct snapshot *snapshot =
			snapshot_take(fixture->segment, made_us + s * CLOCK_S - back_us);

		series_add(series, snapshot, WALL_US - back_us);
		snapshot_free(&snapshot);
	}
	struct snapshot *snapshot = snapshot_take(fixture->segment, made_us + s * CLOCK_S);

	view.snapshot = snapshot;
	status_page_write(out, &view);
	snapshot_free(&snapshot);
	series_free(&series);
	window_free(&window);
}

static void has(const struct buf *page, const char *text)
{
	if (strstr(buf_cstr(page), text) == NULL)
		fail_msg("not in the page: %s", text);
}

static void has_not(const struct buf *page, const char *text)
{
	if (strstr(buf_cstr(page), text) != NULL)
		fail_msg("in the page: %s", text);
}

static void a_service_that_has_done_nothing_has_a_whole_page(void **state)
{
	struct buf page = {0};

	expose(&page, *state, 3, 0, NULL);
	assert_memory_equal(buf_cstr(&page), "<!doctype html>", 15);
	has(&page, "</html>\n");
	has_not(&page, "{{");
	has_not(&page, "<!-- part");
	has(&page, "All is well");
	has(&page, "No request has been answered yet.");
	has(&page, "The database has not been called.");
	has(&page, "None so far.");
	for (int i = 0; i < SERIES_COUNT; i++)
		has(&page, series_name((enum series_id)i));
	for (int i = 0; i < STATS_ALERT_COUNT; i++)
		has(&page, alert_name((enum stats_alert)i));
	buf_free(&page);
}

static void do_a_little(const struct fixture *fixture)
{
	static const struct uuid id = {{0x6f, 0x96, 0x19, 0xff, 0x8b, 0x86, 0xd0, 0x11, 0xb4, 0x2d,
		0x00, 0xc0, 0x4f, 0xc9, 0x64, 0xff}};
	struct segment *segment = fixture->segment;
	const int64_t made_us = segment_header(segment)->made_us;
	struct stats_slot *slot = segment_slot(segment, 1, 2);
	const struct event retry = {.kind = STATS_EVENT_KIND_RETRY,
		.at_wall_us = WALL_US - CLOCK_S,
		.request = id,
		.route = STATS_ROUTE_CARD_UPDATE,
		.attempts = 1,
		.sqlstate = "40P01",
		.delay_us = 180 * CLOCK_MS};
	const struct event conflict = {.kind = STATS_EVENT_KIND_CONFLICT,
		.at_wall_us = WALL_US - 2 * CLOCK_S,
		.version = 42};

	segment_worker_start(segment, 1, 1, made_us + CLOCK_S);
	segment_worker_pid(segment, 1, 4244);
	segment_worker_state(segment, 1, STATS_WORKER_READY);
	stats_count2(slot, STATS_REQUESTS, STATS_ROUTE_CARD_UPDATE, STATS_CODE_503);
	stats_observe(slot, STATS_REQUEST_DURATION, STATS_ROUTE_CARD_UPDATE, 1500);
	stats_observe(slot, STATS_DB_CALL_DURATION, STATS_FUNCTION_UPDATE_CARD, 1500);
	stats_count(slot, STATS_VERSION_CONFLICTS, STATS_ENTITY_CARD);
	stats_activity(
		slot, STATS_THREAD_DATABASE, STATS_ROUTE_CARD_UPDATE, &id, made_us + 2 * CLOCK_S);
	stats_connection(slot, STATS_CONNECTION_CLOSED, "08006", made_us + 2 * CLOCK_S);
	event_put(&slot->events, &retry);
	event_put(&slot->events, &conflict);
}

static void what_happened_is_told_with_its_request(void **state)
{
	struct buf page = {0};

	do_a_little(*state);
	expose(&page, *state, 20, 0, NULL);
	has(&page, "<td class=\"id\">6f9619ff-8b86-d011-b42d-00c04fc964ff</td>");
	has(&page, "again in 180 ms");
	has(&page, "is at version 42");
	has(&page, "40P01");
	has(&page, "database, no turn for 19 s");
	has(&page, "closed 08006");
	has(&page, "pid 4244");
	has(&page, "<th scope=\"row\">card-update</th>");
	has(&page, "<th scope=\"row\">update_card</th>");
	has(&page, "1 target missed");
	buf_free(&page);
}

static void the_first_sentence_says_the_worst(void **state)
{
	struct fixture *fixture = *state;
	struct segment_alert_record alert = {
		.state = STATS_ALERT_STATE_PENDING, .on = true, .threshold = 0.05};
	struct buf page = {0};

	segment_alert_set(fixture->segment, STATS_ALERT_WAVE_SPLITS, &alert);
	expose(&page, fixture, 3, 0, NULL);
	has(&page, "<p class=\"verdict warn\" id=\"verdict\" data-live role=\"status\">1 alert "
		   "pending</p>");
	buf_reset(&page);
	alert.state = STATS_ALERT_STATE_FIRING;
	segment_alert_set(fixture->segment, STATS_ALERT_WAVE_SPLITS, &alert);
	segment_alert_set(fixture->segment, STATS_ALERT_CALLS_FAILING, &alert);
	expose(&page, fixture, 3, 0, NULL);
	has(&page, "<p class=\"verdict bad\" id=\"verdict\" data-live role=\"status\">2 alerts "
		   "fire</p>");
	buf_reset(&page);
	expose(&page, fixture, 3, 0, "no worker <is> \"ready\" & that's it");
	has(&page, ">Not ready: no worker &lt;is&gt; &quot;ready&quot; &amp; that&#39;s it</p>");
	buf_free(&page);
}

/* What the file says of its maker comes from outside. */
static void nothing_in_the_segment_is_taken_for_markup(void **state)
{
	struct fixture *fixture = *state;
	struct segment_header *header = (void *)(uintptr_t)segment_header(fixture->segment);
	struct buf page = {0};

	memcpy(header->version, "<script>1</script>", 19);
	expose(&page, fixture, 3, 0, NULL);
	has_not(&page, "<script>");
	has(&page, "&lt;script&gt;1&lt;/script&gt;");
	buf_free(&page);
}

/* Two points share a place of the drawing; the step with the peak is the earlier one of its two. */
static void a_peak_is_drawn_whole_and_a_line_broken_where_nothing_is_known(void **state)
{
	const struct fixture *fixture = *state;
	const int64_t made_us = segment_header(fixture->segment)->made_us;
	struct stats_slot *slot = segment_slot(fixture->segment, 1, 2);
	struct window *window = window_new(lengths_us);
	struct series *series = series_new();
	struct status_page_view view = {.window = window, .series = series, .wall_us = WALL_US};
	struct snapshot *snapshot = NULL;
	struct buf page = {0};

	for (int back = 50; back >= 0; back -= SERIES_STEP_S) {
		if (back == 30)
			for (int i = 0; i < 7; i++)
				stats_count(slot, STATS_VERSION_CONFLICTS, STATS_ENTITY_CARD);
		if (back == 30 || back == 10)
			stats_observe(slot, STATS_REQUEST_DURATION, STATS_ROUTE_CARD_UPDATE, 1500);
		snapshot_free(&snapshot);
		snapshot = snapshot_take(fixture->segment, made_us + (60 - back) * CLOCK_S);
		series_add(series, snapshot, WALL_US - back * CLOCK_S);
	}
	view.snapshot = snapshot;
	status_page_write(&page, &view);
	has(&page, "d=\"M510.0 159.0h0L530.0 159.0L550.0 1.0L570.0 159.0L590.0 159.0\"");
	has(&page, "d=\"M550.0 1.0h0M590.0 1.0h0\"");
	buf_free(&page);
	snapshot_free(&snapshot);
	series_free(&series);
	window_free(&window);
}

static void an_hour_of_points_is_drawn_in_bounds(void **state)
{
	struct buf page = {0};

	do_a_little(*state);
	expose(&page, *state, 2 * 3600, SERIES_POINTS + 5, NULL);
	has(&page, "<span>59 min ago</span>");
	assert_in_range(page.len, 10000, 60000);
	buf_reset(&page);
	expose(&page, *state, 20, 2, NULL);
	has(&page, "<span>5 min ago</span>");
	buf_free(&page);
}

static void every_file_is_there_and_text(void **state)
{
	static const char *const names[] = {
		"page.html", "page.css", "page.js", "icon.svg", "uplot.js", "uplot.css"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct asset *asset = asset_find(names[i]);

		assert_non_null(asset);
		assert_int_equal(strlen(asset->text), asset->len);
	}
	assert_null(asset_find("uplot.LICENSE"));
	assert_null(asset_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_service_that_has_done_nothing_has_a_whole_page),
		FIXTURE_TEST(what_happened_is_told_with_its_request),
		FIXTURE_TEST(the_first_sentence_says_the_worst),
		FIXTURE_TEST(nothing_in_the_segment_is_taken_for_markup),
		FIXTURE_TEST(a_peak_is_drawn_whole_and_a_line_broken_where_nothing_is_known),
		FIXTURE_TEST(an_hour_of_points_is_drawn_in_bounds),
		cmocka_unit_test(every_file_is_there_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
