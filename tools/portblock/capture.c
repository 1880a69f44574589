/*
 * libpcap, set up for one purpose.
 *
 * The kernel hands packets over by a ring that is mapped into this process: reading them
 * costs no system call but the poll(2), and nothing is allocated for it.
 *
 * By a rule of libpcap, what goes over lo comes once, as incoming: it leaves out the
 * outgoing copy of the "any" device.
 */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fd.h"

#define SNAPLEN_BYTES 256
#define BUFFER_BYTES  (4 << 20)
/* More packets than the ring has room for, so that emptying it ends under any load. */
#define DRAIN_PKTS 65536

struct capture {
	pcap_t *pcap;
	int linktype;
	int64_t fraction_ns;	  /* unit of the stamps' fraction */
	unsigned int lost_before; /* pcap_stats() at the last capture_watch() */
	pcap_dumper_t *dump;	  /* NULL: no file */
	bool dump_dirty;	  /* written to, and not flushed since */
	int dump_err;		  /* its first failed write */
};

/* ---- opening ---- */

static int errno_of(int status)
{
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	default:
		return -EIO;
	}
}

static int explain(int status, pcap_t *p, char *ret_why, size_t why_size)
{
	int err = errno_of(status);
	const char *text = pcap_geterr(p);

	if (err == -EPERM)
		text = "not permitted (it needs CAP_NET_RAW)";
	else if (!*text)
		text = pcap_statustostr(status);
	snprintf(ret_why, why_size, "%s", text);
	return err;
}

/* A filter that lets nothing through. */
static int take_nothing(struct capture *c)
{
	struct bpf_insn reject = BPF_STMT(BPF_RET | BPF_K, 0);
	struct bpf_program program = { .bf_len = 1, .bf_insns = &reject };

	return pcap_setfilter(c->pcap, &program);
}

/* 1: a record; 0: none now; -EIO. */
static int next_record(struct capture *c, struct pcap_pkthdr **ret_header,
		       const u_char **ret_bytes)
{
	int rc = pcap_next_ex(c->pcap, ret_header, ret_bytes);

	return rc < 0 ? -EIO : rc;
}

static void throw_away(struct capture *c)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int i;

	for (i = 0; i < DRAIN_PKTS && next_record(c, &header, &bytes) > 0; i++)
		;
}

/* What can only be set before the handle is active. None of it fails by then; whether the
 * precision is to be had is asked afterwards. */
static void prepare(struct capture *c)
{
	pcap_set_snaplen(c->pcap, SNAPLEN_BYTES);
	pcap_set_promisc(c->pcap, 0);
	pcap_set_immediate_mode(c->pcap, 1);
	pcap_set_buffer_size(c->pcap, BUFFER_BYTES);
	pcap_set_tstamp_precision(c->pcap, PCAP_TSTAMP_PRECISION_NANO);
}

static int activate(struct capture *c, char *ret_why, size_t why_size)
{
	char text[PCAP_ERRBUF_SIZE];
	int status = pcap_activate(c->pcap), fd;

	if (status < 0)
		return explain(status, c->pcap, ret_why, why_size);
	/* The newer header tells the interface; before libpcap 1.10 there was none. */
	if (pcap_set_datalink(c->pcap, DLT_LINUX_SLL2) < 0)
		pcap_set_datalink(c->pcap, DLT_LINUX_SLL);
	c->linktype = pcap_datalink(c->pcap);
	c->fraction_ns = pcap_get_tstamp_precision(c->pcap) == PCAP_TSTAMP_PRECISION_NANO
				 ? 1
				 : NS_PER_US;
	if (pcap_setnonblock(c->pcap, 1, text) < 0) {
		snprintf(ret_why, why_size, "%s", text);
		return -EIO;
	}
	fd = pcap_get_selectable_fd(c->pcap);
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		snprintf(ret_why, why_size, "its descriptor is of no use");
		return -EIO;
	}
	/* Until now everything was taken. */
	status = take_nothing(c);
	if (status < 0)
		return explain(status, c->pcap, ret_why, why_size);
	throw_away(c);
	return 0;
}

int capture_open(struct capture **ret_capture, char *ret_why, size_t why_size)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct capture *c = calloc(1, sizeof(*c));
	int err;

	if (!c) {
		snprintf(ret_why, why_size, "out of memory");
		return -ENOMEM;
	}
	c->pcap = pcap_create("any", text);
	if (!c->pcap) {
		snprintf(ret_why, why_size, "%s", text);
		free(c);
		return -EIO;
	}
	prepare(c);
	err = activate(c, ret_why, why_size);
	if (err) {
		capture_close(c);
		return err;
	}
	*ret_capture = c;
	return 0;
}

/* ---- reading ---- */

static void write_record(struct capture *c, const struct pcap_pkthdr *header,
			 const u_char *bytes)
{
	FILE *file;

	if (!c->dump || c->dump_err)
		return;
	file = pcap_dump_file(c->dump);
	errno = 0;
	pcap_dump((u_char *)c->dump, header, bytes);
	c->dump_dirty = true;
	if (ferror(file))
		c->dump_err = errno ? -errno : -EIO;
}

/* So that who reads along misses nothing, and a killed program leaves a whole file. */
static void flush_records(struct capture *c)
{
	if (!c->dump_dirty)
		return;
	c->dump_dirty = false;
	if (fflush(pcap_dump_file(c->dump)) && !c->dump_err)
		c->dump_err = -errno;
}

/* Take what is in the ring into the file, where there is one. */
static void write_rest(struct capture *c)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int i;

	for (i = 0; c->dump && i < DRAIN_PKTS && next_record(c, &header, &bytes) > 0; i++)
		write_record(c, header, bytes);
	flush_records(c);
}

static unsigned int lost_so_far(struct capture *c)
{
	struct pcap_stat stat = { 0 };

	if (pcap_stats(c->pcap, &stat) < 0)
		return c->lost_before;
	return stat.ps_drop + stat.ps_ifdrop;
}

int capture_watch(struct capture *c, const struct addr *addr)
{
	struct addr bare = *addr;
	char text[ADDR_TEXT_SIZE], filter[ADDR_TEXT_SIZE + 32];
	struct bpf_program program;
	int status;

	bare.scope = 0;
	/* `port` would miss the ICMP errors, which have their ports in the quote. */
	snprintf(filter, sizeof(filter), "host %s or icmp or icmp6",
		 addr_to_text(&bare, text));
	/* A new filter does not touch what is queued already; only behind one that takes
	 * nothing does the queue get empty for certain. */
	write_rest(c);
	if (take_nothing(c) < 0)
		return -EIO;
	throw_away(c);
	if (pcap_compile(c->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return -EINVAL;
	status = pcap_setfilter(c->pcap, &program);
	pcap_freecode(&program);
	if (status < 0)
		return -EIO;
	c->lost_before = lost_so_far(c);
	return 0;
}

int capture_fd(const struct capture *c)
{
	return pcap_get_selectable_fd(c->pcap);
}

int capture_next(struct capture *c, struct packet *ret_packet, int64_t *ret_wall_ns)
{
	for (;;) {
		struct pcap_pkthdr *header;
		const u_char *bytes;
		int rc = next_record(c, &header, &bytes);

		if (rc <= 0) {
			flush_records(c);
			return rc;
		}
		write_record(c, header, bytes);
		if (decode_packet(c->linktype, bytes, header->caplen, ret_packet) < 0)
			continue;
		*ret_wall_ns = (int64_t)header->ts.tv_sec * NS_PER_S +
			       (int64_t)header->ts.tv_usec * c->fraction_ns;
		return 1;
	}
}

unsigned int capture_lost(struct capture *c)
{
	/* The kernel counts in 32 bits, and so does the difference. */
	return lost_so_far(c) - c->lost_before;
}

/* ---- the file ---- */

int capture_write_to(struct capture *c, int fd)
{
	FILE *file;

	if (c->dump) {
		fd_close(&fd);
		return -EBUSY;
	}
	/* The standard ones are not ours to close. */
	if (fd <= STDERR_FILENO)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		int err = -errno;

		fd_close(&fd);
		return err;
	}
	c->dump = pcap_dump_fopen(c->pcap, file);
	if (!c->dump) {
		fclose(file);
		return -EIO;
	}
	/* The file's header, at once: a full disk is better known now. */
	c->dump_err = 0;
	c->dump_dirty = true;
	flush_records(c);
	if (c->dump_err) {
		pcap_dump_close(c->dump);
		c->dump = NULL;
	}
	return c->dump_err;
}

int capture_write_end(struct capture *c)
{
	int err, fd;

	if (!c->dump)
		return 0;
	write_rest(c);
	err = c->dump_err;
	/* Some file systems report a failed write only when the file is closed, which
	 * pcap_dump_close() would not pass on: close a second descriptor of it first. */
	fd = fcntl(fileno(pcap_dump_file(c->dump)), F_DUPFD_CLOEXEC, 0);
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	pcap_dump_close(c->dump);
	c->dump = NULL;
	return err;
}

void capture_close(struct capture *c)
{
	int err;

	if (!c)
		return;
	err = capture_write_end(c);
	(void)err; /* who wants to know has asked before */
	pcap_close(c->pcap);
	free(c);
}
