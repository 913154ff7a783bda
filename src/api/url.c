/*
 * Addresses of sites and of people: the only door to uriparser.
 *
 * uriparser knows RFC 3986, which has no letters beyond ASCII; people paste addresses that have.
 * So those bytes are %-encoded in a copy before it is parsed, as a browser would send them.
 */
#include "api/url.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <uriparser/Uri.h>

#include "base/must.h"

#define WEB_BYTES   2048
#define EMAIL_BYTES 254 /* RFC 5321: a path of 256 with its angle brackets */
#define LOCAL_BYTES 64
#define PORT_DIGITS 5
#define PORT_MOST   65535

/* ---- what is never part of an address -------------------------------------------------------- */

/*
 * Whether a blank, a control or an invisible character starts at `p`. In ASCII up to the blank, and
 * DEL; in UTF-8 C1 controls and U+00A0, U+2000 to U+200F, U+2028 to U+202F, U+2060 to U+206F
 * (spaces, joiners, and the marks that turn text around), U+3000, U+FEFF.
 */
static bool is_unseen(const unsigned char *p)
{
	if (p[0] <= 0x20 || p[0] == 0x7f)
		return true;
	if (p[0] == 0xc2)
		return p[1] <= 0xa0;
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] <= 0x8f || (p[2] >= 0xa8 && p[2] <= 0xaf);
	if (p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa0 && p[2] <= 0xaf;
	if (p[0] == 0xe3 && p[1] == 0x80)
		return p[2] == 0x80;
	return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
}

static bool has_unseen(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (is_unseen(p))
			return true;
	return false;
}

/* ---- sites ----------------------------------------------------------------------------------- */

/* Copies `text`, bytes beyond ASCII as %XX; `copy` has three bytes for each, and one. */
static void encode(const char *text, char *copy)
{
	static const char digits[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p < 0x80) {
			*copy++ = (char)*p;
			continue;
		}
		*copy++ = '%';
		*copy++ = digits[*p >> 4];
		*copy++ = digits[*p & 15];
	}
	*copy = '\0';
}

static bool range_empty(const UriTextRangeA *range)
{
	return range->first == NULL || range->first == range->afterLast;
}

static bool range_is(const UriTextRangeA *range, const char *word)
{
	size_t len = strlen(word);

	return range->first != NULL && (size_t)(range->afterLast - range->first) == len &&
	       strncasecmp(range->first, word, len) == 0;
}

/* A host has letters of any script, but no ASCII hidden behind a %: a blank or a slash in it would
 * be read as something else by whoever decodes first. */
static bool host_plain(const UriTextRangeA *host)
{
	for (const char *p = host->first; p < host->afterLast; p++)
		if (*p == '%' && p[1] >= '0' && p[1] <= '7')
			return false;
	return true;
}

static bool port_fits(const UriTextRangeA *port)
{
	long number = 0;

	if (range_empty(port))
		return true;
	if (port->afterLast - port->first > PORT_DIGITS)
		return false;
	for (const char *p = port->first; p < port->afterLast; p++)
		number = number * 10 + (*p - '0');
	return number <= PORT_MOST;
}

static bool is_web_uri(const UriUriA *uri)
{
	if (!range_is(&uri->scheme, "http") && !range_is(&uri->scheme, "https"))
		return false;
	return uri->userInfo.first == NULL && !range_empty(&uri->hostText) &&
	       host_plain(&uri->hostText) && port_fits(&uri->portText);
}

bool url_is_web(const char *text)
{
	char copy[3 * WEB_BYTES + 1];
	UriUriA uri;
	bool web;

	if (strlen(text) > WEB_BYTES || has_unseen(text))
		return false;
	encode(text, copy);
	if (uriParseSingleUriA(&uri, copy, NULL) != URI_SUCCESS)
		return false;
	web = is_web_uri(&uri);
	uriFreeUriMembersA(&uri);
	return web;
}

/* ---- people ---------------------------------------------------------------------------------- */

/* Dots join labels: none at either end, no two together. */
static bool dots_join(const char *from, const char *end)
{
	char last = '.';

	for (const char *p = from; p < end; p++) {
		if (*p == '.' && last == '.')
			return false;
		last = *p;
	}
	return last != '.';
}

bool url_is_email(const char *text)
{
	const char *at = strchr(text, '@');
	size_t len = strlen(text);

	if (len > EMAIL_BYTES || at == NULL || at == text || strchr(at + 1, '@') != NULL)
		return false;
	if (at - text > LOCAL_BYTES || has_unseen(text))
		return false;
	/* Signs that RFC 5322 gives a meaning of their own: a list, a name, a comment. */
	if (strpbrk(text, "()<>[]\\,;:\"") != NULL)
		return false;
	return dots_join(at + 1, text + len);
}
