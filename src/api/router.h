/*
 * From a request to the handler that answers it, through the checks all requests share, in the
 * contract's order: 401, 404, 405, 413, 415, 400. What comes after is the handler's.
 */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/exchange.h"

/* Begins the exchange whose `request` was just read. */
enum step router_begin(struct exchange *x);

#endif
