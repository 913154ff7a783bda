/*
 * Addresses of sites and of people: the only door to uriparser. Pure, thread-safe.
 */
#ifndef API_URL_H
#define API_URL_H

#include <stdbool.h>

/* A well-formed absolute http or https URL with a host, no user info, at most 2048 bytes: what may
 * become a link on a public page. */
bool url_is_web(const char *text);
/* One @ between a local part and a domain, without blanks or controls, at most 254 bytes: what can
 * be written to, not whether anybody reads it. */
bool url_is_email(const char *text);

#endif
