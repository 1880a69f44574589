/*
 * Inside the engine: what engine.c shares with tcp.c, datagram.c and wire_view.c.
 */
#ifndef PORTBLOCK_ENGINE_PRIVATE_H
#define PORTBLOCK_ENGINE_PRIVATE_H

#include "engine.h"

/* tcp.c */
void tcp_start(struct engine *e, struct probe *p);
void tcp_event(struct engine *e, struct probe *p, short events);
void tcp_hold_ends(struct engine *e, struct probe *p);
/* Before the socket is closed: its counters, and no TIME_WAIT. */
void tcp_stop(struct probe *p);

/* datagram.c: UDP and echo */
void datagram_start(struct engine *e, struct probe *p);
void datagram_event(struct engine *e, struct probe *p, short events);

/* wire_view.c: whose packet is it, and what does it show? */
void wire_packet(struct engine *e, const struct packet *packet, int64_t at_ns);

/* engine_socket.c: a socket with P's and the configuration's options. -errno. */
int probe_socket(const struct engine *e, const struct probe *p, int type, int protocol);
/* The answer is here. */
void probe_answer(struct probe *p, enum answer answer, int error);
/* Take FD's error queue up to the first ICMP error that decides. True: it is the
 * answer. */
bool probe_take_icmp(struct probe *p);
/* Where it was sent from. */
void probe_note_source(struct probe *p);

#endif
