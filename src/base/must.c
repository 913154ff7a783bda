/* The last words of a process that found itself wrong. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

void must_fail(const char *cond, const char *file, int line, const char *func)
{
	fprintf(stderr, "level=crit msg=\"broken invariant\" cond=\"%s\" at=%s:%d func=%s\n", cond,
		file, line, func);
	abort();
}
