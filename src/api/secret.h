/*
 * Passwords: what one may be, and how one is checked against the hash that is kept.
 *
 * A password is normalised (NFC) before it is hashed, since devices type one and the same in different
 * forms. Hashes from before that rule are of the bytes as they were typed, so where that is another
 * form it is tried too: first the normal form, then the typed one. Whoever signs in for an unknown
 * address waits for as many hashes of a decoy, and nobody learns by the time whether the address was
 * right.
 *
 * Lengths are looked at before anything that costs more than the bytes themselves.
 */
#ifndef API_SECRET_H
#define API_SECRET_H

#include "api/exchange.h"

/* The longest text that is normalised: three bytes for each that is kept, as decomposed letters take at most that. */
#define SECRET_TYPED_BYTES (3 * PASSWORD_MOST_BYTES)

/*
 * Takes a new password: *ret_secret is what is to be hashed, of *ret_len bytes, in the arena or as it
 * was typed. NULL, or what is wrong with it.
 */
MUST_CHECK const char *secret_new(struct exchange *x, const char *typed, size_t len,
	const char **ret_secret, size_t *ret_len);

/* Takes the password that is to be checked, once a request: whatever was typed, too short or too long as it may be.
 * secret_take_new, secret_check, secret_renew and secret_look_again come after it. */
void secret_take(struct exchange *x, const char *typed, size_t len);
/* Takes in its place one that secret_new made, which is tried as it is. */
void secret_take_new(struct exchange *x, const char *password, size_t len);

/* Has the hasher make x->hash.encoded of a password that secret_new made, and goes on with `then`. */
enum step secret_make(struct exchange *x, const char *password, size_t len, resume_fn *then);

/*
 * Has the hasher check what was taken: against x->hash.encoded (HASH_VERIFY) or a decoy
 * (HASH_DECOY). Goes on with `then` when x->hash.matches is known. What no password can be is checked
 * against the decoy, once.
 */
enum step secret_check(struct exchange *x, enum hash_kind kind, resume_fn *then);

/*
 * Whether the hash that the password was found to fit is to be replaced by one of today: it was worked out
 * at another cost, or of what was typed rather than of its normal form. Then x->hash is what has the hasher
 * make it, STEP_HASH. False too while there may be no time for it; and the hasher may leave it undone
 * (hash.done): it can wait for the next sign-in.
 */
MUST_CHECK bool secret_renew(struct exchange *x);

/*
 * True once: what secret_take took is to be checked again, by secret_check, as its account has another hash
 * meanwhile, which may be of the same password.
 */
MUST_CHECK bool secret_look_again(struct exchange *x);

#endif
