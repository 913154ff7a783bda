/*
 * JSON as it is written: texts with their quotes, numbers, null, and the commas between. Pure.
 *
 * Names are given without quotes, and must need no escapes.
 */
#ifndef BASE_JSON_TEXT_H
#define BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends `s` as a JSON string, quotes included. `s` must be valid UTF-8. */
void json_text_quote(struct buf *out, const char *s, size_t len);
/* A comma, but for the first time. */
void json_text_comma(struct buf *out, bool *first);
/* A member whose value is that text; null where it is NULL. */
void json_text_member(struct buf *out, const char *name, const char *text);
/* A member whose value is that number, to six digits; null where it is not known. */
void json_text_number(struct buf *out, const char *name, bool known, double value);

#endif
