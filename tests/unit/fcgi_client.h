/*
 * The web server's side of FastCGI, as small as the tests need it: requests are built as bytes, so
 * that a test can also send half of them, or wrong ones. For one thread.
 */
#ifndef UNIT_FCGI_CLIENT_H
#define UNIT_FCGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum client_record {
	CLIENT_BEGIN = 1,
	CLIENT_END = 3,
	CLIENT_PARAMS = 4,
	CLIENT_STDIN = 5,
	CLIENT_STDOUT = 6,
};

struct client_request {
	const char *method;
	const char *uri;
	const char *body; /* NULL: none */
	size_t body_len;
	const char *length; /* CONTENT_LENGTH; NULL: the true one */
	const char *id;     /* CARDKEEP_REQUEST_ID; NULL: a good one */
	int role;           /* 0: responder */
	bool close;         /* the connection is not to be kept */
};

/* A connection, or -1 with errno. Reads from it give up after ten seconds. */
int client_connect(const char *path);
/* Appends one record; content may be NULL when len is 0. */
void client_record(struct buf *out, enum client_record type, const void *content, size_t len);
/* Appends BEGIN_REQUEST. */
void client_begin(struct buf *out, int role, bool keep);
/* Appends a whole request. */
void client_request(struct buf *out, const struct client_request *request);
/* Whether all of it could be sent. */
bool client_send(int fd, const struct buf *bytes);
/* Reads one answer to its end into `text`, which is emptied first; false when the peer closed. */
bool client_answer(int fd, struct buf *text);
/* Whether the peer has closed, or does so before a read gives up. */
bool client_sees_close(int fd);

#endif
