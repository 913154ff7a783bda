# tool: the commands of `cardkeep`, one file each. Reads what proc leaves behind, never calls it.
noinst_LIBRARIES += libtool.a
libtool_a_SOURCES = \
	src/tool/commands.def src/tool/options.def \
	src/tool/figure.c src/tool/figure.h \
	src/tool/life.c src/tool/life.h \
	src/tool/page.c src/tool/page.h \
	src/tool/sample.c src/tool/sample.h \
	src/tool/screen.c src/tool/screen.h \
	src/tool/status.c \
	src/tool/tool.c src/tool/tool.h \
	src/tool/top.c \
	src/tool/view.c src/tool/view.h
libtool_a_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS)
TOOL_LIBS = $(NCURSES_LIBS)
