# worker: one process that serves requests: its threads, and what becomes of each request.
noinst_LIBRARIES += libworker.a
libworker_a_SOURCES = \
	src/worker/admit.c src/worker/admit.h \
	src/worker/audit.c src/worker/audit.h \
	src/worker/balance.c src/worker/balance.h \
	src/worker/count.c src/worker/count.h \
	src/worker/fair.c src/worker/fair.h \
	src/worker/hasher.c src/worker/hasher.h \
	src/worker/in_flight.c src/worker/in_flight.h \
	src/worker/job.c src/worker/job.h \
	src/worker/lane.c src/worker/lane.h \
	src/worker/last_seen.c src/worker/last_seen.h \
	src/worker/loop.c src/worker/loop.h \
	src/worker/settle.c src/worker/settle.h \
	src/worker/stall.h \
	src/worker/sweep.c src/worker/sweep.h \
	src/worker/worker.c src/worker/worker.h
libworker_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
