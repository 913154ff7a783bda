/*
 * systemd, where it runs us: the only door to libsystemd.
 *
 * Without the library, or not started by systemd, everything here does nothing.
 */
#ifndef SUPERVISOR_SYSTEMD_H
#define SUPERVISOR_SYSTEMD_H

#include <stdint.h>

void systemd_ready(void);
/* A reload begins; systemd_ready ends it. */
void systemd_reloading(void);
void systemd_stopping(void);
void systemd_watchdog(void);
/* How often systemd_watchdog must be called: half of what systemd waits; INT64_MAX: it does not. */
int64_t systemd_watchdog_us(void);

/* How many descriptors it handed over, from 3 on. */
int systemd_count(void);
/* The listening socket that systemd (or whoever speaks its protocol) handed over under `name`
 * (FileDescriptorName=), made non-blocking; -1 when there is none. Once a name. */
int systemd_socket(const char *name);

#endif
