/* The fields of the personal and the professional profile, for other ways to write them. */
#ifndef API_PROFILES_H
#define API_PROFILES_H

#include "api/fields.h"

/* Those that either profile has. */
const struct field *profiles_fields(bool professional, size_t *ret_count);

#endif
