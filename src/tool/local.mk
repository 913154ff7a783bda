# tool: the commands of `cardkeep`, one file each. Reads what proc leaves behind, never calls it.
noinst_LIBRARIES += libtool.a
libtool_a_SOURCES = \
	src/tool/commands.def src/tool/options.def \
	src/tool/figure.c src/tool/figure.h \
	src/tool/life.c src/tool/life.h \
	src/tool/status.c \
	src/tool/tool.c src/tool/tool.h
libtool_a_CFLAGS = $(AM_CFLAGS)
