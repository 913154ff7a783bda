/* The last words of a process that found itself wrong. */
#include "base/must.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

/* Whoever stands still at the log's other end must not keep it from ending. */
void must_fail(const char *cond, const char *file, int line, const char *func)
{
	char words[1024];

	snprintf(words, sizeof(words) - 1,
		"level=crit msg=\"broken invariant\" cond=\"%.300s\" at=%.300s:%d func=%.100s\n",
		cond, file, line, func);
	log_last_words(words);
	abort();
}
