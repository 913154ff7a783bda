/*
 * A page of text, line by line, each with a style: what `top` shows, on a terminal or as plain text.
 */
#ifndef TOOL_PAGE_H
#define TOOL_PAGE_H

#include <stddef.h>

#include "base/buf.h"

enum page_style {
	PAGE_PLAIN,
	PAGE_BAR,   /* the first line */
	PAGE_TITLE, /* above a table */
	PAGE_FAINT, /* nothing happens here */
	PAGE_BAD,   /* an operator should look */
};

#define PAGE_LINES 4096

/* Zero-initialised is empty. */
struct page {
	struct buf text; /* the lines, each with its newline */
	size_t count;
	enum page_style styles[PAGE_LINES];
};

/* Ends the line that was written at the end of `text`, without blanks behind it. What is beyond PAGE_LINES is dropped. */
void page_end_line(struct page *page, enum page_style style);
/* The line of that number, and its length without the newline. */
const char *page_line(const struct page *page, size_t line, size_t *ret_len);
/* Empties it and keeps its memory; empties it and gives that back. */
void page_reset(struct page *page);
void page_free(struct page *page);

#endif
