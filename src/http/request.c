/* What a client asks, made from what nginx sent. */
#include "http/request.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "http/utf8.h"

static const struct {
	const char *name;
	enum request_method method;
} methods[] = {
	{"GET", REQUEST_GET},
	{"HEAD", REQUEST_HEAD},
	{"POST", REQUEST_POST},
	{"PUT", REQUEST_PUT},
	{"PATCH", REQUEST_PATCH},
	{"DELETE", REQUEST_DELETE},
	{"OPTIONS", REQUEST_OPTIONS},
};

/* The parameters that are taken as they are. */
static const struct {
	const char *name;
	size_t offset;
} headers[] = {
	{"HTTP_AUTHORIZATION", offsetof(struct request, authorization)},
	{"CONTENT_TYPE", offsetof(struct request, content_type)},
	{"HTTP_COOKIE", offsetof(struct request, cookie)},
	{"HTTP_ORIGIN", offsetof(struct request, origin)},
	{"HTTP_SEC_FETCH_SITE", offsetof(struct request, sec_fetch_site)},
	{"HTTP_HOST", offsetof(struct request, host)},
	{"REQUEST_SCHEME", offsetof(struct request, scheme)},
	{"HTTP_RANGE", offsetof(struct request, range)},
	{"HTTP_ACCEPT_PROFILE", offsetof(struct request, accept_profile)},
	{"HTTP_CONTENT_PROFILE", offsetof(struct request, content_profile)},
	{"HTTP_USER_AGENT", offsetof(struct request, user_agent)},
	{"REMOTE_ADDR", offsetof(struct request, remote_address)},
	{"CARDKEEP_PEER", offsetof(struct request, peer)},
};

/* Those that are lists: of one that was sent in several lines, each is a part (RFC 9110, section 5.3). */
static const struct {
	const char *name;
	size_t offset;
} lists[] = {
	{"HTTP_IF_MATCH", offsetof(struct request, if_match)},
	{"HTTP_IF_NONE_MATCH", offsetof(struct request, if_none_match)},
	{"HTTP_ACCEPT", offsetof(struct request, accept)},
	{"HTTP_PREFER", offsetof(struct request, prefer)},
};

/* Nobody spreads a list over more; what comes behind is passed over. */
#define LIST_LINES_MAX 100

/* In which proxies say for whom they speak. */
static const char *const forwarding[] = {
	"HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"};

const char *request_method_name(enum request_method method)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (methods[i].method == method)
			return methods[i].name;
	return "other";
}

static enum request_method method_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].method;
	return REQUEST_OTHER;
}

/* Reads digits from *text on, and moves it past them; false when there are none or too many. */
static bool read_digits(const char **text, int64_t *ret_value)
{
	const char *s = *text;
	int64_t value = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		if (s - *text >= 15)
			return false;
		value = value * 10 + (*s - '0');
	}
	if (s == *text)
		return false;
	*text = s;
	*ret_value = value;
	return true;
}

/* "1700000000.123" in microseconds. */
static bool parse_msec(const char *text, int64_t *ret_us)
{
	int64_t seconds;
	int64_t millis;

	if (text == NULL || !read_digits(&text, &seconds) || seconds > INT32_MAX * INT64_C(100) ||
		*text++ != '.')
		return false;
	if (strlen(text) != 3 || !read_digits(&text, &millis) || *text != '\0')
		return false;
	*ret_us = seconds * CLOCK_S + millis * CLOCK_MS;
	return true;
}

int64_t request_began_us(const char *msec, int64_t wall_us, int64_t mono_us)
{
	int64_t sent_us;
	int64_t age_us;

	if (!parse_msec(msec, &sent_us) || sent_us > wall_us)
		return mono_us;
	age_us = wall_us - sent_us;
	return mono_us - (age_us > REQUEST_AGE_MAX_US ? REQUEST_AGE_MAX_US : age_us);
}

/* One character of percent-encoded text, which may be three; the bytes it took, or 0. */
static size_t decode_one(const char *text, size_t len, bool form, char *ret_char)
{
	int high;
	int low;

	if (text[0] != '%') {
		*ret_char = form && text[0] == '+' ? ' ' : text[0];
		return *ret_char == '\0' ? 0 : 1;
	}
	if (len < 3)
		return 0;
	high = hex_digit(text[1]);
	low = hex_digit(text[2]);
	if (high < 0 || low < 0 || high + low == 0)
		return 0;
	*ret_char = (char)(high << 4 | low);
	return 3;
}

bool request_percent_decode(
	const char *text, size_t len, bool form, struct mem_arena *arena, const char **ret_text)
{
	char *out = mem_arena_alloc(arena, len + 1);
	size_t used = 0;

	while (len > 0) {
		size_t step = decode_one(text, len, form, &out[used]);

		if (step == 0)
			return false;
		used++;
		text += step;
		len -= step;
	}
	out[used] = '\0';
	if (!utf8_valid(out, used))
		return false;
	*ret_text = out;
	return true;
}

/* An encoded slash is a letter of a name, not a separator; no name of ours has one, so a path that
 * holds it names nothing. */
static bool encodes_slash(const char *path, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++)
		if (path[i] == '%' && path[i + 1] == '2' && (path[i + 2] | 0x20) == 'f')
			return true;
	return false;
}

static bool is_under(const char *path, const char *top)
{
	const size_t len = strlen(top);

	return strncmp(path, top, len) == 0 &&
	       (path[len] == '\0' || strchr("/?", path[len]) != NULL);
}

static void fill_target(struct request *request, struct mem_arena *arena, const char *uri)
{
	const size_t path_len = strcspn(uri, "?");
	const char *query = uri[path_len] == '?' ? uri + path_len + 1 : "";

	request->query = mem_arena_copy(arena, query, strlen(query));
	if (uri[0] != '/' || encodes_slash(uri, path_len) ||
		!request_percent_decode(uri, path_len, false, arena, &request->path))
		request->path = "";
	/* A path that cannot be read is still answered in the words of where it was sent. */
	if (*request->path != '\0')
		uri = request->path;
	request->face = is_under(uri, "/rest") || is_under(uri, "/rpc") ? REQUEST_FACE_POSTGREST
									: REQUEST_FACE_JSON;
}

static bool readable(const char *text)
{
	for (const char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	return utf8_valid(text, strlen(text));
}

static void fill_headers(
	struct request *request, struct mem_arena *arena, request_lookup_fn *lookup, void *source)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		const char *value = lookup(source, headers[i].name, 0);
		const char **slot = (const char **)((char *)request + headers[i].offset);

		*slot = value != NULL && *value != '\0'
				? mem_arena_copy(arena, value, strlen(value))
				: NULL;
	}
	if (request->user_agent != NULL && !readable(request->user_agent))
		request->user_agent = NULL;
}

static const char *join_lines(
	struct mem_arena *arena, const char *name, request_lookup_fn *lookup, void *source)
{
	struct buf list = {0};
	const char *text = NULL;
	const char *line;

	for (size_t i = 0; i < LIST_LINES_MAX && (line = lookup(source, name, i)) != NULL; i++)
		if (*line != '\0')
			buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", line);
	if (list.len > 0)
		text = mem_arena_copy(arena, list.data, list.len);
	buf_free(&list);
	return text;
}

static void fill_lists(
	struct request *request, struct mem_arena *arena, request_lookup_fn *lookup, void *source)
{
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const char **slot = (const char **)((char *)request + lists[i].offset);

		*slot = join_lines(arena, lists[i].name, lookup, source);
	}
}

/* nginx passes this one as often as it came: a key sent twice names nothing, and an empty one is no
 * absent one. */
static void fill_key(
	struct request *request, struct mem_arena *arena, request_lookup_fn *lookup, void *source)
{
	static const char name[] = "HTTP_IDEMPOTENCY_KEY";
	const char *value = lookup(source, name, 0);

	if (value == NULL)
		return;
	request->idempotency_key = mem_arena_copy(arena, value, strlen(value));
	request->idempotency_key_again = lookup(source, name, 1) != NULL;
}

/* Framing tells where a body ends; a length beside it that says otherwise is how requests are
 * smuggled, so it is never tolerated. */
static bool length_true(const char *length, size_t body_bytes)
{
	int64_t value;

	if (length == NULL || *length == '\0')
		return true;
	return read_digits(&length, &value) && *length == '\0' && (size_t)value == body_bytes;
}

/* Sent empty it was sent as well: the proxy's own may stand behind the client's. */
static bool is_forwarded(request_lookup_fn *lookup, void *source)
{
	for (size_t i = 0; i < ARRAY_LEN(forwarding); i++)
		if (lookup(source, forwarding[i], 0) != NULL)
			return true;
	return false;
}

const char *request_fill(struct request *request, struct mem_arena *arena,
	request_lookup_fn *lookup, void *source, size_t body_bytes)
{
	const char *id = lookup(source, "CARDKEEP_REQUEST_ID", 0);
	const char *method = lookup(source, "REQUEST_METHOD", 0);
	const char *uri = lookup(source, "REQUEST_URI", 0);

	if (id == NULL || !uuid_parse(id, strlen(id), &request->id))
		return "CARDKEEP_REQUEST_ID is missing or no request id";
	if (method == NULL || *method == '\0')
		return "REQUEST_METHOD is missing";
	if (uri == NULL || *uri == '\0')
		return "REQUEST_URI is missing";
	if (!length_true(lookup(source, "CONTENT_LENGTH", 0), body_bytes))
		return "CONTENT_LENGTH is not the length of the body";
	uuid_format(&request->id, request->id_text);
	request->method = method_of(method);
	request->began_us = request_began_us(
		lookup(source, "CARDKEEP_MSEC", 0), clock_wall_us(), clock_mono_us());
	fill_target(request, arena, uri);
	fill_headers(request, arena, lookup, source);
	fill_lists(request, arena, lookup, source);
	fill_key(request, arena, lookup, source);
	request->forwarded = is_forwarded(lookup, source);
	return NULL;
}

bool request_fits(const struct request *request, const char *pattern, const char **ret_segment,
	size_t *ret_len)
{
	const size_t before = strcspn(pattern, "{");
	const char *segment;
	size_t len;

	*ret_segment = NULL;
	*ret_len = 0;
	if (pattern[before] == '\0')
		return strcmp(request->path, pattern) == 0;
	if (strncmp(request->path, pattern, before) != 0)
		return false;
	segment = request->path + before;
	len = strcspn(segment, "/");
	if (len == 0 || strcmp(segment + len, pattern + before + 2) != 0)
		return false;
	*ret_segment = segment;
	*ret_len = len;
	return true;
}

/* Whether the query's piece `text`, up to `len`, is parameter `name`; *ret_value is what follows
 * its equals sign. A name that cannot be decoded is nobody's. */
static bool is_param(const char *text, size_t len, const char *name, struct mem_arena *arena,
	const char **ret_value, size_t *ret_len)
{
	const char *equals = memchr(text, '=', len);
	const size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	const char *decoded;

	if (!request_percent_decode(text, name_len, true, arena, &decoded) ||
		strcmp(decoded, name) != 0)
		return false;
	*ret_value = text + name_len + (equals != NULL);
	*ret_len = len - name_len - (equals != NULL);
	return true;
}

enum request_param request_param(const struct request *request, const char *name,
	struct mem_arena *arena, const char **ret_value)
{
	const char *value = NULL;

	for (const char *piece = request->query; *piece != '\0';) {
		const size_t len = strcspn(piece, "&");
		const char *raw;
		size_t raw_len;

		if (is_param(piece, len, name, arena, &raw, &raw_len)) {
			if (value != NULL ||
				!request_percent_decode(raw, raw_len, true, arena, &value))
				return REQUEST_PARAM_BAD;
		}
		piece += len + (piece[len] == '&');
	}
	if (value == NULL)
		return REQUEST_PARAM_ABSENT;
	*ret_value = value;
	return REQUEST_PARAM_FOUND;
}

enum request_param request_param_next(
	const char **cursor, struct mem_arena *arena, const char **ret_name, const char **ret_value)
{
	const char *piece = *cursor + strspn(*cursor, "&");
	const size_t len = strcspn(piece, "&");
	const char *equals = memchr(piece, '=', len);
	const size_t name_len = equals != NULL ? (size_t)(equals - piece) : len;
	const size_t skip = name_len + (equals != NULL);

	*cursor = piece + len;
	if (len == 0)
		return REQUEST_PARAM_ABSENT;
	if (!request_percent_decode(piece, name_len, true, arena, ret_name) ||
		!request_percent_decode(piece + skip, len - skip, true, arena, ret_value))
		return REQUEST_PARAM_BAD;
	return REQUEST_PARAM_FOUND;
}
