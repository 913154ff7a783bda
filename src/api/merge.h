/*
 * Whether an update that is out of date is to be merged: by `"merge": true` in the body, or by
 * `Prefer: conflict=merge`. The stored functions decide what can be merged.
 */
#ifndef API_MERGE_H
#define API_MERGE_H

#include "api/exchange.h"
#include "api/fields.h"

/*
 * Whether the request asks for it; `merge` is the body's member, which wins over the header. A
 * version in If-Match is a precondition (RFC 9110), so such a request never is. To be called when
 * versioned_read has read the version.
 */
bool merge_asked(const struct exchange *x, const struct field_value *merge);

/* Adds Preference-Applied to the answer of a request that was merged, or tried to be, because it
 * preferred so. */
void merge_answered(struct exchange *x);

#endif
