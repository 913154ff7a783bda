/*
 * Whether a request comes from a page of this very site, by what the browser says of it.
 *
 * A browser sends a cookie along whoever made it send the request, so a write by cookie has to come
 * from a page of ours. Sec-Fetch-Site is the browser's own verdict and no page can set it; where it is
 * there it decides. Browsers too old for it send Origin with every write.
 */
#ifndef API_ORIGIN_H
#define API_ORIGIN_H

#include "base/mem.h"
#include "http/request.h"

enum origin {
	ORIGIN_SAME,
	ORIGIN_FOREIGN, /* another site's page, another host of this site, or none at all */
	ORIGIN_UNTOLD,  /* neither header is there: no browser that is in use */
};

/* `public_url` is the service's origin as browsers see it, or "" where that is what nginx sees. */
enum origin origin_of(
	const struct request *request, const char *public_url, struct mem_arena *arena);

#endif
