/*
 * The files that /status is made of, as they stand in web/status/: scripts/gen-assets turns them into
 * the program. Constant, so thread-safe.
 */
#ifndef REPORT_ASSETS_H
#define REPORT_ASSETS_H

#include <stddef.h>

struct asset {
	const char *name; /* of the file, without its directory */
	const char *type; /* of its content */
	const char *text; /* a NUL follows */
	size_t len;
};

/* Ended by one without a name. */
extern const struct asset assets[];

/* NULL for none of that name. */
const struct asset *asset_find(const char *name);

#endif
