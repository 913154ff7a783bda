/* The names of the roles. */
#include "proc/role.h"

#include "base/must.h"

const char *role_name(enum role role)
{
	static const char *const names[] = {[ROLE_WORKER] = "worker", [ROLE_STATUS] = "status"};

	MUST(role < ROLE_COUNT);
	return names[role];
}
