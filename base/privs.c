/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "base/privs.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

int
privs_become(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(user);
	if (pw == NULL)
		pw = getpwnam("nobody");
	if (pw == NULL || pw->pw_uid == 0)
		return -ENOENT;
	if (setgroups(0, NULL) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return -errno;
	/* Proof, not belief. */
	if (setuid(0) == 0)
		return -EPERM;
	return privs_keep(NULL, 0);
}

int
privs_keep(const int *caps, size_t n)
{
	capng_get_caps_process();
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		capng_clear(CAPNG_SELECT_BOUNDS);
		for (size_t i = 0; i < n; i++)
			capng_update(CAPNG_ADD, CAPNG_BOUNDING_SET,
				     (unsigned)caps[i]);
		if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
			return -EPERM;
	}
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		bool kept = false;

		for (size_t i = 0; i < n; i++)
			kept |= (unsigned)caps[i] == cap;
		if (!kept)
			capng_update(CAPNG_DROP,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED |
					 CAPNG_INHERITABLE,
				     cap);
	}
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

int
privs_confine(const struct privs_call *calls, size_t n)
{
	scmp_filter_ctx filter;
	int err = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	if (SANITIZED)
		return 0;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && err == 0; i++) {
		struct scmp_arg_cmp equal = { .arg = calls[i].arg,
					      .op = SCMP_CMP_EQ,
					      .datum_a = calls[i].value };

		err =
		    seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, calls[i].nr,
					   calls[i].test ? 1 : 0, &equal);
	}
	/* For threads that run already, too. */
	if (err == 0)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (err == 0)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
