# api: one file a resource: plan, then answer; postgrest/: the same, as PostgREST's clients ask for it.
noinst_LIBRARIES += libapi.a
libapi_a_SOURCES = \
	src/api/accounts.c \
	src/api/api.c src/api/api.h \
	src/api/auth.c src/api/auth.h \
	src/api/cards.c src/api/cards.h \
	src/api/cookie.c src/api/cookie.h \
	src/api/cors.c src/api/cors.h \
	src/api/exchange.c src/api/exchange.h \
	src/api/face.c src/api/face.h \
	src/api/fields.c src/api/fields.h \
	src/api/handlers.h \
	src/api/history.c \
	src/api/key.c src/api/key.h \
	src/api/known.c src/api/known.h \
	src/api/origin.c src/api/origin.h \
	src/api/page.c src/api/page.h \
	src/api/postgrest/errors.c src/api/postgrest/errors.def src/api/postgrest/errors.h \
	src/api/postgrest/functions.def \
	src/api/postgrest/query.c src/api/postgrest/query.h \
	src/api/postgrest/rest.c src/api/postgrest/rest.h \
	src/api/postgrest/rows.c \
	src/api/postgrest/rpc.c \
	src/api/profiles.c src/api/profiles.h \
	src/api/reading.c src/api/reading.h \
	src/api/refuse.c src/api/refuse.h \
	src/api/router.c src/api/router.h \
	src/api/secret.c src/api/secret.h \
	src/api/sessions.c \
	src/api/text.c src/api/text.h \
	src/api/url.c src/api/url.h \
	src/api/versioned.c src/api/versioned.h
libapi_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(ICU_CFLAGS) $(URIPARSER_CFLAGS)
API_LIBS = $(SODIUM_LIBS) $(ICU_LIBS) $(URIPARSER_LIBS)
