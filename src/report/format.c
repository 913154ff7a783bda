/* Figures as people read them. */
#include "report/format.h"

#include <inttypes.h>

#include "base/clock.h"
#include "stats/alert.h"

#define MINUTE_S 60
#define HOUR_S   3600
#define DAY_S    86400

void format_count(struct buf *out, uint64_t count)
{
	if (count >= 1000) {
		format_count(out, count / 1000);
		buf_printf(out, ",%03" PRIu64, count % 1000);
	} else {
		buf_printf(out, "%" PRIu64, count);
	}
}

void format_rate(struct buf *out, double per_second)
{
	/* Beyond what counts can be: out of a segment that somebody else wrote. */
	if (per_second >= 1e15)
		format_count(out, UINT64_C(1000000000000000));
	else if (per_second >= 99.95)
		format_count(out, (uint64_t)(per_second + 0.5));
	else if (per_second >= 9.995)
		buf_printf(out, "%.1f", per_second);
	else if (per_second > 0)
		buf_printf(out, "%.2f", per_second);
	else
		buf_char(out, '0');
}

void format_span(struct buf *out, int64_t us)
{
	const int64_t s = us > 0 ? us / CLOCK_S : 0;

	if (s < 2 * MINUTE_S)
		buf_printf(out, "%" PRId64 " s", s);
	else if (s < 2 * HOUR_S)
		buf_printf(out, "%" PRId64 " min", s / MINUTE_S);
	else if (s < DAY_S)
		buf_printf(out, "%" PRId64 ":%02" PRId64 " h", s / HOUR_S, s % HOUR_S / MINUTE_S);
	else
		buf_printf(out, "%" PRId64 " d %02" PRId64 ":%02" PRId64, s / DAY_S,
			s % DAY_S / HOUR_S, s % HOUR_S / MINUTE_S);
}

void format_latency(struct buf *out, uint64_t us)
{
	if (us < 1000)
		buf_printf(out, "%" PRIu64 " us", us);
	else if (us < 99950)
		buf_printf(out, "%.1f ms", (double)us / 1000);
	else if (us < 999500)
		buf_printf(out, "%.0f ms", (double)us / 1000);
	else
		buf_printf(out, "%.1f s", (double)us / 1000000);
}

void format_percentile(struct buf *out, const uint64_t cells[HISTOGRAM_CELLS], double share)
{
	if (histogram_count(cells) > 0)
		format_latency(out, histogram_percentile(cells, share));
	else
		buf_char(out, '-');
}

/* Shares of a whole are told in percent. */
static bool is_share(enum indicator_id id)
{
	return id == INDICATOR_VERSION_CONFLICT_RATE || id == INDICATOR_RETRY_SUCCESS_RATE;
}

static void add_indicator_value(struct buf *out, enum indicator_id id, double value)
{
	if (is_share(id))
		buf_printf(out, "%.3g %%", value * 100);
	else
		buf_printf(out, "%.4g", value);
}

void format_indicator(struct buf *out, enum indicator_id id, const struct indicator *indicator)
{
	if (indicator->known)
		add_indicator_value(out, id, indicator->value);
	else
		buf_char(out, '-');
}

void format_target(struct buf *out, enum indicator_id id)
{
	buf_printf(out, "%s ", indicator_side(id));
	add_indicator_value(out, id, indicator_target(id));
}

void format_alert(struct buf *out, enum stats_alert id, bool known, double value)
{
	if (!known)
		buf_char(out, '-');
	else if (alert_kind(id) == ALERT_RATE)
		buf_printf(out, "%.3g %%", value * 100);
	else
		buf_printf(out, "%.4g", value);
}

bool format_alerts(struct buf *out, const struct snapshot *snapshot)
{
	bool first = true;
	bool fires = false;

	for (size_t i = 0; i < STATS_ALERT_COUNT; i++) {
		const enum stats_alert_state state = snapshot->alerts[i].state;

		if (state == STATS_ALERT_STATE_OK)
			continue;
		buf_printf(out, "%s%s %s", first ? "" : ", ",
			metrics_value(STATS_LABEL_ALERT_STATE, state),
			alert_name((enum stats_alert)i));
		first = false;
		fires = fires || state == STATS_ALERT_STATE_FIRING;
	}
	return fires;
}

void format_pad(struct buf *out, size_t from, size_t columns, size_t least)
{
	while (out->len - from < columns || least > 0) {
		buf_char(out, ' ');
		least = least > 0 ? least - 1 : 0;
	}
}
