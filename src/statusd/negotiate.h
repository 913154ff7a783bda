/* Which exposition format an Accept header asks for (RFC 9110, 12.5.1). Pure, thread-safe. */
#ifndef STATUSD_NEGOTIATE_H
#define STATUSD_NEGOTIATE_H

#include "report/prometheus.h"

/* What a client that sent this header wants (NULL for none): OpenMetrics only when it is named and liked
 * at least as much as text. */
enum prometheus_format negotiate_metrics(const char *accept);

#endif
