# base: the ground; knows nothing of cards, HTTP or SQL.
noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/cond.c src/base/cond.h \
	src/base/conf.c src/base/conf.h \
	src/base/hex.h \
	src/base/json_text.c src/base/json_text.h \
	src/base/log.c src/base/log.h \
	src/base/mem.c src/base/mem.h \
	src/base/must.c src/base/must.h \
	src/base/origins.c src/base/origins.h \
	src/base/password.c src/base/password.h \
	src/base/place.c src/base/place.h \
	src/base/rule.c src/base/rule.h \
	src/base/sink.c src/base/sink.h \
	src/base/template.c src/base/template.h \
	src/base/uuid.c src/base/uuid.h
libbase_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS) $(SODIUM_CFLAGS)
BASE_LIBS = $(INIH_LIBS) $(SODIUM_LIBS)
