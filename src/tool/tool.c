/* What the commands of `cardkeep` have in common. */
#include "tool/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"

int tool_fail(int status, const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	fputs("cardkeep: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return status;
}

int tool_try_attach(const struct tool *tool, struct segment **ret, char *why, size_t why_size)
{
	char path[CONF_PLACE_BYTES];
	enum segment_status status;

	conf_place(&tool->conf, tool->conf.segment, "segment", path);
	status = segment_attach(path, ret);
	switch (status) {
	case SEGMENT_OK:
		return EX_OK;
	case SEGMENT_IO:
		snprintf(why, why_size, "%s: %s%s", path, strerror(errno),
			errno == EACCES ? "; root, the service's user and its group may look" : "");
		return errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE;
	default:
		snprintf(why, why_size, "%s %s", path, segment_status_text(status));
		return EX_UNAVAILABLE;
	}
}

static int attach(const struct tool *tool, struct segment **ret)
{
	char why[CONF_PLACE_BYTES + 256];
	const int status = tool_try_attach(tool, ret, why, sizeof(why));

	return status == EX_OK ? EX_OK : tool_fail(status, "%s", why);
}

int tool_snapshot(const struct tool *tool, struct snapshot **ret)
{
	struct segment *segment;
	struct snapshot *snapshot;
	int status = attach(tool, &segment);

	if (status != EX_OK)
		return status;
	snapshot = snapshot_take(segment, clock_mono_us());
	if (segment_whole(segment))
		*ret = snapshot;
	else
		status = tool_fail(EX_UNAVAILABLE, "the segment was cut while it was read");
	if (status != EX_OK)
		snapshot_free(&snapshot);
	segment_close(&segment);
	return status;
}
