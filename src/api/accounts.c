/*
 * An account, as its owner changes it: read, another password, deletion.
 *
 * A token alone may be a stolen one, so both changes ask for the password. It is checked outside the
 * database, by the hasher; the call then names the hash that was checked, and changes nothing where
 * another request has changed the password in between.
 *
 * A repeat under its key is told before the password is checked, which by then may be another one or
 * gone. Passwords are no part of what the key is bound to, so a repeated change is known by the new
 * password: it must be the one that the first request set.
 */
#include "api/accounts.h"

#include <string.h>

#include "api/auth.h"
#include "api/cookie.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/secret.h"

enum step accounts_me(struct exchange *x)
{
	call_start(&x->call, CALL_READ_USER);
	auth_argument(x);
	x->resume = exchange_answered;
	return STEP_CALL;
}

/* ---- the password, checked ------------------------------------------------------------------- */

/* The field that held the present password, on each of the two routes. */
static const char *password_field(const struct exchange *x)
{
	return x->new_password != NULL ? "current_password" : "password";
}

static enum step wrong_password(struct exchange *x)
{
	fields_fault(x, password_field(x), "is not the password of this account");
	return exchange_invalid(x);
}

/* Has the hasher compare x->hash.password with the hash that the row brought. */
static enum step verify(struct exchange *x, resume_fn *verified)
{
	const char *hash = x->call.row.detail;

	MUST(strlen(hash) < sizeof(x->hash.encoded));
	strcpy(x->hash.encoded, hash);
	return secret_check(x, HASH_VERIFY, verified);
}

static void take_new_password(struct exchange *x)
{
	exchange_forget_password(x);
	x->hash.password = x->new_password;
	x->hash.password_len = x->new_password_len;
	x->try_typed = false;
}

/* Answers the row; the cookie of an account that is gone is of no more use. */
static enum step over(struct exchange *x)
{
	enum step step = exchange_answered(x);

	if (x->call.row.status == 204 && x->new_password == NULL)
		cookie_clear(x);
	return step;
}

static enum step same_password(struct exchange *x)
{
	return x->hash.matches ? exchange_answered(x) : exchange_key_reused(x);
}

static enum step password_known(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status == 200) {
		x->seen_hash = mem_arena_copy(&x->arena, row->detail, strlen(row->detail));
		return verify(x, x->verified);
	}
	if (!row->replayed || x->new_password == NULL || row->detail[0] == '\0')
		return over(x);
	take_new_password(x);
	return verify(x, same_password);
}

/* Goes on with `verified` once the hasher has compared x->hash.password with the account's. */
static enum step check_password(struct exchange *x, resume_fn *verified)
{
	x->verified = verified;
	call_start(&x->call, CALL_READ_PASSWORD);
	auth_argument(x);
	key_write_argument(x);
	key_argument(x);
	x->resume = password_known;
	return STEP_CALL;
}

static enum step changed(struct exchange *x)
{
	const struct call_row *row = &x->call.row;

	if (row->status == 422)
		return secret_look_again(x) ? check_password(x, x->verified) : wrong_password(x);
	/* Another request of this key was faster. Passwords are no part of what a key is bound to, so
	 * whether it was the same request is yet to be seen; the new one is still at hand. */
	return row->replayed && row->detail[0] != '\0' ? verify(x, same_password)
						       : exchange_answered(x);
}

static enum step deleted(struct exchange *x)
{
	if (x->call.row.status != 422)
		return over(x);
	return secret_look_again(x) ? check_password(x, x->verified) : wrong_password(x);
}

/* The arguments that both changes begin with, but for the new password's hash. */
static void plan_change(struct exchange *x, enum call_id id)
{
	call_start(&x->call, id);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, x->seen_hash);
	x->resume = changed;
}

/* ---- another password ------------------------------------------------------------------------ */

enum {
	CHANGE_CURRENT,
	CHANGE_NEW,
	CHANGE_FIELDS,
};

static const struct field change_fields[CHANGE_FIELDS] = {
	[CHANGE_CURRENT] = {.name = "current_password", .kind = FIELD_PASSWORD, .required = true},
	[CHANGE_NEW] = {.name = "new_password", .kind = FIELD_SECRET, .required = true},
};

static enum step new_hashed(struct exchange *x)
{
	plan_change(x, CALL_CHANGE_PASSWORD);
	call_text(&x->call, x->hash.encoded);
	key_argument(x);
	return STEP_CALL;
}

static enum step may_change(struct exchange *x)
{
	if (!x->hash.matches)
		return wrong_password(x);
	take_new_password(x);
	x->hash.kind = HASH_MAKE;
	x->resume = new_hashed;
	return STEP_HASH;
}

enum step accounts_password(struct exchange *x)
{
	struct field_value values[CHANGE_FIELDS];
	bool sound = fields_read(x, change_fields, CHANGE_FIELDS, values);

	if (values[CHANGE_CURRENT].text != NULL)
		secret_take(x, values[CHANGE_CURRENT].text, values[CHANGE_CURRENT].len);
	x->new_password = values[CHANGE_NEW].text;
	x->new_password_len = values[CHANGE_NEW].len;
	return sound ? check_password(x, may_change) : exchange_refuse_fields(x);
}

/* ---- deletion -------------------------------------------------------------------------------- */

static const struct field delete_fields[] = {
	{.name = "password", .kind = FIELD_PASSWORD, .required = true},
};

static enum step may_delete(struct exchange *x)
{
	if (!x->hash.matches)
		return wrong_password(x);
	plan_change(x, CALL_DELETE_ACCOUNT);
	key_argument(x);
	x->resume = deleted;
	return STEP_CALL;
}

enum step accounts_delete(struct exchange *x)
{
	struct field_value value;
	bool sound = fields_read(x, delete_fields, ARRAY_LEN(delete_fields), &value);

	if (value.text != NULL)
		secret_take(x, value.text, value.len);
	return sound ? check_password(x, may_delete) : exchange_refuse_fields(x);
}
