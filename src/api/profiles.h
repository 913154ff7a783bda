/* The personal and the professional profile: read and save. See exchange.h. */
#ifndef API_PROFILES_H
#define API_PROFILES_H

#include "api/exchange.h"
#include "api/fields.h"

/* The fields that either profile has, for other ways to write them. */
const struct field *profiles_fields(bool professional, size_t *ret_count);

enum step profiles_read_personal(struct exchange *x);
enum step profiles_save_personal(struct exchange *x);
enum step profiles_read_professional(struct exchange *x);
enum step profiles_save_professional(struct exchange *x);

#endif
