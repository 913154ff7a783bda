# tool: the commands of `cardkeep`, one file each. Reads what proc leaves behind, never calls it.
noinst_LIBRARIES += libtool.a
libtool_a_SOURCES = \
	src/tool/commands.def src/tool/options.def \
	src/tool/account.c src/tool/account.h \
	src/tool/alerts.c \
	src/tool/database.c src/tool/database.h \
	src/tool/erase.c src/tool/erase.h \
	src/tool/life.c src/tool/life.h \
	src/tool/migrate.c \
	src/tool/page.c src/tool/page.h \
	src/tool/prompt.c src/tool/prompt.h \
	src/tool/prune.c \
	src/tool/screen.c src/tool/screen.h \
	src/tool/sessions.c \
	src/tool/status.c \
	src/tool/table.c src/tool/table.h \
	src/tool/tool.c src/tool/tool.h \
	src/tool/top.c \
	src/tool/user.c \
	src/tool/verify.c \
	src/tool/view.c src/tool/view.h
nodist_libtool_a_SOURCES = src/tool/verify.def
libtool_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/src -DCARDKEEP_SQL=\"$(pkgdatadir)/sql\"
libtool_a_CFLAGS = $(AM_CFLAGS) $(NCURSES_CFLAGS) $(SODIUM_CFLAGS)
TOOL_LIBS = $(NCURSES_LIBS)

# What `verify` checks: sql/checks, with what the migrations install.
BUILT_SOURCES += src/tool/verify.def
CLEANFILES += src/tool/verify.def
EXTRA_DIST += scripts/gen-checks scripts/gen-installed
src/tool/verify.def: $(srcdir)/scripts/gen-checks $(srcdir)/scripts/gen-installed $(srcdir)/sql/checks/order \
		$(wildcard $(srcdir)/sql/checks/*.sql $(srcdir)/sql/deploy/*.sql)
	$(AM_V_GEN)$(MKDIR_P) src/tool && $(srcdir)/scripts/gen-checks $(srcdir) >$@.new && mv $@.new $@
