# http: fcgi is the only door to libfcgi, json to json-c.
noinst_LIBRARIES += libhttp.a
libhttp_a_SOURCES = \
	src/http/accept.c src/http/accept.h \
	src/http/fcgi.c src/http/fcgi.h \
	src/http/json.c src/http/json.h \
	src/http/listen.c src/http/listen.h \
	src/http/prefer.c src/http/prefer.h \
	src/http/problem.c src/http/problem.h \
	src/http/record.c src/http/record.h \
	src/http/reply.c src/http/reply.h \
	src/http/request.c src/http/request.h \
	src/http/utf8.c src/http/utf8.h
libhttp_a_CFLAGS = $(AM_CFLAGS) $(JSONC_CFLAGS) $(SODIUM_CFLAGS)
HTTP_LIBS = $(FCGI_LIBS) $(JSONC_LIBS) $(SODIUM_LIBS)
