/* What the commands of `cardkeep` have in common. */
#include "tool/tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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

int tool_attach(const struct tool *tool, struct segment **ret)
{
	char path[CONF_PLACE_BYTES];
	enum segment_status status;

	conf_place(&tool->conf, tool->conf.segment, "segment", path);
	errno = 0;
	status = segment_attach(path, ret);
	if (status == SEGMENT_OK)
		return EX_OK;
	if (status == SEGMENT_IO && errno == EACCES)
		return tool_fail(EX_NOPERM,
			"%s: %s; root, the service's user and its group may look", path,
			strerror(errno));
	return tool_fail(EX_UNAVAILABLE, "%s %s%s%s", path, segment_status_text(status),
		status == SEGMENT_IO ? ": " : "", status == SEGMENT_IO ? strerror(errno) : "");
}
