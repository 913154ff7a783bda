/*
 * The version a write names, and what is answered when it is out of date.
 *
 * A client says which version it saw as `version` in the body (or the query, for a delete), or as
 * If-Match with the entity's ETag. Either is enough, both must agree.
 */
#ifndef API_VERSIONED_H
#define API_VERSIONED_H

#include <stdbool.h>

#include "api/exchange.h"
#include "api/fields.h"

enum versioned_status {
	VERSIONED_OK,
	VERSIONED_MISSING,    /* 428 */
	VERSIONED_MALFORMED,  /* 422, a fault was added */
	VERSIONED_BAD_HEADER, /* 400 */
	VERSIONED_BAD_NONE,   /* 400: If-None-Match */
	VERSIONED_DISAGREE,   /* 400 */
};

/*
 * Reads the versions this write may be applied to, as the text of an integer array for the call
 * (several when If-Match lists several, none when its tags cannot match, and without those that
 * If-None-Match names); notes in x->by_header whether a mismatch is 412. `text` is the query's version or NULL, `least` the smallest version
 * there is (0 for a profile not yet written).
 */
enum versioned_status versioned_read(
	struct exchange *x, const char *text, int least, const char **ret_expected);

/* Whether `version` is among those that versioned_read has told. */
bool versioned_expects(const char *expected, int version);

/* Whether the text is a version as this service writes it: digits without leading zeros. */
bool versioned_is_version(const char *text);

/* The refusal that goes with a status other than VERSIONED_OK and VERSIONED_MALFORMED. */
enum step versioned_refuse(struct exchange *x, enum versioned_status status);

/* Whether If-None-Match names `version` (weak comparison, as for any GET). False for a malformed
 * header: the client then gets the whole entity, which is always right. */
bool versioned_none_match(const struct exchange *x, int version);

/* Answers a row with an entity: 200 or `created` (201), its ETag and its body. A GET has conditions: 412
 * where If-Match does not name the version, 304 where If-None-Match does. */
enum step versioned_entity(struct exchange *x);
/* Logs the conflict that the call's row tells of, and with which status it is answered. */
void versioned_log_conflict(const struct exchange *x, int status);
/* Answers a row of status 409: 409, or 412 when the version came by header. */
enum step versioned_conflict(struct exchange *x);

/*
 * Whether an update that is out of date is to be merged: by `"merge": true` in the body, whose member `merge` is, or
 * else by `Prefer: conflict=merge`. A version in If-Match is a precondition (RFC 9110), so such a request never
 * is. To be asked when versioned_read has read the version; the stored functions decide what can be merged.
 */
bool versioned_merge_asked(const struct exchange *x, const struct field_value *merge);
/* Adds Preference-Applied to the answer of a request that was merged, or tried to be, because it preferred so. */
void versioned_merge_answered(struct exchange *x);

#endif
