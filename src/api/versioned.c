/*
 * The version a write names, and what is answered when it is out of date.
 *
 * An entity's ETag is its version in quotes, so If-Match and `version` are two spellings of one
 * thing. RFC 9110, section 13.1.1: If-Match compares strongly, so a weak tag never matches, and a
 * list matches when any member does.
 */
#include "api/versioned.h"

#include <stdlib.h>
#include <string.h>

#include "api/fields.h"
#include "base/log.h"

#define VERSION_MAX  INT32_MAX
#define VERSION_NONE (-1)
#define TAGS_MAX     20 /* in one If-Match; each is looked for in the history of a write */

/* One entity tag of a list. */
struct tag {
	bool weak;
	int64_t version; /* VERSION_NONE when the tag is no version of ours */
};

/* A version as this service writes it: digits without leading zeros, within int32. */
static int64_t parse_version(const char *text, size_t len)
{
	int64_t version = 0;

	if (len == 0 || len > 10 || (len > 1 && text[0] == '0'))
		return VERSION_NONE;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return VERSION_NONE;
		version = version * 10 + (text[i] - '0');
	}
	return version <= VERSION_MAX ? version : VERSION_NONE;
}

bool versioned_is_version(const char *text)
{
	return parse_version(text, strlen(text)) != VERSION_NONE;
}

/* Reads one tag and what separates it from the next; NULL for bad syntax. */
static const char *next_tag(const char *p, struct tag *tag)
{
	const char *end;

	tag->weak = strncmp(p, "W/", 2) == 0;
	if (tag->weak)
		p += 2;
	if (*p++ != '"')
		return NULL;
	end = strchr(p, '"');
	if (end == NULL)
		return NULL;
	tag->version = parse_version(p, (size_t)(end - p));
	p = end + 1;
	p += strspn(p, " \t");
	if (*p == '\0')
		return p;
	if (*p != ',')
		return NULL;
	p += strspn(p, ", \t");
	return *p == '\0' ? NULL : p;
}

struct match {
	bool star;
	bool names_own;  /* a tag, weak or not, holds the version of the body */
	struct buf list; /* strong versions, joined by commas */
};

/* False for bad syntax. `own` is the version said elsewhere, or VERSION_NONE. */
static bool read_if_match(const char *header, int64_t own, struct match *match)
{
	struct tag tag;
	int count = 0;

	if (strcmp(header, "*") == 0) {
		match->star = true;
		return true;
	}
	for (const char *p = header; *p != '\0';) {
		p = next_tag(p, &tag);
		if (p == NULL || ++count > TAGS_MAX)
			return false;
		if (own != VERSION_NONE && tag.version == own)
			match->names_own = true;
		if (tag.weak || tag.version == VERSION_NONE)
			continue;
		if (own == VERSION_NONE || tag.version == own)
			buf_printf(&match->list, "%s%lld", match->list.len > 0 ? "," : "",
				(long long)tag.version);
	}
	return true;
}

/* The version in the body or the query; VERSION_NONE when there is none. False: a fault was added. */
static bool read_own(struct exchange *x, const char *text, int least, int64_t *ret_version)
{
	const struct json_member *member = x->body != NULL ? json_find(x->body, "version") : NULL;
	int64_t version = VERSION_NONE;

	*ret_version = VERSION_NONE;
	if (member == NULL && text == NULL)
		return true;
	if (member != NULL && member->kind == JSON_INTEGER)
		version = member->integer;
	else if (member == NULL)
		version = parse_version(text, strlen(text));
	if (version < least || version > VERSION_MAX) {
		fields_fault(x, "version", "must be the version that was read");
		return false;
	}
	*ret_version = version;
	return true;
}

static enum versioned_status decide(
	struct exchange *x, int64_t own, struct match *match, const char **ret_expected)
{
	const char *header = x->request.if_match;

	if (header != NULL && !read_if_match(header, own, match))
		return VERSIONED_BAD_HEADER;
	x->by_header = header != NULL && !match->star;
	if (!x->by_header) {
		if (own == VERSION_NONE)
			return VERSIONED_MISSING;
		*ret_expected = mem_arena_printf(&x->arena, "{%lld}", (long long)own);
		return VERSIONED_OK;
	}
	if (own != VERSION_NONE && !match->names_own)
		return VERSIONED_DISAGREE;
	*ret_expected = mem_arena_printf(&x->arena, "{%s}", buf_cstr(&match->list));
	return VERSIONED_OK;
}

enum versioned_status versioned_read(
	struct exchange *x, const char *text, int least, const char **ret_expected)
{
	struct match match = {0};
	enum versioned_status status;
	bool sound;
	int64_t own;

	sound = read_own(x, text, least, &own);
	status = decide(x, own, &match, ret_expected);
	buf_free(&match.list);
	/* Syntax (400) comes before validation (422) in the order of checks. */
	if (!sound && status != VERSIONED_BAD_HEADER)
		return VERSIONED_MALFORMED;
	return status;
}

enum step versioned_refuse(struct exchange *x, enum versioned_status status)
{
	switch (status) {
	case VERSIONED_BAD_HEADER:
		return exchange_refuse(x, PROBLEM_BAD_HEADER,
			"If-Match must be * or a list of quoted entity tags");
	case VERSIONED_DISAGREE:
		return exchange_refuse(x, PROBLEM_BAD_HEADER,
			"If-Match and the version in the request name different versions");
	default:
		return exchange_refuse(x, PROBLEM_VERSION_REQUIRED,
			"say which version you saw: \"version\" in the body, or If-Match with its "
			"ETag");
	}
}

bool versioned_none_match(const struct exchange *x, int version)
{
	const char *header = x->request.if_none_match;
	struct tag tag;

	if (header == NULL)
		return false;
	if (strcmp(header, "*") == 0)
		return true;
	for (const char *p = header; p != NULL && *p != '\0';) {
		p = next_tag(p, &tag);
		if (p != NULL && tag.version == version)
			return true;
	}
	return false;
}

enum step versioned_entity(struct exchange *x)
{
	const struct call_row *row = &x->call.row;
	bool get = x->request.method == REQUEST_GET || x->request.method == REQUEST_HEAD;

	if (get && versioned_none_match(x, row->version)) {
		reply_start(&x->reply, 304, NULL);
		reply_etag(&x->reply, row->version);
		return STEP_ANSWER;
	}
	reply_start(&x->reply, row->status, REPLY_JSON);
	reply_etag(&x->reply, row->version);
	reply_borrow(&x->reply, row->body, row->body_len);
	return STEP_ANSWER;
}

void versioned_log_conflict(const struct exchange *x, int status)
{
	log_info("Version conflict fn=%s current=%d status=%d request=%s",
		call_function(x->call.id), x->call.row.version, status, x->request.id_text);
}

enum step versioned_conflict(struct exchange *x)
{
	versioned_log_conflict(x, x->by_header ? 412 : 409);
	problem_reply(&x->reply,
		x->by_header ? PROBLEM_PRECONDITION_FAILED : PROBLEM_VERSION_CONFLICT,
		x->request.id_text, x->call.row.body,
		"it was changed since you read it and is at version %d now: look at it and try "
		"again",
		x->call.row.version);
	return STEP_ANSWER;
}
