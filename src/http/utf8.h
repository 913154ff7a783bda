/*
 * Well-formed UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Pure functions, thread-safe.
 */
#ifndef HTTP_UTF8_H
#define HTTP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed sequence that starts at `s`, which holds `len` bytes; 0 when none does. */
size_t utf8_step(const char *s, size_t len);
/* Whether all `len` bytes are well-formed sequences; true when there are none. */
bool utf8_valid(const char *s, size_t len);

#endif
