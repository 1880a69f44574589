/*
 * Advice in form: commands to run here, as they are, and sentences about what to do on
 * the host under study.
 */
#include <string.h>

#include "say_private.h"

/* ---- commands ---- */

/* Is NAME safe in a command: what a shell and a terminal get is what was meant? */
static bool usable(const char *name)
{
	/* "10.0.0.0/24" names many hosts, and this is about one. */
	return name && *name && *name != '-' && !strchr(name, '/') && text_is_plain(name);
}

/* The host as the user called it, else its address. */
void add_host(struct buf *out, const struct telling *t)
{
	struct buf shown = BUF_INIT;

	if (usable(t->f->target)) {
		phrase_quoted(out, t->f->target);
	} else if (t->f->addr.family != AF_UNSPEC) {
		phrase_addr(out, &t->f->addr);
	} else {
		phrase_foreign(&shown, t->f->target ? t->f->target : "", SIZE_MAX);
		phrase_quoted(out, shown.data);
		buf_release(&shown);
	}
}

/* Commands of the system run where the packets come from. */
void add_netns(struct buf *out, const struct telling *t, bool root)
{
	if (t->config->netns) {
		buf_adds(out, "sudo ip netns exec ");
		phrase_quoted(out, t->config->netns);
		buf_addc(out, ' ');
	} else if (root) {
		buf_adds(out, "sudo ");
	}
}

/* "sudo portblock --rule -4 --netns x HOST PORT": TOOL with the choices of this run. */
void add_tool(struct buf *out, const struct telling *t, bool root, const char *tool,
	      const char *options)
{
	const struct portblock_config *c = t->config;
	char text[ADDR_TEXT_SIZE];

	buf_addf(out, "%s%s", root || c->netns ? "sudo " : "", tool);
	if (*options)
		buf_addf(out, " %s", options);
	if (c->family != AF_UNSPEC)
		buf_adds(out, c->family == AF_INET6 ? " -6" : " -4");
	if (c->numeric)
		buf_adds(out, " -n");
	if (c->netns) {
		buf_adds(out, " --netns ");
		phrase_quoted(out, c->netns);
	}
	if (c->interface[0]) {
		buf_adds(out, " -I ");
		phrase_quoted(out, c->interface);
	}
	if (c->source.family != AF_UNSPEC)
		buf_addf(out, " -S %s", addr_to_text(&c->source, text));
	buf_addc(out, ' ');
	add_host(out, t);
	buf_addf(out, " %u%s", t->f->port, t->f->protocol == IPPROTO_UDP ? "/udp" : "");
}

void advise_tool(struct telling *t, bool root, const char *tool, const char *options)
{
	struct buf text = BUF_INIT;

	add_tool(&text, t, root, tool, options);
	tell_line_buf(&t->account->next, &text);
}

/* A command of the system, with an address behind it (NULL: none). */
void advise_system(struct telling *t, bool root, const char *command,
		   const struct addr *a)
{
	struct buf text = BUF_INIT;

	add_netns(&text, t, root);
	buf_adds(&text, command);
	if (a) {
		buf_addc(&text, ' ');
		phrase_addr(&text, a);
	}
	tell_line_buf(&t->account->next, &text);
}

const char *ip_command(const struct findings *f, const char *v4, const char *v6)
{
	return f->addr.family == AF_INET6 ? v6 : v4;
}

/* ---- on the host itself ---- */

static void on_host(struct buf *text, const struct telling *t)
{
	buf_adds(text, "on ");
	if (usable(t->f->target))
		phrase_quoted(text, t->f->target);
	else
		phrase_addr(text, &t->f->addr);
	buf_adds(text, ": ");
}

void advise_listeners(struct telling *t)
{
	bool udp = t->f->protocol == IPPROTO_UDP;
	bool here = t->f->route_known && t->f->route.kind == ROUTE_LOCAL;
	struct buf text = BUF_INIT;

	if (here)
		add_netns(&text, t, false);
	else
		on_host(&text, t);
	buf_addf(&text, "ss -l%sn 'sport = :%u'", udp ? "u" : "t", t->f->port);
	tell_line_buf(&t->account->next, &text);
	tell_line(&t->account->next,
		  "if that shows nothing, start the service; if it shows 127.0.0.1 or "
		  "[::1], let it listen on the address that clients use");
}

void advise_host_rules(struct telling *t)
{
	struct buf text = BUF_INIT;

	on_host(&text, t);
	buf_addf(&text, "sudo nft list ruleset; %s",
		 ip_command(t->f, "sudo iptables -S", "sudo ip6tables -S"));
	tell_line_buf(&t->account->next, &text);
}

/* Capture at the other end, and how to read it. */
void advise_host_capture(struct telling *t)
{
	const struct findings *f = t->f;
	bool udp = f->protocol == IPPROTO_UDP;
	struct buf text = BUF_INIT;

	on_host(&text, t);
	buf_addf(&text, "sudo tcpdump -ni any '%s port %u", udp ? "udp" : "tcp", f->port);
	if (f->source.family != AF_UNSPEC) {
		buf_adds(&text, " and host ");
		phrase_addr(&text, &f->source);
	}
	buf_adds(&text, "' while this is repeated here");
	tell_line_buf(&t->account->next, &text);
	if (udp)
		tell_line(&t->account->next,
			  "there a datagram and no answer: the service or the host's "
			  "firewall is silent; an answer: its way back is blocked; "
			  "nothing: a router before it drops it");
	else
		tell_line(&t->account->next,
			  "there a SYN and no SYN-ACK: the host drops it; a SYN-ACK: its "
			  "way back is blocked; nothing: the router before it drops it "
			  "(with NAT on the way the address differs)");
}
