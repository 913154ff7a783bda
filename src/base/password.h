/*
 * Passwords as they are kept: Argon2id, at the cost that the configuration names.
 *
 * Both calls take tens of milliseconds and megabytes on purpose. Thread-safe, after sodium_init.
 */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"

#define PASSWORD_LEAST_BYTES 8
#define PASSWORD_MOST_BYTES  1024 /* a longer one would only cost time to hash */
#define PASSWORD_HASH_BYTES  128  /* of an encoded hash, with its NUL */

void password_hash(const struct conf *conf, const char *password, size_t len,
	char ret_encoded[PASSWORD_HASH_BYTES]);
/* Whether the hash is of this password, in a time that does not depend on how they differ. */
MUST_CHECK bool password_matches(const char *encoded, const char *password, size_t len);

#endif
