/* A terminal that shows one page at a time: the only door to ncurses. */
#include "tool/screen.h"

#include <ncurses.h>
#include <stdio.h>
#include <unistd.h>

enum pair {
	PAIR_BAD = 1,
};

static SCREEN *screen;

bool screen_open(void)
{
	if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
		return false;
	/* Unlike initscr it comes back from a terminal it does not know. */
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return false;
	(void)set_term(screen);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)curs_set(0);
	if (has_colors()) {
		(void)start_color();
		(void)use_default_colors();
		(void)init_pair(PAIR_BAD, COLOR_RED, -1);
	}
	return true;
}

void screen_close(void)
{
	if (screen == NULL)
		return;
	(void)endwin();
	delscreen(screen);
	screen = NULL;
}

size_t screen_rows(void)
{
	return (size_t)getmaxy(stdscr);
}

static attr_t attributes(enum page_style style)
{
	switch (style) {
	case PAGE_PLAIN:
		return A_NORMAL;
	case PAGE_BAR:
		return A_REVERSE;
	case PAGE_TITLE:
		return A_BOLD;
	case PAGE_FAINT:
		return A_DIM;
	case PAGE_BAD:
		return A_BOLD;
	}
	return A_NORMAL;
}

static void show_line(const struct page *page, size_t line)
{
	const int columns = getmaxx(stdscr);
	const enum page_style style = page->styles[line];
	size_t len;
	const char *text = page_line(page, line, &len);

	(void)attr_set(attributes(style), style == PAGE_BAD && has_colors() ? PAIR_BAD : 0, NULL);
	(void)mvaddnstr((int)line, 0, text, len < (size_t)columns ? (int)len : columns);
	if (style == PAGE_BAR)
		for (int column = (int)len; column < columns; column++)
			(void)addch(' ');
	(void)attr_set(A_NORMAL, 0, NULL);
}

void screen_show(const struct page *page)
{
	(void)erase();
	for (size_t line = 0; line < page->count && line < screen_rows(); line++)
		show_line(page, line);
	(void)refresh();
}

int screen_key(int wait_ms)
{
	int key;

	timeout(wait_ms);
	key = getch();
	if (key == KEY_RESIZE)
		return SCREEN_RESIZED;
	return key == ERR ? SCREEN_NOTHING : key;
}
