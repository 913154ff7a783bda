/* Whether the service lives, and whether it would serve a request. See exchange.h. */
#ifndef API_HEALTH_H
#define API_HEALTH_H

#include "api/exchange.h"

/* 200 while this process answers. */
enum step health_live(struct exchange *x);
/* 200 when the database answers too; 503 as for any request when it does not. */
enum step health_ready(struct exchange *x);

#endif
