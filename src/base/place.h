/*
 * Where a client comes from, as far as it counts: its network, not its address.
 *
 * Whoever has one IPv6 address has the 2^64 of its /64 as well, and an IPv4 /24 is mostly one
 * provider's customers or one office. So floods are counted by these, and no log has more than
 * that. Pure, thread-safe.
 */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/must.h"

#define PLACE_BYTES      9  /* a family, and the eight bytes of a /64 */
#define PLACE_TEXT_BYTES 50 /* of its text, with the NUL */

struct place {
	uint8_t bytes[PLACE_BYTES]; /* all zero for this machine */
	/* This machine itself: its own programs, and all for whom a proxy on it speaks without saying so.
	 * It tells nobody from anybody. */
	bool local;
};

/* The place of an address as nginx writes it; NULL and what is no address (a Unix socket's `unix:`)
 * are this machine's. An IPv4 address that is written as IPv6 is the IPv4 one. */
struct place place_of(const char *address);
/* Whether the text is an address of this machine to itself: 127.0.0.1 and its like, ::1. */
MUST_CHECK bool place_is_local(const char *address);
/* "192.0.2.0/24", "2001:db8:1:2::/64", or "local". */
void place_text(const struct place *place, char ret_text[PLACE_TEXT_BYTES]);

#endif
