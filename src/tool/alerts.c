/*
 * cardkeep alerts: how it stands with each alert, as the supervisor left it in the segment.
 *
 * The exit status is for scripts: 1 while one fires, and where nobody judges them any more.
 */
#include <stdio.h>
#include <sysexits.h>

#include "base/clock.h"
#include "report/format.h"
#include "report/status_json.h"
#include "stats/alert.h"
#include "tool/life.h"
#include "tool/tool.h"

static void add_alert(struct buf *out, const struct snapshot *snapshot, enum stats_alert id)
{
	const struct segment_alert_record *record = &snapshot->alerts[id];
	const size_t from = out->len;

	buf_str(out, alert_name(id));
	format_pad(out, from, 25, 1);
	buf_str(out, metrics_value(STATS_LABEL_ALERT_STATE, record->state));
	format_pad(out, from, 34, 1);
	if (record->since_us > 0)
		format_span(out, snapshot->taken_us - record->since_us);
	format_pad(out, from, 46, 1);
	format_alert(out, id, record->known, record->value);
	format_pad(out, from, 57, 1);
	if (record->on)
		format_alert(out, id, true, record->threshold);
	else
		buf_str(out, "off");
	format_pad(out, from, 68, 1);
	format_count(out, record->fired);
	buf_char(out, '\n');
}

static void add_table(struct buf *out, const struct snapshot *snapshot)
{
	if (life_of(snapshot) != LIFE_RUNS) {
		life_describe(out, snapshot);
		buf_str(out, "\n\n");
	}
	buf_str(out, "ALERT                    STATE    FOR         VALUE      "
		     "THRESHOLD  FIRED\n");
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		add_alert(out, snapshot, (enum stats_alert)i);
}

static bool one_fires(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < STATS_ALERT_COUNT; i++)
		if (snapshot->alerts[i].state == STATS_ALERT_STATE_FIRING)
			return true;
	return false;
}

int tool_alerts(const struct tool *tool)
{
	struct snapshot *snapshot;
	struct buf out = {0};
	int status = tool_snapshot(tool, &snapshot);

	if (status != EX_OK)
		return status;
	if ((tool->given & TOOL_JSON) != 0) {
		status_json_alerts(&out, snapshot);
		buf_char(&out, '\n');
	} else {
		add_table(&out, snapshot);
	}
	fputs(buf_cstr(&out), stdout);
	status = one_fires(snapshot) || life_of(snapshot) != LIFE_RUNS ? TOOL_FINDING : EX_OK;
	buf_free(&out);
	snapshot_free(&snapshot);
	return status;
}
