/*
 * Tokens: `ck_` (so that scanners find a leaked one) and 256 random bits in base64url. A plain
 * SHA-256 at rest is enough for a secret of that many bits; nothing needs to be slow.
 */
#include "api/auth.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

#include "api/cookie.h"

#define TOKEN_PREFIX     "ck_"
#define TOKEN_PREFIX_LEN (sizeof(TOKEN_PREFIX) - 1)
#define TOKEN_VARIANT    sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define TOKEN_TEXT_BYTES \
	(TOKEN_PREFIX_LEN + sodium_base64_ENCODED_LEN(EXCHANGE_TOKEN_BYTES, TOKEN_VARIANT))

static_assert(TOKEN_TEXT_BYTES <= AUTH_TOKEN_BYTES, "room for a token");
static_assert(crypto_hash_sha256_BYTES == EXCHANGE_TOKEN_BYTES, "the hash is a SHA-256");

/* The token of `Bearer TOKEN`, or NULL. */
static const char *bearer(const char *header)
{
	static const char scheme[] = "Bearer ";

	if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	header += sizeof(scheme) - 1;
	return header + strspn(header, " ");
}

/* A client puts Authorization there on purpose, so the cookie is not looked at beside it. */
static const char *presented_token(struct exchange *x)
{
	const char *token;

	if (x->request.authorization != NULL)
		return bearer(x->request.authorization);
	token = cookie_value(x->request.cookie, &x->arena, &x->host_only);
	x->by_cookie = token != NULL;
	return token;
}

bool auth_read(struct exchange *x)
{
	const char *token = presented_token(x);
	unsigned char random[EXCHANGE_TOKEN_BYTES];
	size_t len;

	if (token == NULL || strlen(token) != TOKEN_TEXT_BYTES - 1 ||
		strncmp(token, TOKEN_PREFIX, TOKEN_PREFIX_LEN) != 0)
		return false;
	if (sodium_base642bin(random, sizeof(random), token + TOKEN_PREFIX_LEN,
		    strlen(token) - TOKEN_PREFIX_LEN, NULL, &len, NULL, TOKEN_VARIANT) != 0 ||
		len != sizeof(random))
		return false;
	crypto_hash_sha256(x->token_hash, random, sizeof(random));
	sodium_memzero(random, sizeof(random));
	x->has_token = true;
	return true;
}

void auth_make(struct exchange *x, char ret_token[AUTH_TOKEN_BYTES])
{
	unsigned char random[EXCHANGE_TOKEN_BYTES];

	randombytes_buf(random, sizeof(random));
	memcpy(ret_token, TOKEN_PREFIX, TOKEN_PREFIX_LEN);
	sodium_bin2base64(ret_token + TOKEN_PREFIX_LEN, AUTH_TOKEN_BYTES - TOKEN_PREFIX_LEN, random,
		sizeof(random), TOKEN_VARIANT);
	crypto_hash_sha256(x->token_hash, random, sizeof(random));
	x->makes_token = true;
	sodium_memzero(random, sizeof(random));
}

void auth_argument(struct exchange *x)
{
	call_bytes(&x->call, x->token_hash, sizeof(x->token_hash));
}
