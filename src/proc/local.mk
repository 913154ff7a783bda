# proc: what every process of the service has: its birth, settings, title, signals and sandbox.
noinst_LIBRARIES += libproc.a
libproc_a_SOURCES = \
	src/proc/detach.c src/proc/detach.h \
	src/proc/landlock.c src/proc/landlock.h \
	src/proc/logfile.c src/proc/logfile.h \
	src/proc/role.c src/proc/role.h \
	src/proc/sandbox.c src/proc/sandbox.def src/proc/sandbox.h \
	src/proc/settings.c src/proc/settings.h \
	src/proc/signals.c src/proc/signals.h \
	src/proc/spawn.c src/proc/spawn.h \
	src/proc/title.c src/proc/title.h \
	src/proc/tries.c src/proc/tries.h
libproc_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(SECCOMP_CFLAGS)
PROC_LIBS = $(SECCOMP_LIBS)
