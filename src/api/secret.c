/* Passwords: what one may be, and how one is checked against the hash that is kept. */
#include "api/secret.h"

#include <assert.h>
#include <string.h>

#include "api/text.h"
#include "base/clock.h"

static_assert(SECRET_TYPED_BYTES <= TEXT_NFC_BYTES, "what may be typed can be normalised");

/* The password under check. x->hash has the form of it that is tried now. */
struct secret {
	const char *typed; /* as it came */
	size_t typed_len;
	bool try_typed;     /* that form is to be tried after the normal one */
	bool looked_again;  /* its account had another hash, which was then read anew */
	resume_fn *checked; /* goes on when it was checked */
};

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

static void hash_of(struct exchange *x, const char *password, size_t len)
{
	x->hash.password = password;
	x->hash.password_len = len;
}

/* Begins with the normal form of what was typed. */
static void go_by_normal(struct exchange *x)
{
	struct secret *secret = x->secret;
	const char *normal = secret->typed;
	size_t len = secret->typed_len;

	if (len <= SECRET_TYPED_BYTES)
		normal = text_nfc(secret->typed, secret->typed_len, &x->arena, &len);
	hash_of(x, normal, len);
	secret->try_typed = normal != secret->typed;
}

void secret_take(struct exchange *x, const char *typed, size_t len)
{
	MUST(x->secret == NULL);
	x->secret = mem_arena_alloc(&x->arena, sizeof(*x->secret));
	*x->secret = (struct secret){.typed = typed, .typed_len = len};
	go_by_normal(x);
}

void secret_take_new(struct exchange *x, const char *password, size_t len)
{
	hash_of(x, password, len);
	x->secret->try_typed = false;
}

enum step secret_make(struct exchange *x, const char *password, size_t len, resume_fn *then)
{
	hash_of(x, password, len);
	x->hash.kind = HASH_MAKE;
	x->hash.optional = false;
	x->resume = then;
	return STEP_HASH;
}

static void go_by_typed(struct exchange *x)
{
	hash_of(x, x->secret->typed, x->secret->typed_len);
	x->secret->try_typed = false;
}

static enum step normal_checked(struct exchange *x)
{
	if (x->hash.matches || !x->secret->try_typed)
		return x->secret->checked(x);
	go_by_typed(x);
	x->resume = x->secret->checked;
	return STEP_HASH;
}

enum step secret_check(struct exchange *x, enum hash_kind kind, resume_fn *then)
{
	struct secret *secret = x->secret;

	/* Which of the two forms are worth a try says how they are written, not whose they are. */
	if (secret->try_typed && !fits(x->hash.password_len))
		go_by_typed(x);
	secret->try_typed = secret->try_typed && fits(secret->typed_len);
	x->hash.kind = kind;
	x->hash.optional = false;
	if (!fits(x->hash.password_len)) {
		x->hash.kind = HASH_DECOY;
		hash_of(x, "", 0);
	}
	secret->checked = then;
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

	if (is_late(x) ||
		secret_new(x, x->secret->typed, x->secret->typed_len, &normal, &len) != NULL)
		return false;
	by_typed = len != x->hash.password_len || memcmp(normal, x->hash.password, len) != 0;
	if (!by_typed && !password_is_stale(x->conf, x->hash.encoded))
		return false;
	hash_of(x, normal, len);
	x->hash.kind = HASH_MAKE;
	x->hash.optional = true;
	return true;
}

bool secret_look_again(struct exchange *x)
{
	if (x->secret->looked_again)
		return false;
	x->secret->looked_again = true;
	go_by_normal(x);
	return true;
}
