/*
 * Keyset pages: `limit` and `after` of the query, and the link to the page that follows.
 *
 * `after` is the `next` of an earlier page; what it looks like is between a handler and its stored
 * function, whose row has it as detail.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

#include "api/exchange.h"

/* How many items the page may hold. A larger limit than a page holds means "as many as you can".
 * 0: a fault was added. */
int64_t page_limit(struct exchange *x);
/* Where the page goes on, or NULL for the first page (or a fault was added). */
const char *page_after(struct exchange *x);
/* Adds the fault of an `after` that no page gave. */
void page_after_fault(struct exchange *x);

/* Answers a row of status 200 that holds a page, with its Link. */
enum step page_answer(struct exchange *x);

#endif
