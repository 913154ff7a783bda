# proc: the loop that carries requests, the processes that run it, and who looks after them.
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
	src/proc/account.c src/proc/account.h \
	src/proc/admit.c src/proc/admit.h \
	src/proc/alarms.c src/proc/alarms.h \
	src/proc/audit.c src/proc/audit.h \
	src/proc/detach.c src/proc/detach.h \
	src/proc/disk.c src/proc/disk.h \
	src/proc/fair.c src/proc/fair.h \
	src/proc/hand.c src/proc/hand.h \
	src/proc/hasher.c src/proc/hasher.h \
	src/proc/herald.c src/proc/herald.h \
	src/proc/job.c src/proc/job.h \
	src/proc/lane.c src/proc/lane.h \
	src/proc/landlock.c src/proc/landlock.h \
	src/proc/logfile.c src/proc/logfile.h \
	src/proc/loop.c src/proc/loop.h \
	src/proc/notify.c src/proc/notify.h \
	src/proc/pool.c src/proc/pool.h \
	src/proc/readiness.c src/proc/readiness.h \
	src/proc/sandbox.c src/proc/sandbox.def src/proc/sandbox.h \
	src/proc/settle.c src/proc/settle.h \
	src/proc/seen.c src/proc/seen.h \
	src/proc/settings.c src/proc/settings.h \
	src/proc/share.c src/proc/share.h \
	src/proc/signals.c src/proc/signals.h \
	src/proc/spawn.c src/proc/spawn.h \
	src/proc/stall.h \
	src/proc/statusd.c src/proc/statusd.h \
	src/proc/supervisor.c src/proc/supervisor.h \
	src/proc/sweep.c src/proc/sweep.h \
	src/proc/title.c src/proc/title.h \
	src/proc/tries.c src/proc/tries.h \
	src/proc/visitor.c src/proc/visitor.h \
	src/proc/worker.c src/proc/worker.h
libproc_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(SYSTEMD_CFLAGS) $(SECCOMP_CFLAGS)
PROC_LIBS = $(SYSTEMD_LIBS) $(SECCOMP_LIBS)
