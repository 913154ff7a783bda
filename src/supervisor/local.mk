# supervisor: starts, watches and replaces the other processes; judges alerts.
noinst_LIBRARIES += libsupervisor.a
libsupervisor_a_SOURCES = \
	src/supervisor/alert_command.c src/supervisor/alert_command.h \
	src/supervisor/alerts.c src/supervisor/alerts.h \
	src/supervisor/disk.c src/supervisor/disk.h \
	src/supervisor/policy.c src/supervisor/policy.h \
	src/supervisor/supervisor.c src/supervisor/supervisor.h \
	src/supervisor/systemd.c src/supervisor/systemd.h
libsupervisor_a_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS) $(SYSTEMD_CFLAGS)
SUPERVISOR_LIBS = $(SYSTEMD_LIBS)
