/* An account, as its owner changes it: read, another password, deletion. See exchange.h. */
#ifndef API_ACCOUNTS_H
#define API_ACCOUNTS_H

#include "api/exchange.h"

enum step accounts_me(struct exchange *x);
enum step accounts_password(struct exchange *x);
enum step accounts_delete(struct exchange *x);

#endif
