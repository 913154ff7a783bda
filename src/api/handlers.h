/*
 * The handlers: one for each route of catalog/routes.def, which names them. Each begins the answer of a request
 * that passed the checks all requests share; see exchange.h. Where they are their names say: cards_read is
 * api/cards', rpc_create api/postgrest/rpc's.
 */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/exchange.h"

#define ROUTE(id, label, method, path, access, body, handler) enum step handler(struct exchange *x);
#define ROUTE_ALSO(id, method, path, access, body, handler)   enum step handler(struct exchange *x);
#include "catalog/routes.def"

#endif
