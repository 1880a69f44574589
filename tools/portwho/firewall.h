/*
 * --firewall: does this machine let a new connection from elsewhere in, to each listener?
 *
 * By its own rules: nftables, iptables-nft and iptables-legacy at the hooks ingress,
 * prerouting and input, and of bridges. Answered is what the rules say for every
 * possible sender; where that differs it is "some", and where a rule is not understood
 * and can make the difference, "unknown": nothing is guessed. Not looked at: programs of
 * eBPF (XDP, tc, systemd's IPAddressDeny=), rp_filter and other settings, and what is on
 * the way.
 */
#ifndef PORTWHO_FIREWALL_H
#define PORTWHO_FIREWALL_H

#include "namespaces.h"
#include "portwho.h"
#include "ruleset.h"

/*
 * Fill in `firewall` and `firewall_why` of S's listeners, but for those that nobody
 * elsewhere can reach anyway (loopback, unix), and raw sockets. NS: as it was for
 * namespaces_collect(); NULL: all are of the namespace we are in. 0; -EPERM: needs
 * CAP_NET_ADMIN; another -errno.
 */
PK_MUST_CHECK int firewall_judge(struct snapshot *s, struct namespaces *ns);

/* ---- firewall_say.c; pure ---- */

#define SCENE_DEVICES_MAX   64
#define SCENE_ADDRESSES_MAX 256

/* What a packet can come by and go to. */
struct scene {
	const struct ruleset *ruleset;
	struct device {
		uint32_t index;
		char name[IF_NAMESIZE];
	} devices[SCENE_DEVICES_MAX]; /* without loopback */
	size_t n_devices;	      /* more than there is room for: not all are there */
	struct addr addresses[SCENE_ADDRESSES_MAX]; /* likewise */
	size_t n_addresses;
};

/* About L; *RET_WHY is one clause, to be freed, NULL: no memory. */
enum firewall_says firewall_say(const struct scene *scene, const struct listener *l,
				char **ret_why);

#endif
