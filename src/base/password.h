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
/* Whether the hash was worked out at another cost than the configuration names. */
MUST_CHECK bool password_is_stale(const struct conf *conf, const char *encoded);
/* Takes as long as a check at the configured cost takes longer than one of `encoded`: so an account whose hash
 * is a cheaper one of before is not told by it from an address that nobody has. A costlier one is. */
void password_make_up(const struct conf *conf, const char *encoded);

#endif
