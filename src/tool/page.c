/* A page of text, line by line, each with a style. */
#include "tool/page.h"

#include <string.h>

void page_end_line(struct page *page, enum page_style style)
{
	size_t kept;

	while (page->text.len > 0 && page->text.data[page->text.len - 1] == ' ')
		page->text.len--;
	if (page->count < PAGE_LINES) {
		buf_char(&page->text, '\n');
		page->styles[page->count++] = style;
		return;
	}
	kept = page->text.len;
	while (kept > 0 && page->text.data[kept - 1] != '\n')
		kept--;
	page->text.len = kept;
}

const char *page_line(const struct page *page, size_t line, size_t *ret_len)
{
	const char *at = buf_cstr(&page->text);

	MUST(line < page->count);
	while (line-- > 0)
		at = strchr(at, '\n') + 1;
	*ret_len = strcspn(at, "\n");
	return at;
}

void page_reset(struct page *page)
{
	buf_reset(&page->text);
	page->count = 0;
}

void page_free(struct page *page)
{
	buf_free(&page->text);
	page->count = 0;
}
