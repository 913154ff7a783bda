/*
 * Who may see the status pages, besides what nginx's `allow` and `deny` say of addresses.
 *
 * An address alone shows little. A page in an operator's browser may have a name of its own lead to
 * this machine (DNS rebinding): what it asks for then has that name as `Host`. And whatever comes through
 * a proxy on this machine comes from this machine's address, from wherever it was sent.
 *
 * Pure, thread-safe.
 */
#ifndef STATUSD_VISITOR_H
#define STATUSD_VISITOR_H

#include "http/request.h"

enum visitor {
	VISITOR_WELCOME,
	VISITOR_MISDIRECTED, /* asks for a name that is not ours */
	VISITOR_PROXIED,     /* comes through a proxy of which nginx was not told */
};

/* `hosts`: further names, by blanks, besides localhost and this machine's own addresses. Ports do not
 * matter. Without a name (HTTP/1.0, or the socket itself) it is no browser that asks. */
enum visitor visitor_judge(const struct request *request, const char *hosts);

#endif
