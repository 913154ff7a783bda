/* systemd, where it runs us: the only door to libsystemd. */
#include "config.h"

#include "supervisor/systemd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/must.h"

#ifdef HAVE_LIBSYSTEMD

#include <systemd/sd-daemon.h>

void systemd_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

/* systemd from 253 on waits for the time, to tell this reload from an earlier one. */
void systemd_reloading(void)
{
	(void)sd_notifyf(
		0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_mono_us());
}

void systemd_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void systemd_watchdog(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

int64_t systemd_watchdog_us(void)
{
	uint64_t us;

	return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 2) : INT64_MAX;
}

static void make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	MUST(flags >= 0);
	MUST_ZERO(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

int systemd_count(void)
{
	const int count = sd_listen_fds(0);

	return count > 0 ? count : 0;
}

int systemd_socket(const char *name)
{
	char **names = NULL;
	const int count = sd_listen_fds_with_names(0, &names);
	int found = -1;

	for (int i = 0; i < count; i++) {
		const int fd = SD_LISTEN_FDS_START + i;

		if (found < 0 && strcmp(names[i], name) == 0 &&
			sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0)
			found = fd;
		free(names[i]);
	}
	free(names);
	if (found >= 0)
		make_nonblocking(found);
	return found;
}

#else

void systemd_ready(void)
{
}

void systemd_reloading(void)
{
}

void systemd_stopping(void)
{
}

void systemd_watchdog(void)
{
}

int64_t systemd_watchdog_us(void)
{
	return INT64_MAX;
}

int systemd_count(void)
{
	return 0;
}

int systemd_socket(const char *name)
{
	(void)name;
	return -1;
}

#endif
