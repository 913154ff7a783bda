# proc: the loop that carries requests, and what surrounds it.
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
	src/proc/hasher.c src/proc/hasher.h \
	src/proc/job.c src/proc/job.h \
	src/proc/loop.c src/proc/loop.h \
	src/proc/worker.c src/proc/worker.h
libproc_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
