#include "look.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "collect.h"
#include "diag.h"
#include "firewall.h"
#include "forwards.h"
#include "namespaces.h"

static int say(const char *option, const char *capability, int err)
{
	if (err == -EPERM)
		diag_error("option '%s': needs %s (try sudo)", option, capability);
	else
		diag_error("option '%s': %s", option, strerror(-err));
	return LOOK_SAID;
}

static int look_everywhere(const struct portwho_config *config, struct owners *owners,
			   struct snapshot *s)
{
	int err;

	if (!owners->namespaces)
		owners->namespaces = namespaces_new();
	if (!owners->namespaces)
		return -ENOMEM;
	err = namespaces_collect(s, &config->filter, owners->namespaces);
	/* What has no socket has nothing to know it by at the next look. */
	if (!err && config->job != JOB_WATCH)
		err = forwards_find_all(s, &config->filter, owners->namespaces);
	if (config->job == JOB_WATCH)
		namespaces_let_go(owners->namespaces);
	return err ? say("--all-netns", "CAP_SYS_ADMIN", err) : 0;
}

/* Who asks for a port wants to know that it leads elsewhere; who lists all asks for that
 * with --all-netns. Without the privilege it can't be known. */
static int look_forwards(const struct portwho_config *config, struct snapshot *s)
{
	int err;

	if (!config->filter.ports.n_ranges || config->job != JOB_LIST)
		return 0;
	err = forwards_find(s, &config->filter, NULL, false);
	return err == -ENOMEM ? err : 0;
}

int look_sockets(const struct portwho_config *config, struct owners *owners,
		 struct snapshot *s)
{
	struct sockdiag *sd = NULL;
	int err;

	s->wall_ns = clock_wall_ns();
	if (config->all_netns) {
		err = look_everywhere(config, owners, s);
	} else {
		err = sockdiag_open(&sd);
		if (!err)
			err = collect_sockets(s, sd, &config->filter, NULL);
		if (!err)
			err = look_forwards(config, s);
		sockdiag_close(sd);
	}
	if (!err)
		collect_groups(s);
	return err;
}

void look_warn(const struct snapshot *s)
{
	if (s->unlisted & ALSO_RAW)
		diag_warn("raw sockets are not shown: this kernel cannot list them (no "
			  "raw_diag)");
	/* Without its folder there are none. */
	if ((s->unlisted & ALSO_SCTP) && access("/proc/net/sctp", F_OK) == 0)
		diag_warn("SCTP sockets are not shown: this kernel cannot list them (no "
			  "sctp_diag)");
}

/* What is there by now. Of other namespaces those that are still held, else -ENODATA. */
static int look_again(const struct portwho_config *config, struct owners *owners,
		      struct snapshot *now)
{
	struct sockdiag *sd = NULL;
	int err;

	if (config->all_netns)
		return namespaces_collect_again(now, &config->filter, owners->namespaces);
	err = sockdiag_open(&sd);
	if (!err)
		err = collect_sockets(now, sd, &config->filter, NULL);
	sockdiag_close(sd);
	return err;
}

int look_owners(const struct portwho_config *config, struct owners *owners, bool all,
		struct snapshot *s)
{
	struct snapshot now = { 0 };
	/* Who is asked for may share a socket with others, who are found first. */
	int err = owners_find(owners, s, all || filter_asks_owner(&config->filter));

	if (err || !owners_are_missing(s))
		return err;
	err = look_again(config, owners, &now);
	if (!err)
		err = owners_settle(owners, s, &now);
	else if (err == -ENODATA)
		err = 0;
	snapshot_release(&now);
	return err;
}

int look(const struct portwho_config *config, struct owners *owners, bool all,
	 struct snapshot *s)
{
	int err = look_sockets(config, owners, s);

	if (!err)
		look_warn(s);
	if (!err)
		err = look_owners(config, owners, all, s);
	if (!err)
		owners_filter(s, &config->filter);
	if (!err && config->firewall) {
		err = firewall_judge(s, owners->namespaces);
		if (err)
			err = say("--firewall", "CAP_NET_ADMIN", err);
	}
	if (owners->namespaces)
		namespaces_let_go(owners->namespaces);
	return err;
}
