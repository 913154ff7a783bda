/*
 * Origins as an operator lists them: those whose pages may use the service besides its own.
 *
 *     https://app.example.org http://localhost:5173
 *
 * Each stands exactly as browsers send it in `Origin`: scheme and host in lower case, the port
 * unless it is the scheme's own, nothing behind it. What is compared byte by byte is found wherever
 * it is meant and nowhere else. Pure, thread-safe.
 */
#ifndef BASE_ORIGINS_H
#define BASE_ORIGINS_H

#include <stdbool.h>

#include "base/must.h"

#define ORIGINS_SYNTAX "a list of origins, by blanks, each like https://app.example.org"

/* Whether the text is such a list; the empty one is. */
MUST_CHECK bool origins_valid(const char *list);
/* Whether the list has `origin`, as it came from a browser. */
MUST_CHECK bool origins_have(const char *list, const char *origin);

#endif
