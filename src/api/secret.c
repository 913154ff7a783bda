/* Passwords: what one may be, and how one is checked against the hash that is kept. */
#include "api/secret.h"

#include <assert.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "api/text.h"
#include "base/clock.h"

static_assert(SECRET_TYPED_BYTES <= TEXT_NFC_BYTES, "what may be typed can be normalised");

static bool fits(size_t len)
{
	return len >= PASSWORD_LEAST_BYTES && len <= PASSWORD_MOST_BYTES;
}

const char *secret_new(
	struct exchange *x, const char *typed, size_t len, const char **ret_secret, size_t *ret_len)
{
	const char *secret = typed;
	size_t secret_len = len;

	if (len <= SECRET_TYPED_BYTES)
		secret = text_nfc(typed, len, &x->arena, &secret_len);
	*ret_secret = secret;
	*ret_len = secret_len;
	if (fits(secret_len))
		return NULL;
	return mem_arena_printf(
		&x->arena, "must be %d to %d bytes", PASSWORD_LEAST_BYTES, PASSWORD_MOST_BYTES);
}

void secret_take(struct exchange *x, const char *typed, size_t len)
{
	x->typed = typed;
	x->typed_len = len;
	x->hash.password = typed;
	x->hash.password_len = len;
	if (len <= SECRET_TYPED_BYTES)
		x->hash.password = text_nfc(typed, len, &x->arena, &x->hash.password_len);
	x->try_typed = x->hash.password != typed;
}

static void go_by_typed(struct exchange *x)
{
	exchange_forget_password(x);
	x->hash.password = x->typed;
	x->hash.password_len = x->typed_len;
	x->try_typed = false;
}

static enum step normal_checked(struct exchange *x)
{
	if (x->hash.matches || !x->try_typed)
		return x->checked(x);
	go_by_typed(x);
	x->resume = x->checked;
	return STEP_HASH;
}

enum step secret_check(struct exchange *x, enum hash_kind kind, resume_fn *then)
{
	/* Which of the two forms are worth a try says how they are written, not whose they are. */
	if (x->try_typed && !fits(x->hash.password_len))
		go_by_typed(x);
	x->try_typed = x->try_typed && fits(x->typed_len);
	x->hash.kind = kind;
	x->hash.optional = false;
	if (!fits(x->hash.password_len)) {
		exchange_forget_password(x);
		x->hash.kind = HASH_DECOY;
		x->hash.password = "";
		x->hash.password_len = 0;
	}
	x->checked = then;
	x->resume = normal_checked;
	return STEP_HASH;
}

static bool is_late(const struct exchange *x)
{
	return clock_mono_us() - x->request.began_us > x->conf->request_deadline_ms * CLOCK_MS / 2;
}

bool secret_renew(struct exchange *x)
{
	const char *normal = NULL;
	size_t len = 0;
	bool by_typed;

	if (is_late(x) || secret_new(x, x->typed, x->typed_len, &normal, &len) != NULL)
		return false;
	by_typed = len != x->hash.password_len || memcmp(normal, x->hash.password, len) != 0;
	if (!by_typed && !password_is_stale(x->conf, x->hash.encoded)) {
		if (normal != x->typed)
			sodium_memzero((void *)(uintptr_t)normal, len);
		return false;
	}
	exchange_forget_password(x);
	x->hash.password = normal;
	x->hash.password_len = len;
	x->hash.kind = HASH_MAKE;
	x->hash.optional = true;
	return true;
}

bool secret_look_again(struct exchange *x)
{
	if (x->looked_again)
		return false;
	x->looked_again = true;
	exchange_forget_password(x);
	secret_take(x, x->typed, x->typed_len);
	return true;
}
