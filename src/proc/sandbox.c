/* The sandbox: giving rights up, and system calls. */
#include "config.h" /* _GNU_SOURCE: CLONE_THREAD, prctl's names */

#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "base/log.h"
#include "base/must.h"
#include "proc/landlock.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED
#endif

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

/* ---- rights -------------------------------------------------------------------------------- */

void sandbox_hide(void)
{
	const struct rlimit none = {0, 0};

	MUST_ZERO(setrlimit(RLIMIT_CORE, &none));
	MUST_ZERO(prctl(PR_SET_DUMPABLE, 0));
}

/* Those of root, or of a service manager. Whoever has none cannot give up the bounding set, and need
 * not: without new privileges it gives nothing. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap) != 0)
			break;
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	MUST_ZERO(syscall(SYS_capset, &header, none));
}

/* ---- system calls -------------------------------------------------------------------------- */

#ifdef HAVE_SECCOMP
enum who { WORKER = 1 << SANDBOX_WORKER, STATUS = 1 << SANDBOX_STATUS, BOTH = WORKER | STATUS };

/* 0 or a negative errno, as libseccomp says it. A call that this machine does not have is passed
 * over by libseccomp itself. */
static int add_rules(scmp_filter_ctx filter, enum sandbox_profile profile)
{
	int failed = 0;

#define ALLOW(call, who, why)                         \
	if (failed == 0 && ((who)&1 << profile) != 0) \
		failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(call), 0);
#define ALLOW_WITH(call, who, why, ...)                                                 \
	if (failed == 0 && ((who)&1 << profile) != 0)                                   \
		failed = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(call), \
			sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) /                  \
				sizeof(struct scmp_arg_cmp),                            \
			(struct scmp_arg_cmp[]){__VA_ARGS__});
#define ANSWER(call, error, why) \
	if (failed == 0)         \
		failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(error), SCMP_SYS(call), 0);
/* What libseccomp's macros leave out is zero, and meant to be. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include "proc/sandbox.def"
#pragma GCC diagnostic pop
	return failed;
}

/* A filter that answers most calls without being run, as newer kernels can tell; and one that does
 * not slow the processor down, which some kernels take a filter for a wish to do. */
static int load_filter(enum sandbox_profile profile)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int failed;

	if (filter == NULL)
		return -ENOMEM;
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0); /* it is set already */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	failed = add_rules(filter, profile);
	if (failed == 0)
		failed = seccomp_load(filter);
	seccomp_release(filter);
	return failed;
}

static bool filters_calls(void)
{
	const unsigned action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
#else
static int load_filter(enum sandbox_profile profile)
{
	(void)profile;
	return -ENOSYS;
}

static bool filters_calls(void)
{
	return false;
}
#endif

/* ---- all of it ----------------------------------------------------------------------------- */

void sandbox_announce(const struct conf *conf)
{
	const bool calls = filters_calls();
	const int files = landlock_version();

	if (conf->sandbox == 0) {
		log_warn("sandbox off reason=configured");
		return;
	}
	log_write(calls && files > 0 ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
		"sandbox no_new_privs=yes seccomp=%s landlock=%d core=no dumpable=no",
		calls ? "yes" : "no", files);
}

static bool bind_files(enum sandbox_profile profile, const struct conf *conf)
{
	if (landlock_version() == 0)
		return false;
	if (profile == SANDBOX_WORKER ? landlock_worker(conf) : landlock_status(conf))
		return true;
	log_error("sandbox incomplete part=landlock error=\"%s\"", strerror(errno));
	return false;
}

static bool bind_calls(enum sandbox_profile profile)
{
	int failed;

	if (!filters_calls())
		return false;
	failed = load_filter(profile);
	if (failed == 0)
		return true;
	log_error("sandbox incomplete part=seccomp error=\"%s\"", strerror(-failed));
	return false;
}

uint32_t sandbox_enter(enum sandbox_profile profile, const struct conf *conf)
{
	uint32_t parts = 1 << STATS_SANDBOX_NO_NEW_PRIVS;

	if (conf->sandbox == 0)
		return 0;
	drop_capabilities();
	MUST_ZERO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	/* Calls last: what binds files is no call that a process needs afterwards. */
	if (bind_files(profile, conf))
		parts |= 1 << STATS_SANDBOX_LANDLOCK;
	if (bind_calls(profile))
		parts |= 1 << STATS_SANDBOX_SECCOMP;
	return parts;
}
