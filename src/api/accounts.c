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
#include "api/handlers.h"

#include <string.h>

#include "api/auth.h"
#include "api/cookie.h"
#include "api/fields.h"
#include "api/key.h"
#include "api/refuse.h"
#include "api/secret.h"

/* A change that asks for the password, on its way. */
struct change {
	const char *field;        /* where the present password stood */
	const char *new_password; /* what it is to become; NULL: the account is to go */
	size_t new_password_len;
	const char *seen_hash; /* what the password is checked against */
	resume_fn *verified;   /* goes on when it was */
};

enum step accounts_me(struct exchange *x)
{
	call_start(&x->call, CALL_READ_USER);
	auth_argument(x);
	x->resume = exchange_answered;
	return STEP_CALL;
}

/* ---- the password, checked ------------------------------------------------------------------- */

static enum step wrong_password(struct exchange *x)
{
	const struct change *change = x->own;

	fields_fault(x, change->field, "is not the password of this account");
	return exchange_invalid(x);
}

/* Has the hasher compare what was taken with the hash that the row brought. */
static enum step check_against_row(struct exchange *x, resume_fn *checked)
{
	const char *hash = x->call.row.detail;

	MUST(strlen(hash) < sizeof(x->hash.encoded));
	strcpy(x->hash.encoded, hash);
	return secret_check(x, HASH_VERIFY, checked);
}

/* Answers the row; the cookie of an account that is gone is of no more use. */
static enum step over(struct exchange *x)
{
	const struct change *change = x->own;
	enum step step = exchange_answered(x);

	if (x->call.row.status == 204 && change->new_password == NULL)
		cookie_clear(x);
	return step;
}

static enum step same_password(struct exchange *x)
{
	return x->hash.matches ? exchange_answered(x) : exchange_key_reused(x);
}

/* The row brought the hash of the password that the first request of this key set. Goes on when it is known whether
 * this one asks for the same. */
static enum step check_new(struct exchange *x)
{
	const struct change *change = x->own;

	secret_take_new(x, change->new_password, change->new_password_len);
	return check_against_row(x, same_password);
}

static enum step password_known(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	struct change *change = x->own;

	if (row->status == 200) {
		change->seen_hash = mem_arena_copy(&x->arena, row->detail, strlen(row->detail));
		x->hash.whose.stored = change->seen_hash;
		return check_against_row(x, change->verified);
	}
	if (!row->replayed || change->new_password == NULL || row->detail[0] == '\0')
		return over(x);
	return check_new(x);
}

/* Has the hasher compare the password with the account's, and goes on with change->verified. */
static enum step check_password(struct exchange *x)
{
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
		return secret_look_again(x) ? check_password(x) : wrong_password(x);
	/* Another request of this key was faster. Passwords are no part of what a key is bound to, so
	 * whether it was the same request is yet to be seen. */
	return row->replayed && row->detail[0] != '\0' ? check_new(x) : exchange_answered(x);
}

static enum step gone(struct exchange *x)
{
	if (x->call.row.status != 422)
		return over(x);
	return secret_look_again(x) ? check_password(x) : wrong_password(x);
}

/* The arguments that both changes begin with, but for the new password's hash. */
static void plan_change(struct exchange *x, enum call_id id)
{
	const struct change *change = x->own;

	call_start(&x->call, id);
	auth_argument(x);
	key_write_argument(x);
	call_text(&x->call, change->seen_hash);
}

/* Begins either change; `fields_sound` says whether the body was read without a fault. */
static enum step begin_change(struct exchange *x, const struct change *change,
	const struct field_value *password, bool fields_sound)
{
	struct change *own;

	if (!fields_sound)
		return refuse_fields(x);
	own = exchange_own(x, sizeof(*own));
	*own = *change;
	secret_take(x, password->text, password->len);
	return check_password(x);
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
	x->resume = changed;
	return STEP_CALL;
}

static enum step may_change(struct exchange *x)
{
	const struct change *change = x->own;

	if (!x->hash.matches)
		return wrong_password(x);
	return secret_make(x, change->new_password, change->new_password_len, new_hashed);
}

enum step accounts_password(struct exchange *x)
{
	struct field_value values[CHANGE_FIELDS];
	const bool sound = fields_read(x, change_fields, CHANGE_FIELDS, values);
	const struct change change = {
		.field = change_fields[CHANGE_CURRENT].name,
		.new_password = values[CHANGE_NEW].text,
		.new_password_len = values[CHANGE_NEW].len,
		.verified = may_change,
	};

	return begin_change(x, &change, &values[CHANGE_CURRENT], sound);
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
	x->resume = gone;
	return STEP_CALL;
}

enum step accounts_delete(struct exchange *x)
{
	struct field_value password;
	const bool sound = fields_read(x, delete_fields, ARRAY_LEN(delete_fields), &password);
	const struct change change = {.field = delete_fields[0].name, .verified = may_delete};

	return begin_change(x, &change, &password, sound);
}
