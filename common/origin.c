#include "origin.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "diag.h"
#include "fd.h"
#include "netns.h"

static const char *family_word(int family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

static int enter_namespace(const char *netns)
{
	int err = netns_enter(netns);

	if (err == -ENOENT) {
		diag_error("option '--netns': '%s': no such network namespace", netns);
		return -EINVAL;
	}
	if (err < 0) {
		diag_error("option '--netns': '%s': %s", netns,
			   err == -EPERM ? "not permitted (needs root)" : strerror(-err));
		/* A file that is no namespace is there, but can't be entered. */
		return err == -EINVAL ? -ENOTSUP : err;
	}
	return 0;
}

/* Can a socket be bound to it? 0 or the errno. */
static int try_to_bind(const struct addr *source)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(source, 0, &sa);
	int err = 0;
	int fd = socket(source->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0)
		err = errno;
	fd_close(&fd);
	return err;
}

static int check_source(const char *text, int family, struct addr *ret_source)
{
	struct addr source;
	int err;

	if (addr_from_text(text, &source) < 0) {
		diag_error("option '--source': '%s': expected an IPv4 or IPv6 address",
			   text);
		return -EINVAL;
	}
	err = try_to_bind(&source);
	if (err == EADDRNOTAVAIL) {
		diag_error("option '--source': '%s': no address of this machine", text);
		return -EINVAL;
	}
	if (err) {
		diag_error("option '--source': '%s': %s", text, strerror(err));
		/* The address may well be right (fe80::1 without a zone). */
		return err == EINVAL ? -EADDRNOTAVAIL : -err;
	}
	/* Addresses of the other family can't be reached from it. */
	if (family != AF_UNSPEC && family != source.family) {
		diag_error("option '--source': '%s': not an %s address", text,
			   family_word(family));
		return -EINVAL;
	}
	*ret_source = source;
	return 0;
}

int origin_enter(const char *netns, const char *interface, const char *source, int family,
		 struct origin *ret_origin)
{
	struct origin origin = { .family = family };
	int err = netns ? enter_namespace(netns) : 0;

	if (err)
		return err;
	if (interface && (strlen(interface) >= sizeof(origin.interface) ||
			  !if_nametoindex(interface))) {
		diag_error("option '--interface': '%s': no such network interface",
			   interface);
		return -EINVAL;
	}
	if (interface)
		snprintf(origin.interface, sizeof(origin.interface), "%s", interface);
	if (source) {
		err = check_source(source, family, &origin.source);
		if (err)
			return err;
		origin.family = origin.source.family;
	}
	*ret_origin = origin;
	return 0;
}

int origin_admits(const struct target_set *set, int family, bool numeric)
{
	size_t i;

	for (i = 0; numeric && i < set->n_targets; i++) {
		if (set->targets[i].kind != TARGET_NAME)
			continue;
		diag_error("'%s': a name, but -n forbids look-ups (expected an address)",
			   set->targets[i].text);
		return -EINVAL;
	}
	/* An address of one family when the other was asked for can only be a mistake. */
	for (i = 0; family != AF_UNSPEC && i < set->n_targets; i++) {
		const struct target *t = &set->targets[i];
		struct addr a = addr_unmap(&t->addr);

		if (t->kind == TARGET_NAME || a.family == family)
			continue;
		diag_error("'%s': an %s address, but only %s is asked for", t->text,
			   family_word(a.family), family_word(family));
		return -EINVAL;
	}
	return 0;
}
