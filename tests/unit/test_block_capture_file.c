#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "block_namespace.h"

/* How many TCP packets a saved capture has; -1: it can't be read. */
static int count_saved(int fd, int *ret_linktype)
{
	char path[64], why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int n = 0, rc;
	pcap_t *p;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO,
						    why);
	if (!p)
		return -1;
	*ret_linktype = pcap_datalink(p);
	while ((rc = pcap_next_ex(p, &header, &bytes)) == 1) {
		struct packet packet;
		int64_t wall_ns =
			(int64_t)header->ts.tv_sec * NS_PER_S + header->ts.tv_usec;

		CHECK(decode_packet(*ret_linktype, bytes, header->caplen, &packet) == 0);
		CHECK(llabs(clock_wall_ns() - wall_ns) < 60 * NS_PER_S);
		n += packet.kind == PACKET_TCP;
	}
	CHECK(rc == PCAP_ERROR_BREAK);
	pcap_close(p);
	return n;
}

static void save(void)
{
	struct capture *c = opened();
	int memory = memfd_create("saved", MFD_CLOEXEC), linktype = 0;
	int fd = fcntl(memory, F_DUPFD_CLOEXEC, 3);
	struct packet p;
	int64_t wall_ns;

	CHECK(memory >= 0 && fd >= 0);
	watch(c, "127.0.0.1");
	CHECK(connect_to("127.0.0.1", 4711) == ECONNREFUSED);
	expect(c, PACKET_TCP); /* before there is a file */
	expect(c, PACKET_TCP);
	CHECK(capture_write_to(c, fd) == 0);
	CHECK(capture_write_to(c, fcntl(memory, F_DUPFD_CLOEXEC, 3)) == -EBUSY);
	CHECK(connect_to("127.0.0.1", 4711) == ECONNREFUSED);
	expect(c, PACKET_TCP);
	expect(c, PACKET_TCP);
	CHECK(!next_of(c, PACKET_TCP, 0, &p, &wall_ns));
	/* With nothing waiting, it is all in the file. */
	CHECK(count_saved(memory, &linktype) == 2);
	CHECK(linktype == DLT_LINUX_SLL2);
	/* What nobody has read is kept, at the next watch and at the end. */
	CHECK(connect_to("127.0.0.1", 4711) == ECONNREFUSED);
	watch(c, "::1");
	CHECK(count_saved(memory, &linktype) == 4);
	CHECK(connect_to("::1", 4711) == ECONNREFUSED);
	CHECK(capture_write_end(c) == 0);
	CHECK(count_saved(memory, &linktype) == 6);
	CHECK(fcntl(fd, F_GETFD) < 0);
	CHECK(capture_write_end(c) == 0);
	capture_close(c);
}

static void what_is_taken_is_saved(void **state)
{
	(void)state;
	in_namespace(save);
}

static void save_to_stdout(void)
{
	struct capture *c = opened();
	int fds[2];
	uint8_t magic[4];

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	CHECK(dup2(fds[1], 1) == 1);
	CHECK(capture_write_to(c, 1) == 0);
	/* Nanoseconds, in this machine's byte order (pcap-savefile(5)). */
	CHECK(read(fds[0], magic, 4) == 4);
	CHECK(*(uint32_t *)(void *)magic == 0xa1b23c4d);
	CHECK(capture_write_end(c) == 0);
	CHECK(fcntl(1, F_GETFD) >= 0);
	capture_close(c);
}

static void the_standard_output_stays_open(void **state)
{
	(void)state;
	in_namespace(save_to_stdout);
}

static void fill_up(void)
{
	static const struct rlimit little = { 100, 100 };
	struct capture *c = opened();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char path[] = "/tmp/test-capture-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC), i;

	CHECK(full >= 0 && fd >= 0);
	unlink(path);
	CHECK(capture_write_to(c, full) == -ENOSPC);
	CHECK(fcntl(full, F_GETFD) < 0);
	/* Room for the header, and not for the packets. */
	signal(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &little) == 0);
	CHECK(capture_write_to(c, fd) == 0);
	watch(c, "127.0.0.1");
	for (i = 0; i < 200; i++)
		CHECK(connect_to("127.0.0.1", 4711) == ECONNREFUSED);
	/* The packets come all the same. */
	for (i = 0; i < 400; i++)
		expect(c, PACKET_TCP);
	CHECK(capture_write_end(c) == -EFBIG);
	CHECK(capture_write_end(c) == 0);
	capture_close(c);
}

static void a_full_disk_is_reported(void **state)
{
	(void)state;
	in_namespace(fill_up);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_saved),
		cmocka_unit_test(the_standard_output_stays_open),
		cmocka_unit_test(a_full_disk_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
