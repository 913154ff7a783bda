/* Passwords as they are kept. */
#include "base/password.h"

#include <assert.h>
#include <sodium.h>

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
