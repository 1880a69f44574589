/*
 * Watching the wire by libpcap: every interface, so that answers on lo are seen too.
 *
 * Immediate mode (else packets come a second late), snaplen 256, nanosecond stamps where
 * offered. Needs CAP_NET_RAW only while it is opened.
 *
 * A packet is seen once on each interface that it passes: twice on a VLAN and its card, a
 * bridge and its port. What goes over lo is seen once, as incoming (libpcap leaves the
 * outgoing copy out).
 */
#ifndef PORTBLOCK_CAPTURE_H
#define PORTBLOCK_CAPTURE_H

#include "addr.h"
#include "base.h"
#include "decode.h"

struct capture;

/* Open on all interfaces ("any"), taking nothing yet. 0; -errno (-EPERM: not allowed),
 * and RET_WHY (size bytes) in words. */
PK_MUST_CHECK int capture_open(struct capture **ret_capture, char *ret_why,
			       size_t why_size);
/* Take what goes between this machine and ADDR, and all ICMP errors; packets of an
 * earlier filter are thrown away. 0 or -errno. */
PK_MUST_CHECK int capture_watch(struct capture *c, const struct addr *addr);
/* Readable when capture_next() may have something. */
int capture_fd(const struct capture *c);
/* 1: a packet; 0: none now; -errno. WHEN: the stamp, CLOCK_REALTIME ns. Frames that are
 * not decoded are passed over (but written to the file). */
int capture_next(struct capture *c, struct packet *ret_packet, int64_t *ret_wall_ns);
/* Packets that the kernel lost for us since capture_watch(). */
unsigned int capture_lost(struct capture *c);
/* Write every packet that is taken to FD (a pcap file, or "-" as fd 1), from now on. The
 * capture owns FD then, also after a failure; 0 to 2 are used, but not closed. What is
 * written is flushed whenever no packet waits. 0 or -errno (-EBUSY: it has a file). */
PK_MUST_CHECK int capture_write_to(struct capture *c, int fd);
/* Write what was taken and not read yet, and close the file: 0 or -errno of its first
 * failed write. */
int capture_write_end(struct capture *c);
void capture_close(struct capture *c);

#endif
