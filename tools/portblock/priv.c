#include "priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Two words of bits (linux/capability.h); a kernel may know more than our headers. */
#define CAPABILITIES_MAX 64

/* What there was when it began, as far as it decides what can be done. */
struct before {
	bool may_bound; /* CAP_SETPCAP: the bounding set can be cleared */
	bool kept;
};

static bool has(capng_type_t set, int capability)
{
	return capability >= 0 &&
	       capng_have_capability(set, (unsigned int)capability) == 1;
}

bool priv_has(int capability)
{
	return capng_get_caps_process() == 0 && has(CAPNG_EFFECTIVE, capability);
}

/* The ids that a set-user-ID or set-group-ID file lent. The group first: without the user
 * it can't be changed any more. */
static int give_back_ids(void)
{
	uid_t uid = getuid(), euid, suid;
	gid_t gid = getgid(), egid, sgid;

	if (getresuid(&uid, &euid, &suid) < 0 || getresgid(&gid, &egid, &sgid) < 0)
		return -errno;
	if ((egid != gid || sgid != gid) && setresgid(gid, gid, gid) < 0)
		return -errno;
	/* Not the other way, from a lent user to root. */
	if (uid == 0 || (euid == uid && suid == uid))
		return 0;
	/* Else the permitted set goes with root. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(uid, uid, uid) < 0 ||
	    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

int priv_begin(void)
{
	static const int wanted[] = { CAP_NET_RAW, CAP_NET_ADMIN };
	bool there[ARRAY_SIZE(wanted)];
	size_t i;
	int err;

	if (getuid() == 0 || !getauxval(AT_SECURE))
		return 0;
	if (capng_get_caps_process() < 0)
		return -EIO;
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		there[i] = has(CAPNG_PERMITTED, wanted[i]);
	err = give_back_ids();
	if (err)
		return err;
	capng_clear(CAPNG_SELECT_BOTH);
	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		if (there[i] && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
					     (unsigned int)wanted[i]) < 0)
			return -EINVAL;
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/* While CAP_SETPCAP is still in effect. */
static int clear_bounding_set(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_apply(CAPNG_SELECT_BOUNDS) < 0 ? -EPERM : 0;
}

static int clear_sets_but(const struct before *b, int keep)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (b->kept && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				    (unsigned int)keep) < 0)
		return -EINVAL;
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return -EPERM;
	/* Follows from the empty inheritable set; kernels before 4.3 have none. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
	    errno != EINVAL)
		return -errno;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Ask the kernel, since a call that says 0 need not have done anything. */
static int verify(const struct before *b, int keep)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;
	int capability;

	if (capng_get_caps_process() < 0)
		return -EIO;
	for (capability = 0; capability < CAPABILITIES_MAX; capability++) {
		bool right = b->kept && capability == keep;

		if (has(CAPNG_EFFECTIVE, capability) != right ||
		    has(CAPNG_PERMITTED, capability) != right ||
		    has(CAPNG_INHERITABLE, capability) ||
		    (b->may_bound && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1) ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) == 1)
			return -EPERM;
	}
	if (getresuid(&uid, &euid, &suid) < 0 || getresgid(&gid, &egid, &sgid) < 0)
		return -errno;
	if ((uid != 0 && (euid != uid || suid != uid)) || egid != gid || sgid != gid ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return -EPERM;
	return 0;
}

int priv_drop(int keep)
{
	struct before b;
	int err;

	if (capng_get_caps_process() < 0)
		return -EIO;
	b.may_bound = has(CAPNG_EFFECTIVE, CAP_SETPCAP);
	b.kept = has(CAPNG_PERMITTED, keep);
	err = b.may_bound ? clear_bounding_set() : 0;
	if (!err)
		err = give_back_ids();
	if (!err)
		err = clear_sets_but(&b, keep);
	return err ? err : verify(&b, keep);
}
