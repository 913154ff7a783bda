/* The promised functions, called by name with named arguments, as PostgREST has them called. */
#ifndef API_POSTGREST_RPC_H
#define API_POSTGREST_RPC_H

#include "api/exchange.h"

enum step rpc_slug(struct exchange *x);
enum step rpc_create(struct exchange *x);
enum step rpc_update(struct exchange *x);
enum step rpc_personal(struct exchange *x);
enum step rpc_professional(struct exchange *x);

#endif
