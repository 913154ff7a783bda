/* The roles that the service's processes have, but for the supervisor's own. */
#ifndef PROC_ROLE_H
#define PROC_ROLE_H

#define ROLE_PROCESSES_MAX 64 /* of one role, at one time, without those that drain */

enum role {
	ROLE_WORKER,
	ROLE_STATUS,
	ROLE_COUNT,
};

/* As logs have it. */
const char *role_name(enum role role);

#endif
