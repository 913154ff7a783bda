/* Which exposition format an Accept header asks for. */
#include "statusd/negotiate.h"

#include <stddef.h>

#include "http/accept.h"

static void raise_to(int *at, int value)
{
	if (value > *at)
		*at = value;
}

enum prometheus_format negotiate_metrics(const char *accept)
{
	struct accept_range range;
	int open = 0;
	int text = 0;

	while (accept != NULL && accept_next(&accept, &range)) {
		if (accept_is(&range, "application/openmetrics-text"))
			raise_to(&open, range.quality);
		else if (accept_is(&range, "text/plain"))
			raise_to(&text, range.quality);
	}
	return open > 0 && open >= text ? PROMETHEUS_OPENMETRICS : PROMETHEUS_TEXT;
}
