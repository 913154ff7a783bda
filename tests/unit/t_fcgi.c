/* The gateway, over real sockets: kept connections, limits, peers that stall, lie or vanish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "fcgi_client.h"
#include "http/fcgi.h"
#include "http/listen.h"

#define IO_TIMEOUT_MS 300
#define WAVE          8
#define THREADS_MAX   4
#define HUGE_BYTES    (4 * 1024 * 1024)
#define ID_TEXT       "00010203-0405-0607-0809-0a0b0c0d0e0f"

static char directory[] = "/tmp/cardkeep-t_fcgi-XXXXXX";
static char path[64];
static char huge[HUGE_BYTES];

/* A gate with threads that answer every request with what they understood of it. */
struct service {
	struct fcgi_gate *gate;
	int stop_fd;
	atomic_bool stopping;
	pthread_t threads[THREADS_MAX];
	int thread_count;
};

static unsigned sum_of(const char *bytes, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)bytes[i];
	return sum;
}

static void answer(struct fcgi_conn *conn, const struct request *request)
{
	struct reply reply = {0};

	reply_start(&reply, 200, "text/plain");
	if (strcmp(request->path, "/huge") == 0)
		reply_borrow(&reply, huge, sizeof(huge));
	else
		buf_printf(&reply.body, "method=%d path=%s query=%s body=%zu sum=%u large=%d",
			request->method, request->path, request->query, request->body_len,
			sum_of(request->body, request->body_len), request->body_too_large);
	fcgi_reply(conn, request, &reply);
	reply_free(&reply);
}

/* As a worker does it: all of a wave is read before any of it is answered. */
static void serve_wave(struct fcgi_conn **conns, size_t count)
{
	struct mem_arena arena = {0};
	struct request requests[WAVE];
	struct fcgi_conn *readable[WAVE];
	size_t left = 0;

	for (size_t i = 0; i < count; i++) {
		if (!fcgi_read(conns[i], &arena, &requests[left]))
			continue;
		readable[left++] = conns[i];
	}
	for (size_t i = 0; i < left; i++)
		answer(readable[i], &requests[i]);
	mem_arena_free(&arena);
}

static void *serve(void *arg)
{
	struct service *service = arg;
	struct fcgi_conn *conns[WAVE];
	bool woken;

	while (!atomic_load(&service->stopping)) {
		size_t count = fcgi_gather(service->gate, conns, WAVE, -1, &woken);

		serve_wave(conns, count);
	}
	return NULL;
}

static int listener(void)
{
	char why[200] = "";
	int fd = listen_unix(path, (gid_t)-1, why, sizeof(why));

	if (fd < 0)
		print_message("%s\n", why);
	assert_true(fd >= 0);
	return fd;
}

static void prepare_gate(
	struct service *service, int listen_fd, bool (*counted)(void *, size_t), void *counted_arg)
{
	const struct fcgi_options options = {
		.io_timeout_ms = IO_TIMEOUT_MS, .counted = counted, .counted_arg = counted_arg};

	*service = (struct service){.gate = fcgi_gate_new(listen_fd, &options)};
	service->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(service->stop_fd >= 0);
	fcgi_gate_watch(service->gate, service->stop_fd);
}

static void prepare_service(struct service *service)
{
	prepare_gate(service, listener(), NULL, NULL);
}

static void run_service(struct service *service, int threads)
{
	for (int i = 0; i < threads; i++)
		assert_int_equal(pthread_create(&service->threads[i], NULL, serve, service), 0);
	service->thread_count = threads;
}

static void start_service(struct service *service, int threads)
{
	prepare_service(service);
	run_service(service, threads);
}

static void stop_service(struct service *service)
{
	const uint64_t one = 1;

	atomic_store(&service->stopping, true);
	assert_int_equal(write(service->stop_fd, &one, sizeof(one)), sizeof(one));
	for (int i = 0; i < service->thread_count; i++)
		assert_int_equal(pthread_join(service->threads[i], NULL), 0);
	fcgi_gate_free(&service->gate);
	assert_null(service->gate);
	close(service->stop_fd);
	unlink(path);
}

static void nap(int ms)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	nanosleep(&pause, NULL);
}

/* Waits until the gate holds that many connections; it may take a moment to see one close. */
static void expect_connections(struct service *service, size_t count)
{
	for (int i = 0; i < 1500 && fcgi_gate_connections(service->gate) != count; i++)
		nap(10);
	assert_int_equal(fcgi_gate_connections(service->gate), count);
}

static bool send_request(int fd, const struct client_request *request)
{
	struct buf bytes = {0};
	bool sent;

	client_request(&bytes, request);
	sent = client_send(fd, &bytes);
	buf_free(&bytes);
	return sent;
}

static int connected(void)
{
	int fd = client_connect(path);

	assert_true(fd >= 0);
	return fd;
}

static void expect_answer(int fd, const char *want)
{
	struct buf text = {0};

	assert_true(client_answer(fd, &text));
	if (strstr(buf_cstr(&text), want) == NULL)
		print_message("%s\n", buf_cstr(&text));
	assert_non_null(strstr(buf_cstr(&text), want));
	buf_free(&text);
}

static void expect_served(int fd)
{
	assert_true(send_request(fd, &(struct client_request){.method = "GET", .uri = "/ok"}));
	expect_answer(fd, "path=/ok");
}

static void a_kept_connection_carries_request_after_request(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8, 8191, 8192, 8193, 65528, 65536, 200000};
	struct service service;
	char *body = malloc(200000);
	int fd;

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		body[i] = (char)(i * 7 + i / 251);
	start_service(&service, 2);
	fd = connected();
	for (int round = 0; round < 50; round++) {
		const size_t size = sizes[(size_t)round % ARRAY_LEN(sizes)];
		char want[200];

		assert_true(send_request(fd, &(struct client_request){.method = "POST",
						     .uri = "/a%20b?c=d",
						     .body = body,
						     .body_len = size}));
		snprintf(want, sizeof(want),
			"method=%d path=/a b query=c=d body=%zu sum=%u large=0", REQUEST_POST, size,
			sum_of(body, size));
		expect_answer(fd, want);
		assert_int_equal(fcgi_gate_connections(service.gate), 1);
	}
	close(fd);
	expect_connections(&service, 0);
	stop_service(&service);
	free(body);
}

static void an_answer_is_a_cgi_answer_with_the_request_id(void **state)
{
	struct service service;
	struct buf text = {0};
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	assert_true(send_request(fd, &(struct client_request){.method = "GET", .uri = "/x"}));
	assert_true(client_answer(fd, &text));
	assert_string_equal(buf_cstr(&text), "Status: 200 OK\r\n"
					     "Content-Type: text/plain\r\n"
					     "Content-Length: 44\r\n"
					     "X-Request-Id: " ID_TEXT "\r\n"
					     "Cache-Control: no-store\r\n"
					     "X-Content-Type-Options: nosniff\r\n"
					     "\r\n"
					     "method=0 path=/x query= body=0 sum=0 large=0");
	buf_free(&text);
	close(fd);
	stop_service(&service);
}

static void head_is_answered_without_a_body(void **state)
{
	struct service service;
	struct buf text = {0};
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	for (int i = 0; i < 3; i++) {
		assert_true(
			send_request(fd, &(struct client_request){.method = "HEAD", .uri = "/x"}));
		assert_true(client_answer(fd, &text));
		assert_non_null(strstr(buf_cstr(&text), "Content-Length: 44\r\n"));
		assert_string_equal(buf_cstr(&text) + text.len - 4, "\r\n\r\n");
	}
	expect_served(fd);
	buf_free(&text);
	close(fd);
	stop_service(&service);
}

static void a_body_over_the_limit_is_dropped_and_the_next_request_understood(void **state)
{
	static const struct {
		size_t size;
		const char *want;
	} cases[] = {
		{REQUEST_BODY_MAX, "body=262144 "},
		{REQUEST_BODY_MAX + 1, "body=0 sum=0 large=1"},
		{3 * REQUEST_BODY_MAX, "body=0 sum=0 large=1"},
		{REQUEST_BODY_MAX, "large=0"},
	};
	struct service service;
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(send_request(fd, &(struct client_request){.method = "POST",
						     .uri = "/b",
						     .body = huge,
						     .body_len = cases[i].size}));
		expect_answer(fd, cases[i].want);
		expect_served(fd);
	}
	assert_int_equal(fcgi_gate_connections(service.gate), 1);
	close(fd);
	stop_service(&service);
}

static void a_connection_that_is_not_to_be_kept_closes_after_its_answer(void **state)
{
	struct service service;
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	assert_true(send_request(
		fd, &(struct client_request){.method = "GET", .uri = "/x", .close = true}));
	expect_answer(fd, "path=/x");
	assert_true(client_sees_close(fd));
	expect_connections(&service, 0);
	close(fd);
	stop_service(&service);
}

static void a_huge_answer_arrives_whole(void **state)
{
	struct service service;
	struct buf text = {0};
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	for (int i = 0; i < 2; i++) {
		assert_true(send_request(
			fd, &(struct client_request){.method = "GET", .uri = "/huge"}));
		assert_true(client_answer(fd, &text));
		assert_true(text.len > HUGE_BYTES);
		assert_memory_equal(text.data + text.len - HUGE_BYTES, huge, HUGE_BYTES);
	}
	buf_free(&text);
	close(fd);
	stop_service(&service);
}

static void a_peer_that_takes_nothing_is_cut_off_after_the_timeout(void **state)
{
	struct service service;
	int64_t began_us;
	int fd;

	(void)state;
	start_service(&service, 1);
	fd = connected();
	assert_true(send_request(fd, &(struct client_request){.method = "GET", .uri = "/huge"}));
	began_us = clock_mono_us();
	expect_connections(&service, 1);
	expect_connections(&service, 0);
	assert_in_range(clock_mono_us() - began_us, 250 * CLOCK_MS, 1500 * CLOCK_MS);
	close(fd);
	stop_service(&service);
}

static void a_peer_that_stalls_is_cut_off_after_the_timeout(void **state)
{
	static const size_t cuts[] = {1, 8, 12, 16, 40, 0};
	struct buf whole = {0};
	struct service service;

	(void)state;
	client_request(
		&whole, &(struct client_request){
				.method = "POST", .uri = "/", .body = "abcdefgh", .body_len = 8});
	start_service(&service, 1);
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		const struct buf part = {
			.data = whole.data, .len = cuts[i] != 0 ? cuts[i] : whole.len - 8};
		const int64_t began_us = clock_mono_us();
		int fd = connected();

		assert_true(client_send(fd, &part));
		assert_true(client_sees_close(fd));
		assert_in_range(clock_mono_us() - began_us, 250 * CLOCK_MS, 1500 * CLOCK_MS);
		close(fd);
	}
	expect_connections(&service, 0);
	stop_service(&service);
	buf_free(&whole);
}

/* No thread waits for a connection that has nothing to say. */
static void idle_connections_cost_no_thread(void **state)
{
	struct service service;
	int idle[20];
	int fd;

	(void)state;
	start_service(&service, 1);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = connected();
		if (i % 2 == 0)
			expect_served(idle[i]);
	}
	nap(2 * IO_TIMEOUT_MS);
	fd = connected();
	expect_served(fd);
	expect_connections(&service, ARRAY_LEN(idle) + 1);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		expect_served(idle[i]);
		close(idle[i]);
	}
	close(fd);
	expect_connections(&service, 0);
	stop_service(&service);
}

static void a_request_cut_anywhere_by_its_peer_harms_nobody(void **state)
{
	struct buf whole = {0};
	struct service service;
	int other;

	(void)state;
	client_request(
		&whole, &(struct client_request){
				.method = "POST", .uri = "/", .body = "abcdefgh", .body_len = 8});
	start_service(&service, 2);
	other = connected();
	for (size_t cut = 0; cut < whole.len; cut += 3) {
		const struct buf part = {.data = whole.data, .len = cut};
		int fd = connected();

		assert_true(client_send(fd, &part));
		close(fd);
	}
	expect_served(other);
	expect_connections(&service, 1);
	close(other);
	stop_service(&service);
	buf_free(&whole);
}

static void a_peer_that_leaves_before_its_answer_harms_nobody(void **state)
{
	struct service service;
	int other;

	(void)state;
	start_service(&service, 2);
	other = connected();
	for (int i = 0; i < 20; i++) {
		int fd = connected();

		assert_true(send_request(
			fd, &(struct client_request){.method = "GET", .uri = "/huge"}));
		close(fd);
	}
	expect_served(other);
	expect_connections(&service, 1);
	close(other);
	stop_service(&service);
}

static void expect_refused(struct service *service, const struct buf *bytes)
{
	int fd = connected();

	(void)client_send(fd, bytes);
	assert_true(client_sees_close(fd));
	close(fd);
	expect_connections(service, 0);
}

static void nonsense_ends_the_connection(void **state)
{
	static const struct client_request lies[] = {
		{.method = "POST", .uri = "/", .body = "abc", .body_len = 3, .length = "2"},
		{.method = "POST", .uri = "/", .body = "abc", .body_len = 3, .length = "4"},
		{.method = "POST", .uri = "/", .body = "abc", .body_len = 3, .length = "three"},
		{.method = "GET", .uri = "/", .id = ""},
		{.method = "GET", .uri = "/", .id = "not an id"},
		{.method = "", .uri = "/"},
		{.method = "GET", .uri = ""},
		{.method = "GET", .uri = "/", .role = 2},
		{.method = "GET", .uri = "/", .role = 3},
		{.method = "GET", .uri = "/", .role = 9},
	};
	static const struct {
		const char *bytes;
		size_t len;
	} noise[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27},
		{"\x01\x05\x00\x01\x00\x03\x00\x00xyz", 11},
		{"\x02\x01\x00\x01\x00\x08\x00\x00", 8},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
	};
	struct service service;
	struct buf bytes = {0};

	(void)state;
	start_service(&service, 1);
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		buf_reset(&bytes);
		client_request(&bytes, &lies[i]);
		expect_refused(&service, &bytes);
	}
	for (size_t i = 0; i < ARRAY_LEN(noise); i++) {
		buf_reset(&bytes);
		buf_add(&bytes, noise[i].bytes, noise[i].len);
		expect_refused(&service, &bytes);
	}
	buf_reset(&bytes);
	client_begin(&bytes, 1, true);
	client_record(&bytes, CLIENT_STDIN, "params come first", 17);
	expect_refused(&service, &bytes);
	buf_free(&bytes);
	stop_service(&service);
}

static uint32_t dice = 1;

static uint32_t roll(uint32_t sides)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 8) % sides;
}

/* Of every kind: a good request with bytes changed, cut or doubled; records that a peer of libfcgi
 * can abort it by; and noise. */
static void make_malformed(struct buf *bytes)
{
	static const char lengths[] = "\xff\xff\xff\xff\xff\xff\xff\xff";
	static const char conns[] = "\x0e\0"
				    "FCGI_MAX_CONNS";

	buf_reset(bytes);
	switch (roll(4)) {
	case 0:
		client_begin(bytes, 1, true);
		client_record(bytes, CLIENT_PARAMS, lengths, sizeof(lengths) - 1);
		break;
	case 1:
		client_begin(bytes, 1, true);
		buf_add(bytes, "\1\x9\0\0\x3\x20\0\0", 8);
		for (int i = 0; i < 50; i++)
			buf_add(bytes, conns, sizeof(conns) - 1);
		break;
	case 2:
		for (uint32_t n = roll(300); n > 0; n--)
			buf_char(bytes, (char)roll(256));
		break;
	default:
		client_request(bytes,
			&(struct client_request){
				.method = "POST", .uri = "/", .body = "abcdefgh", .body_len = 8});
	}
	for (uint32_t n = roll(4); n > 0 && bytes->len > 0; n--)
		bytes->data[roll((uint32_t)bytes->len)] = (char)roll(256);
	if (roll(4) == 0 && bytes->len > 0)
		bytes->len = roll((uint32_t)bytes->len);
}

static void ten_thousand_malformed_requests_harm_nobody(void **state)
{
	enum { ROUNDS = 10000 };
	struct service service;
	struct buf bytes = {0};
	int good;

	(void)state;
	start_service(&service, 2);
	good = connected();
	for (int round = 0; round < ROUNDS; round++) {
		int fd = connected();

		make_malformed(&bytes);
		(void)client_send(fd, &bytes);
		close(fd);
		if (round % 500 == 0)
			expect_served(good);
	}
	expect_served(good);
	expect_connections(&service, 1);
	close(good);
	buf_free(&bytes);
	stop_service(&service);
}

/* A byte now and then is no pause, and yet the request takes for ever. */
static void a_peer_that_trickles_is_cut_off_in_all_after_the_timeout(void **state)
{
	struct service service;
	struct buf whole = {0};
	int64_t began_us;
	size_t sent = 0;
	int fd;

	(void)state;
	client_request(&whole, &(struct client_request){.method = "GET", .uri = "/"});
	start_service(&service, 1);
	fd = connected();
	began_us = clock_mono_us();
	while (sent < whole.len && send(fd, whole.data + sent, 1, MSG_NOSIGNAL) == 1) {
		sent++;
		nap(IO_TIMEOUT_MS / 6);
	}
	assert_true(sent < whole.len);
	assert_in_range(clock_mono_us() - began_us, 250 * CLOCK_MS, 1500 * CLOCK_MS);
	close(fd);
	buf_free(&whole);
	expect_connections(&service, 0);
	stop_service(&service);
}

/* Connects as that user, and says by its exit status whether it was served (0) or refused (1). */
static int served_as(uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf text = {0};
		int fd = setuid(uid) == 0 ? client_connect(path) : -1;

		if (fd < 0)
			_exit(2);
		(void)send_request(fd, &(struct client_request){.method = "GET", .uri = "/ok"});
		_exit(client_answer(fd, &text) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void only_users_that_were_named_may_connect(void **state)
{
	const uid_t peers[] = {12345, 65534};
	const struct fcgi_options options = {
		.peers = peers, .peer_count = 2, .io_timeout_ms = IO_TIMEOUT_MS};
	struct service service;
	char why[200];

	(void)state;
	if (geteuid() != 0)
		skip();
	prepare_service(&service);
	fcgi_gate_free(&service.gate);
	service.gate = fcgi_gate_new(listen_unix(path, (gid_t)-1, why, sizeof(why)), &options);
	fcgi_gate_watch(service.gate, service.stop_fd);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chmod(path, 0666), 0);
	run_service(&service, 1);
	assert_int_equal(served_as(0), 0);
	assert_int_equal(served_as(12345), 0);
	assert_int_equal(served_as(65534), 0);
	assert_int_equal(served_as(12346), 1);
	expect_connections(&service, 0);
	stop_service(&service);
}

static void a_draining_gate_serves_what_it_has_and_accepts_nothing(void **state)
{
	struct service service;
	struct buf bytes = {0};
	char byte;
	int late;
	int fd;

	(void)state;
	start_service(&service, 2);
	fd = connected();
	expect_served(fd);
	fcgi_gate_drain(service.gate);
	fcgi_gate_drain(service.gate);
	late = connected();
	client_request(&bytes, &(struct client_request){.method = "GET", .uri = "/late"});
	assert_true(client_send(late, &bytes));
	for (int i = 0; i < 5; i++) {
		expect_served(fd);
		nap(50);
	}
	assert_int_equal(recv(late, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcgi_gate_connections(service.gate), 1);
	close(fd);
	expect_connections(&service, 0);
	stop_service(&service);
	assert_true(client_sees_close(late));
	close(late);
	buf_free(&bytes);
}

static void a_watched_descriptor_wakes_until_it_is_read_empty(void **state)
{
	struct service service;
	struct fcgi_conn *conns[WAVE];
	uint64_t value = 1;
	int64_t began_us;
	bool woken = true;

	(void)state;
	prepare_service(&service);
	began_us = clock_mono_us();
	assert_int_equal(fcgi_gather(service.gate, conns, WAVE, 50, &woken), 0);
	assert_false(woken);
	assert_in_range(clock_mono_us() - began_us, 50 * CLOCK_MS, 500 * CLOCK_MS);
	assert_int_equal(write(service.stop_fd, &value, sizeof(value)), sizeof(value));
	for (int i = 0; i < 2; i++) {
		woken = false;
		assert_int_equal(fcgi_gather(service.gate, conns, WAVE, -1, &woken), 0);
		assert_true(woken);
	}
	assert_int_equal(read(service.stop_fd, &value, sizeof(value)), sizeof(value));
	assert_int_equal(fcgi_gather(service.gate, conns, WAVE, 0, &woken), 0);
	assert_false(woken);
	stop_service(&service);
}

static void on_signal(int number)
{
	(void)number;
}

static void *interrupt(void *arg)
{
	const pthread_t *thread = arg;

	nap(100);
	pthread_kill(*thread, SIGUSR2);
	return NULL;
}

static void a_signal_ends_the_wait(void **state)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct service service;
	struct fcgi_conn *conns[WAVE];
	pthread_t self = pthread_self();
	pthread_t other;
	bool woken;

	(void)state;
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	prepare_service(&service);
	assert_int_equal(pthread_create(&other, NULL, interrupt, &self), 0);
	assert_int_equal(fcgi_gather(service.gate, conns, WAVE, 20000, &woken), 0);
	assert_int_equal(pthread_join(other, NULL), 0);
	stop_service(&service);
}

static void no_more_than_was_asked_for_is_gathered_at_once(void **state)
{
	struct service service;
	struct fcgi_conn *conns[WAVE];
	int fds[WAVE];
	bool woken;
	size_t got = 0;

	(void)state;
	prepare_service(&service);
	for (size_t i = 0; i < WAVE; i++) {
		fds[i] = connected();
		assert_true(send_request(
			fds[i], &(struct client_request){.method = "GET", .uri = "/ok"}));
	}
	while (got < WAVE) {
		size_t count = fcgi_gather(
			service.gate, conns + got, 3 < WAVE - got ? 3 : WAVE - got, 5000, &woken);

		assert_in_range(count, 1, 3);
		got += count;
	}
	/* All are in flight: no other thread is told of them any more. */
	assert_int_equal(fcgi_gather(service.gate, &(struct fcgi_conn *){NULL}, 1, 100, &woken), 0);
	assert_int_equal(fcgi_gate_connections(service.gate), WAVE);
	serve_wave(conns, 4);
	for (size_t i = 4; i < WAVE; i++)
		fcgi_close(conns[i]);
	assert_int_equal(fcgi_gate_connections(service.gate), 4);
	stop_service(&service);
	for (size_t i = 0; i < WAVE; i++)
		close(fds[i]);
}

static void closing_the_gate_closes_what_it_holds(void **state)
{
	struct service service;
	int idle[3];

	(void)state;
	start_service(&service, 1);
	for (int i = 0; i < 3; i++) {
		idle[i] = connected();
		expect_served(idle[i]);
	}
	stop_service(&service);
	for (int i = 0; i < 3; i++) {
		assert_true(client_sees_close(idle[i]));
		close(idle[i]);
	}
	fcgi_gate_free(&service.gate);
}

static void two_hundred_connections_share_four_threads(void **state)
{
	enum { MANY = 200, ROUNDS = 10 };
	struct service service;
	int fds[MANY];

	(void)state;
	start_service(&service, 4);
	for (int i = 0; i < MANY; i++)
		fds[i] = connected();
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < MANY; i++) {
			char uri[32];

			snprintf(uri, sizeof(uri), "/%d/%d", round, i);
			assert_true(send_request(
				fds[i], &(struct client_request){.method = "GET", .uri = uri}));
		}
		for (int i = 0; i < MANY; i++) {
			char want[32];

			snprintf(want, sizeof(want), "path=/%d/%d ", round, i);
			expect_answer(fds[i], want);
		}
	}
	assert_int_equal(fcgi_gate_connections(service.gate), MANY);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	expect_connections(&service, 0);
	stop_service(&service);
}

static int64_t cpu_us(void)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
	return ts.tv_sec * CLOCK_S + ts.tv_nsec / 1000;
}

/* The listener stays readable when no descriptor is left: without a pause this burns a core. */
static void running_out_of_descriptors_neither_spins_nor_kills(void **state)
{
	enum { WAITING = 10, ROOM = 3 };
	struct service service;
	struct rlimit before;
	struct rlimit tight;
	int fds[WAITING];
	int64_t spent_us;
	int next;

	(void)state;
	prepare_service(&service);
	for (int i = 0; i < WAITING; i++) {
		fds[i] = connected();
		assert_true(send_request(
			fds[i], &(struct client_request){.method = "GET", .uri = "/ok"}));
	}
	next = dup(0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = (struct rlimit){(rlim_t)(next + ROOM), before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	run_service(&service, 2);
	for (int i = 0; i < ROOM; i++)
		expect_answer(fds[i], "path=/ok");
	spent_us = cpu_us();
	nap(500);
	spent_us = cpu_us() - spent_us;
	assert_int_equal(fcgi_gate_connections(service.gate), ROOM);
	expect_served(fds[0]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = ROOM; i < WAITING; i++)
		expect_answer(fds[i], "path=/ok");
	print_message("CPU spent in 500 ms without descriptors: %d us\n", (int)spent_us);
	assert_in_range(spent_us, 0, 100 * CLOCK_MS);
	for (int i = 0; i < WAITING; i++)
		close(fds[i]);
	stop_service(&service);
}

/* One of two processes that share a listener, as far as their gates can tell. */
struct sharer {
	atomic_size_t own;
	struct sharer *other;
};

static bool more_than_the_other(void *arg, size_t connections)
{
	struct sharer *sharer = arg;

	atomic_store(&sharer->own, connections);
	return connections > atomic_load(&sharer->other->own);
}

/* Connects one after another; the difference of what the two services then hold. */
static size_t apart_after(struct service *services, int *fds, size_t count)
{
	size_t held[2];

	for (size_t i = 0; i < count; i++) {
		fds[i] = connected();
		expect_served(fds[i]);
	}
	for (int i = 0; i < 2; i++)
		held[i] = fcgi_gate_connections(services[i].gate);
	return held[0] > held[1] ? held[0] - held[1] : held[1] - held[0];
}

/* A process that gets no processor takes no connection, and nobody waits for it: so one of a few rounds
 * must be even, as it is on a machine that has time. */
static void processes_that_count_share_connections_evenly(void **state)
{
	enum { CONNECTIONS = 40, ROUNDS = 10 };
	struct service services[2];
	struct sharer sharers[2] = {{.other = &sharers[1]}, {.other = &sharers[0]}};
	int listen_fd = listener();
	int fds[CONNECTIONS];
	bool even = false;

	(void)state;
	prepare_gate(&services[0], listen_fd, more_than_the_other, &sharers[0]);
	prepare_gate(&services[1], dup(listen_fd), more_than_the_other, &sharers[1]);
	run_service(&services[0], 1);
	run_service(&services[1], 1);
	for (int round = 0; round < ROUNDS && !even; round++) {
		even = apart_after(services, fds, CONNECTIONS) <= 2;
		for (int i = 0; i < CONNECTIONS; i++)
			close(fds[i]);
		for (int i = 0; i < 2; i++)
			expect_connections(&services[i], 0);
	}
	assert_true(even);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(atomic_load(&sharers[i].own), 0);
		stop_service(&services[i]);
	}
}

static bool always(void *arg, size_t connections)
{
	(void)arg;
	(void)connections;
	return true;
}

static void what_the_others_leave_is_served_by_one_with_more_than_its_share(void **state)
{
	enum { CONNECTIONS = 5 };
	struct service service;
	int fds[CONNECTIONS];

	(void)state;
	prepare_gate(&service, listener(), always, NULL);
	run_service(&service, 2);
	for (int i = 0; i < CONNECTIONS; i++) {
		fds[i] = connected();
		expect_served(fds[i]);
	}
	for (int i = 0; i < CONNECTIONS; i++)
		close(fds[i]);
	stop_service(&service);
}

static int make_directory(void **state)
{
	(void)state;
	alarm(240); /* a test that hangs fails */
	log_set_level(LOG_LEVEL_ERROR);
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/app.sock", directory);
	for (size_t i = 0; i < sizeof(huge); i++)
		huge[i] = (char)('a' + i % 26);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* Stands first: libfcgi installs its handlers once a process. */
static void a_gate_leaves_signals_as_they_were(void **state)
{
	static const int signals[] = {SIGPIPE, SIGTERM, SIGUSR1};
	struct sigaction before[ARRAY_LEN(signals)];
	struct service service;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		assert_int_equal(sigaction(signals[i], NULL, &before[i]), 0);
	prepare_service(&service);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct sigaction now;

		assert_int_equal(sigaction(signals[i], NULL, &now), 0);
		assert_ptr_equal(now.sa_handler, before[i].sa_handler);
	}
	run_service(&service, 1);
	stop_service(&service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gate_leaves_signals_as_they_were),
		cmocka_unit_test(a_kept_connection_carries_request_after_request),
		cmocka_unit_test(an_answer_is_a_cgi_answer_with_the_request_id),
		cmocka_unit_test(head_is_answered_without_a_body),
		cmocka_unit_test(a_body_over_the_limit_is_dropped_and_the_next_request_understood),
		cmocka_unit_test(a_connection_that_is_not_to_be_kept_closes_after_its_answer),
		cmocka_unit_test(a_huge_answer_arrives_whole),
		cmocka_unit_test(a_peer_that_takes_nothing_is_cut_off_after_the_timeout),
		cmocka_unit_test(a_peer_that_stalls_is_cut_off_after_the_timeout),
		cmocka_unit_test(idle_connections_cost_no_thread),
		cmocka_unit_test(a_request_cut_anywhere_by_its_peer_harms_nobody),
		cmocka_unit_test(a_peer_that_leaves_before_its_answer_harms_nobody),
		cmocka_unit_test(nonsense_ends_the_connection),
		cmocka_unit_test(ten_thousand_malformed_requests_harm_nobody),
		cmocka_unit_test(a_peer_that_trickles_is_cut_off_in_all_after_the_timeout),
		cmocka_unit_test(only_users_that_were_named_may_connect),
		cmocka_unit_test(a_draining_gate_serves_what_it_has_and_accepts_nothing),
		cmocka_unit_test(a_watched_descriptor_wakes_until_it_is_read_empty),
		cmocka_unit_test(a_signal_ends_the_wait),
		cmocka_unit_test(no_more_than_was_asked_for_is_gathered_at_once),
		cmocka_unit_test(closing_the_gate_closes_what_it_holds),
		cmocka_unit_test(two_hundred_connections_share_four_threads),
		cmocka_unit_test(running_out_of_descriptors_neither_spins_nor_kills),
		cmocka_unit_test(processes_that_count_share_connections_evenly),
		cmocka_unit_test(what_the_others_leave_is_served_by_one_with_more_than_its_share),
	};

	/* As every process of the service has it. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("fcgi", tests, make_directory, remove_directory);
}
