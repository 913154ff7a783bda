/*
 * Pages of HTML from a file with named parts and named holes, so that markup is read as markup and
 * code as code.
 *
 *     <!-- part: greeting -->
 *     <p class="{{tone}}">Hello, {{name}}</p>
 *
 * What fills a hole is escaped, unless it is said to be markup already. A part or a hole that has no
 * counterpart is our own mistake: it aborts. Pure; a fill belongs to one thread.
 */
#ifndef BASE_TEMPLATE_H
#define BASE_TEMPLATE_H

#include <stdbool.h>

#include "base/buf.h"

#define FILL_HOLES 32

/* What the holes of one part are filled with. Zero-initialised is empty. */
struct fill {
	struct buf text; /* all values, one behind the other */
	size_t count;
	struct {
		const char *name; /* borrowed */
		size_t at;        /* in `text`, up to where the next one begins */
		bool markup;
	} holes[FILL_HOLES];
};

/* Where to write what fills that hole: plain text. Valid until the next call for this fill. */
struct buf *fill_into(struct fill *fill, const char *name);
/* A whole text; NULL is "". */
void fill_text(struct fill *fill, const char *name, const char *text);
/* Markup, which is taken over as it is. */
void fill_markup(struct fill *fill, const char *name, const struct buf *markup);
/* Empties it and gives its memory back. */
void fill_free(struct fill *fill);

/* Appends the part with its holes filled. */
void template_add(struct buf *out, const char *source, const char *part, const struct fill *fill);
/* The same, and the fill is freed: a row that is done. */
void template_end(struct buf *out, const char *source, const char *part, struct fill *fill);

#endif
