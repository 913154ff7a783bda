/*
 * Idempotency-Key: one intended write, however often it is repeated.
 *
 * What is hashed is framed: each part is preceded by its length, so that no two requests make the
 * same bytes (a path "/a" with the query "b" is not the path "/ab"), and an absent header is told
 * from an empty one. 128 bits of a SHA-256 are enough, since a user could only collide with itself.
 */
#include "api/key.h"

#include <sodium.h>
#include <string.h>

#define ABSENT UINT64_MAX

/* ---- reading the header -------------------------------------------------------------------- */

static bool visible(char c)
{
	return c > 0x20 && c < 0x7f;
}

/* The characters of `"..."` from behind the first quote on; NULL unless it ends with the second. */
static const char *read_quoted(const char *p, char *key, size_t *len)
{
	for (; *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\'))
			p++;
		else if (*p == '\\' || (*p != ' ' && !visible(*p)))
			return NULL;
		if (*len == KEY_CHARS_MAX)
			return NULL;
		key[(*len)++] = *p;
	}
	return p + 1;
}

/* A comma is refused, as it is what two headers are joined by. */
static const char *read_bare(const char *p, char *key, size_t *len)
{
	for (; visible(*p); p++) {
		if (*p == '"' || *p == ',' || *len == KEY_CHARS_MAX)
			return NULL;
		key[(*len)++] = *p;
	}
	return p;
}

static bool parse(const char *text, char key[KEY_CHARS_MAX], size_t *ret_len)
{
	size_t len = 0;

	text += strspn(text, " \t");
	text = *text == '"' ? read_quoted(text + 1, key, &len) : read_bare(text, key, &len);
	if (text == NULL || len == 0)
		return false;
	text += strspn(text, " \t");
	*ret_len = len;
	return *text == '\0';
}

/* ---- hashing ------------------------------------------------------------------------------- */

static void hash_length(crypto_hash_sha256_state *state, uint64_t len)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(len >> (8 * i));
	crypto_hash_sha256_update(state, bytes, sizeof(bytes));
}

static void hash_bytes(crypto_hash_sha256_state *state, const char *bytes, size_t len)
{
	hash_length(state, len);
	crypto_hash_sha256_update(state, (const unsigned char *)bytes, len);
}

static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
	if (text == NULL)
		hash_length(state, ABSENT);
	else
		hash_bytes(state, text, strlen(text));
}

static void finish_hash(crypto_hash_sha256_state *state, struct uuid *ret_uuid)
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256_final(state, hash);
	memcpy(ret_uuid->bytes, hash, sizeof(ret_uuid->bytes));
}

static void hash_key(struct exchange *x, const char *key, size_t len)
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_text(&state, "cardkeep key");
	hash_bytes(&state, key, len);
	finish_hash(&state, &x->key);
}

static void hash_request(struct exchange *x, const char *key, size_t len, bool secret)
{
	const struct request *request = &x->request;
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_text(&state, "cardkeep request");
	hash_bytes(&state, key, len);
	hash_length(&state, (uint64_t)request->method);
	hash_text(&state, request->path);
	hash_text(&state, request->query);
	hash_text(&state, request->if_match);
	hash_text(&state, request->prefer);
	/* Only where it is one, so that all other keys stay what they are. */
	if (x->merge_patch)
		hash_text(&state, "merge patch");
	if (secret)
		hash_length(&state, ABSENT);
	else
		hash_bytes(&state, request->body, request->body_len);
	finish_hash(&state, &x->write);
}

enum key_status key_read(struct exchange *x, bool secret)
{
	const char *header = x->request.idempotency_key;
	char key[KEY_CHARS_MAX];
	size_t len;

	if (header == NULL)
		return KEY_OK;
	if (x->request.idempotency_key_again)
		return KEY_REPEATED;
	if (!parse(header, key, &len))
		return KEY_MALFORMED;
	hash_key(x, key, len);
	hash_request(x, key, len, secret);
	x->keyed = true;
	return KEY_OK;
}

/* ---- arguments ----------------------------------------------------------------------------- */

void key_write_argument(struct exchange *x)
{
	call_uuid(&x->call, &x->arena, x->keyed ? &x->write : &x->request.id);
}

void key_argument(struct exchange *x)
{
	if (x->keyed)
		call_uuid(&x->call, &x->arena, &x->key);
	else
		call_text(&x->call, NULL);
}
