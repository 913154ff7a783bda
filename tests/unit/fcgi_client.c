/* The web server's side of FastCGI, as small as the tests need it. */
#include "fcgi_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define RECORD_MAX 65528 /* a multiple of eight below 64 KiB */

int client_connect(const char *path)
{
	const struct timeval patience = {.tv_sec = 10};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0 &&
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

void client_record(struct buf *out, enum client_record type, const void *content, size_t len)
{
	const size_t padding = (8 - len % 8) % 8;
	const unsigned char header[8] = {1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8),
		(unsigned char)len, (unsigned char)padding, 0};

	MUST(len < 65536);
	buf_add(out, header, sizeof(header));
	buf_add(out, content, len);
	buf_add(out, "\0\0\0\0\0\0\0", padding);
}

void client_begin(struct buf *out, int role, bool keep)
{
	const unsigned char body[8] = {0, (unsigned char)role, keep ? 1 : 0};

	client_record(out, CLIENT_BEGIN, body, sizeof(body));
}

static void add_length(struct buf *out, size_t len)
{
	const unsigned char bytes[4] = {(unsigned char)(len >> 24 | 0x80),
		(unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len};

	if (len < 128)
		buf_char(out, (char)len);
	else
		buf_add(out, bytes, sizeof(bytes));
}

static void add_param(struct buf *out, const char *name, const char *value)
{
	add_length(out, strlen(name));
	add_length(out, strlen(value));
	buf_str(out, name);
	buf_str(out, value);
}

static void add_params(struct buf *out, const struct client_request *request)
{
	struct buf params = {0};
	struct buf length = {0};

	if (request->body != NULL)
		buf_printf(&length, "%zu", request->body_len);
	add_param(&params, "REQUEST_METHOD", request->method);
	add_param(&params, "REQUEST_URI", request->uri);
	add_param(&params, "CONTENT_LENGTH",
		request->length != NULL ? request->length : buf_cstr(&length));
	add_param(&params, "CARDKEEP_REQUEST_ID",
		request->id != NULL ? request->id : "000102030405060708090a0b0c0d0e0f");
	add_param(&params, "HTTP_USER_AGENT", "fcgi_client");
	client_record(out, CLIENT_PARAMS, params.data, params.len);
	client_record(out, CLIENT_PARAMS, NULL, 0);
	buf_free(&params);
	buf_free(&length);
}

void client_request(struct buf *out, const struct client_request *request)
{
	client_begin(out, request->role == 0 ? 1 : request->role, !request->close);
	add_params(out, request);
	for (size_t at = 0; at < request->body_len; at += RECORD_MAX) {
		const size_t left = request->body_len - at;

		client_record(out, CLIENT_STDIN, request->body + at,
			left < RECORD_MAX ? left : RECORD_MAX);
	}
	client_record(out, CLIENT_STDIN, NULL, 0);
}

bool client_send(int fd, const struct buf *bytes)
{
	for (size_t at = 0; at < bytes->len;) {
		ssize_t n = send(fd, bytes->data + at, bytes->len - at, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *out, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, (char *)out + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

bool client_answer(int fd, struct buf *text)
{
	unsigned char header[8];
	char content[65536 + 256];

	buf_reset(text);
	while (read_all(fd, header, sizeof(header))) {
		const size_t len = (size_t)(header[4] << 8 | header[5]);

		if (!read_all(fd, content, len + header[6]))
			return false;
		if (header[1] == CLIENT_STDOUT)
			buf_add(text, content, len);
		if (header[1] == CLIENT_END)
			return true;
	}
	return false;
}

bool client_sees_close(int fd)
{
	char byte;
	ssize_t n = read(fd, &byte, 1);

	return n == 0 || (n < 0 && errno == ECONNRESET);
}
