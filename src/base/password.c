/* Passwords as they are kept. */
#include "base/password.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

static_assert(PASSWORD_HASH_BYTES >= crypto_pwhash_STRBYTES, "room for an encoded hash");

void password_hash(const struct conf *conf, const char *password, size_t len,
	char ret_encoded[PASSWORD_HASH_BYTES])
{
	int failed = crypto_pwhash_str_alg(ret_encoded, password, len,
		(unsigned long long)conf->hash_passes, (size_t)conf->hash_memory_kib * 1024,
		crypto_pwhash_ALG_ARGON2ID13);

	/* It fails only for want of memory; see base/mem.h. */
	MUST(failed == 0);
}

bool password_matches(const char *encoded, const char *password, size_t len)
{
	return crypto_pwhash_str_verify(encoded, password, len) == 0;
}

bool password_is_stale(const struct conf *conf, const char *encoded)
{
	return crypto_pwhash_str_needs_rehash(encoded, (unsigned long long)conf->hash_passes,
		       (size_t)conf->hash_memory_kib * 1024) != 0;
}

/* Argon2's time is in proportion to memory times passes (RFC 9106, section 3.1). No more memory is taken
 * than a hash may have. */
void password_make_up(const struct conf *conf, const char *encoded)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char nothing[crypto_pwhash_BYTES_MIN];
	const uint64_t memory_kib = (uint64_t)conf->hash_memory_kib;
	uint64_t left = memory_kib * (uint64_t)conf->hash_passes;
	uint64_t passes;
	uint32_t own_kib;
	uint32_t own_passes;

	if (sscanf(encoded, "$argon2id$v=19$m=%" SCNu32 ",t=%" SCNu32 ",", &own_kib, &own_passes) !=
			2 ||
		(uint64_t)own_kib * own_passes >= left)
		return;
	left -= (uint64_t)own_kib * own_passes;
	passes = (left + memory_kib - 1) / memory_kib;
	if (left / passes * 1024 < crypto_pwhash_MEMLIMIT_MIN)
		return;
	MUST_ZERO(crypto_pwhash(nothing, sizeof(nothing), "", 0, salt, passes,
		(size_t)(left / passes) * 1024, crypto_pwhash_ALG_ARGON2ID13));
}
