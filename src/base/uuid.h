/*
 * UUIDs as 16 bytes and as the 36 characters people see. Pure functions, thread-safe.
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_TEXT_BYTES 37 /* 36 characters and the NUL */

struct uuid {
	uint8_t bytes[16];
};

/* Reads `len` characters: the 36-character form, in either case, or 32 hex digits alone (what
 * nginx calls $request_id). False, and *ret_uuid untouched, for anything else. */
bool uuid_parse(const char *text, size_t len, struct uuid *ret_uuid);
/* Writes the lower-case 36-character form and a NUL. */
void uuid_format(const struct uuid *uuid, char text[UUID_TEXT_BYTES]);

#endif
