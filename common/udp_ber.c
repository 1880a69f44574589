/*
 * Protocols in BER (ITU-T X.690): SNMPv3, LDAP over UDP, Kerberos.
 */
#include <stdio.h>

#include "udp_proto.h"

#define BER_BOOLEAN	     0x01
#define BER_INTEGER	     0x02
#define BER_BIT_STRING	     0x03
#define BER_OCTET_STRING     0x04
#define BER_ENUMERATED	     0x0a
#define BER_GENERALIZED_TIME 0x18
#define BER_GENERAL_STRING   0x1b
#define BER_SEQUENCE	     0x30
#define BER_SET		     0x31
#define BER_CONTEXT(n)	     (0xa0 + (n)) /* constructed */
#define BER_APPLICATION(n)   (0x60 + (n)) /* constructed */

/* Start a value whose length ber_close() fills in. Returns where its contents begin. */
static size_t ber_open(struct put *p, uint8_t tag)
{
	put_u8(p, tag);
	put_u8(p, 0);
	return p->len;
}

/* End it. Lengths take the shortest form, since Kerberos is DER: one byte below 128,
 * and two up to 255, for which the contents move up by one. Nothing here is longer. */
static void ber_close(struct put *p, size_t start)
{
	size_t len = p->len - start;

	if (len >= 0x80) {
		put_u8(p, 0);
		for (size_t i = p->len - 1; i > start; i--)
			p->out[i] = p->out[i - 1];
		p->out[start - 1] = 0x81;
		p->out[start] = (uint8_t)len;
		return;
	}
	p->out[start - 1] = (uint8_t)len;
}

/* V < 2^31, in as few bytes as keep its sign. */
static void ber_put_number(struct put *p, uint8_t tag, uint32_t v)
{
	int bytes = v < 0x80 ? 1 : v < 0x8000 ? 2 : v < 0x800000 ? 3 : 4;

	put_u8(p, tag);
	put_u8(p, (uint8_t)bytes);
	while (bytes--)
		put_u8(p, (uint8_t)(v >> 8 * bytes));
}

static void ber_put_text(struct put *p, uint8_t tag, const char *s)
{
	size_t at = ber_open(p, tag);

	put_str(p, s);
	ber_close(p, at);
}

/* Step into the next value if it has TAG and lies within bounds, X.690 8.1.3; else W is
 * bad. Returns its contents. */
static struct wire ber_get(struct wire *w, uint8_t tag)
{
	uint8_t found = wire_u8(w);
	uint32_t len = wire_u8(w);
	struct wire nothing = { .at = w->at, .end = w->at, .bad = true };
	const uint8_t *start;

	if (len & 0x80) {
		unsigned bytes = len & 0x7f;

		len = 0;
		if (bytes < 1 ||
		    bytes > 4) /* indefinite lengths appear in none of these */
			w->bad = true;
		while (!w->bad && bytes--)
			len = len << 8 | wire_u8(w);
	}
	start = wire_bytes(w, len);
	if (!start || found != tag) {
		w->bad = true;
		return nothing;
	}
	return wire_of(start, len);
}

/* A number from 0 to 2^32-1; anything else makes W bad. */
static uint32_t ber_number(struct wire *w, uint8_t tag)
{
	struct wire value = ber_get(w, tag);
	size_t len = wire_left(&value);
	uint64_t v = 0;

	if (len < 1 || len > 5 || value.at[0] & 0x80) {
		w->bad = true;
		return 0;
	}
	while (wire_left(&value))
		v = v << 8 | wire_u8(&value);
	if (v > UINT32_MAX)
		w->bad = true;
	return (uint32_t)v;
}

/* The tag of what comes next, 0 at the end. */
static uint8_t ber_peek(const struct wire *w)
{
	return wire_left(w) ? *w->at : 0;
}

/* Ids are positive numbers of 31 bits in all three. */
static uint32_t id_of(uint64_t nonce)
{
	return nonce & 0x7fffffff;
}

/*
 * SNMP: the discovery of an agent's engine id, which needs no community and no user.
 * RFC 3414 4 (discovery) and 2.4 (security parameters), RFC 3412 6 (message), RFC 3416 3
 * (PDUs), RFC 3411 5 (engine ids).
 */
#define SNMP_V3		3
#define SNMP_REPORTABLE "\x04"
#define SNMP_USM	3
#define SNMP_MAX_SIZE	1472 /* what we take; RFC 3412 6.2 asks for 484 at least */
#define PDU_GET		BER_CONTEXT(0)
#define PDU_RESPONSE	BER_CONTEXT(2)
#define PDU_REPORT	BER_CONTEXT(8)

struct usm {
	struct wire engine_id;
	uint32_t time_s; /* since the engine started */
};

size_t snmp_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	size_t message, part, inner;

	message = ber_open(&p, BER_SEQUENCE);
	ber_put_number(&p, BER_INTEGER, SNMP_V3);

	part = ber_open(&p, BER_SEQUENCE); /* msgGlobalData */
	ber_put_number(&p, BER_INTEGER, id_of(nonce));
	ber_put_number(&p, BER_INTEGER, SNMP_MAX_SIZE);
	ber_put_text(&p, BER_OCTET_STRING, SNMP_REPORTABLE);
	ber_put_number(&p, BER_INTEGER, SNMP_USM);
	ber_close(&p, part);

	part = ber_open(&p, BER_OCTET_STRING); /* msgSecurityParameters */
	inner = ber_open(&p, BER_SEQUENCE);
	ber_put_text(&p, BER_OCTET_STRING, ""); /* the engine id that we ask for */
	ber_put_number(&p, BER_INTEGER, 0);	/* boots */
	ber_put_number(&p, BER_INTEGER, 0);	/* time */
	ber_put_text(&p, BER_OCTET_STRING, ""); /* user, authentication, privacy */
	ber_put_text(&p, BER_OCTET_STRING, "");
	ber_put_text(&p, BER_OCTET_STRING, "");
	ber_close(&p, inner);
	ber_close(&p, part);

	part = ber_open(&p, BER_SEQUENCE); /* ScopedPDU */
	ber_put_text(&p, BER_OCTET_STRING, "");
	ber_put_text(&p, BER_OCTET_STRING, "");
	inner = ber_open(&p, PDU_GET);
	ber_put_number(&p, BER_INTEGER, id_of(nonce));
	ber_put_number(&p, BER_INTEGER, 0); /* error status, index */
	ber_put_number(&p, BER_INTEGER, 0);
	ber_close(&p, ber_open(&p, BER_SEQUENCE)); /* no variables */
	ber_close(&p, inner);
	ber_close(&p, part);
	ber_close(&p, message);
	return p.len;
}

/* Is this a whole SNMPv3 answer? Then its message id and security parameters. */
static bool snmp_read(const uint8_t *reply, size_t len, uint32_t *ret_id,
		      struct usm *ret_usm)
{
	struct wire w = wire_of(reply, len);
	struct wire message = ber_get(&w, BER_SEQUENCE);
	struct wire global, parameters, usm, scoped, engine_id;
	uint32_t id, model, time_s;
	uint8_t pdu;

	if (wire_left(&w) || ber_number(&message, BER_INTEGER) != SNMP_V3)
		return false;
	global = ber_get(&message, BER_SEQUENCE);
	id = ber_number(&global, BER_INTEGER);
	(void)ber_number(&global, BER_INTEGER);
	(void)ber_get(&global, BER_OCTET_STRING);
	model = ber_number(&global, BER_INTEGER);
	parameters = ber_get(&message, BER_OCTET_STRING);
	usm = ber_get(&parameters, BER_SEQUENCE);
	engine_id = ber_get(&usm, BER_OCTET_STRING);
	(void)ber_number(&usm, BER_INTEGER);
	time_s = ber_number(&usm, BER_INTEGER);
	scoped = ber_get(&message, BER_SEQUENCE);
	(void)ber_get(&scoped, BER_OCTET_STRING);
	(void)ber_get(&scoped, BER_OCTET_STRING);
	pdu = ber_peek(&scoped);
	if (w.bad || global.bad || usm.bad || scoped.bad || model != SNMP_USM ||
	    (pdu != PDU_REPORT && pdu != PDU_RESPONSE))
		return false;
	*ret_id = id;
	*ret_usm = (struct usm){ .engine_id = engine_id, .time_s = time_s };
	return true;
}

bool snmp_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct usm usm;
	uint32_t id;

	return snmp_read(reply, len, &id, &usm) && id == id_of(nonce);
}

void snmp_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct usm usm = { .time_s = 0 };
	uint32_t id, vendor;

	if (!snmp_read(reply, len, &id, &usm)) {
		snprintf(out, size, "SNMPv3 answer");
		return;
	}
	/* RFC 3411 5: with the top bit set, the other 31 are the vendor's IANA number. */
	vendor = wire_u32(&usm.engine_id);
	if (vendor & 0x80000000)
		snprintf(out, size, "SNMPv3 agent, enterprise %u, up %u s",
			 vendor & 0x7fffffff, usm.time_s);
	else
		snprintf(out, size, "SNMPv3 agent, up %u s", usm.time_s);
}

/*
 * LDAP over UDP, as Active Directory's domain controllers have it: RFC 4511 4.5 (search)
 * in the envelope of RFC 1798; the entry asked for is the root DSE, RFC 4512 5.1, which
 * is open to everybody, and of it one attribute.
 */
#define LDAP_SEARCH BER_APPLICATION(3)
#define LDAP_ENTRY  BER_APPLICATION(4)
#define LDAP_DONE   BER_APPLICATION(5)

size_t cldap_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	size_t message, search, attributes;

	message = ber_open(&p, BER_SEQUENCE);
	ber_put_number(&p, BER_INTEGER, id_of(nonce));
	search = ber_open(&p, LDAP_SEARCH);
	ber_put_text(&p, BER_OCTET_STRING, "");
	ber_put_number(&p, BER_ENUMERATED, 0); /* scope: baseObject */
	ber_put_number(&p, BER_ENUMERATED, 0); /* derefAliases: never */
	ber_put_number(&p, BER_INTEGER, 0);    /* no limit of size or time */
	ber_put_number(&p, BER_INTEGER, 0);
	ber_put_number(&p, BER_BOOLEAN, 0);    /* typesOnly */
	ber_put_text(&p, 0x87, "objectClass"); /* filter: [7] present */
	attributes = ber_open(&p, BER_SEQUENCE);
	ber_put_text(&p, BER_OCTET_STRING, "dnsHostName");
	ber_close(&p, attributes);
	ber_close(&p, search);
	ber_close(&p, message);
	return p.len;
}

/* One datagram may hold several messages: the entry, then the end of the search. */
bool cldap_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	struct wire w = wire_of(reply, len);

	do {
		struct wire message = ber_get(&w, BER_SEQUENCE);
		uint8_t operation;

		if (ber_number(&message, BER_INTEGER) != id_of(nonce))
			return false;
		operation = ber_peek(&message);
		if (operation != LDAP_ENTRY && operation != LDAP_DONE)
			return false;
		(void)ber_get(&message, operation);
		if (message.bad)
			return false;
	} while (wire_left(&w));
	return !w.bad;
}

void cldap_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	struct wire w = wire_of(reply, len);
	struct wire message = ber_get(&w, BER_SEQUENCE);
	struct wire entry, attributes, attribute, values, host;
	char name[128] = "";

	(void)ber_number(&message, BER_INTEGER);
	entry = ber_get(&message, LDAP_ENTRY);
	(void)ber_get(&entry, BER_OCTET_STRING); /* the empty name of the root DSE */
	attributes = ber_get(&entry, BER_SEQUENCE);
	attribute = ber_get(&attributes, BER_SEQUENCE);
	(void)ber_get(&attribute, BER_OCTET_STRING);
	values = ber_get(&attribute, BER_SET);
	host = ber_get(&values, BER_OCTET_STRING);
	if (wire_left(&host))
		printable(host.at, wire_left(&host), name, sizeof(name));
	snprintf(out, size, "LDAP answer%s%s", *name ? " of " : "", name);
}

/*
 * Kerberos: RFC 4120 5.4.1 (AS-REQ), 5.9.1 (KRB-ERROR), 7.5.9 (codes). A ticket for a
 * principal that can't exist (RFC 6761 6.4), which every KDC denies.
 */
#define KRB_REALM   "PORTKIT.INVALID"
#define KRB_AS_REQ  10
#define KRB_AS_REP  11
#define KRB_ERROR   30
#define KRB_VERSION 5

static void krb_put_number(struct put *p, uint8_t field, uint32_t v)
{
	size_t at = ber_open(p, BER_CONTEXT(field));

	ber_put_number(p, BER_INTEGER, v);
	ber_close(p, at);
}

static void krb_put_text(struct put *p, uint8_t field, uint8_t tag, const char *s)
{
	size_t at = ber_open(p, BER_CONTEXT(field));

	ber_put_text(p, tag, s);
	ber_close(p, at);
}

/* PrincipalName, RFC 4120 5.2.2, of one or two (SECOND not NULL) components. */
static void krb_put_principal(struct put *p, uint8_t field, uint32_t type,
			      const char *first, const char *second)
{
	size_t outer = ber_open(p, BER_CONTEXT(field));
	size_t name = ber_open(p, BER_SEQUENCE);
	size_t parts, list;

	krb_put_number(p, 0, type);
	parts = ber_open(p, BER_CONTEXT(1));
	list = ber_open(p, BER_SEQUENCE);
	ber_put_text(p, BER_GENERAL_STRING, first);
	if (second)
		ber_put_text(p, BER_GENERAL_STRING, second);
	ber_close(p, list);
	ber_close(p, parts);
	ber_close(p, name);
	ber_close(p, outer);
}

size_t kerberos_build(uint8_t *out, uint64_t nonce)
{
	struct put p = put_to(out);
	size_t request = ber_open(&p, BER_APPLICATION(KRB_AS_REQ));
	size_t message = ber_open(&p, BER_SEQUENCE);
	size_t field, body, at, list;

	krb_put_number(&p, 1, KRB_VERSION);
	krb_put_number(&p, 2, KRB_AS_REQ);
	field = ber_open(&p, BER_CONTEXT(4));
	body = ber_open(&p, BER_SEQUENCE);
	at = ber_open(&p, BER_CONTEXT(0)); /* kdc-options: 32 bits, none set */
	put_u8(&p, BER_BIT_STRING);
	put_u8(&p, 5);
	put_zeros(&p, 5);
	ber_close(&p, at);
	krb_put_principal(&p, 1, 1, "portkit", NULL); /* cname, NT-PRINCIPAL */
	krb_put_text(&p, 2, BER_GENERAL_STRING, KRB_REALM);
	krb_put_principal(&p, 3, 2, "krbtgt", KRB_REALM); /* sname, NT-SRV-INST */
	krb_put_text(&p, 5, BER_GENERALIZED_TIME,
		     "19700101000000Z"); /* till: the longest */
	krb_put_number(&p, 7, id_of(nonce));
	at = ber_open(&p,
		      BER_CONTEXT(8)); /* etype: AES of 256 and 128 bits, RFC 3962 7 */
	list = ber_open(&p, BER_SEQUENCE);
	ber_put_number(&p, BER_INTEGER, 18);
	ber_put_number(&p, BER_INTEGER, 17);
	ber_close(&p, list);
	ber_close(&p, at);
	ber_close(&p, body);
	ber_close(&p, field);
	ber_close(&p, message);
	ber_close(&p, request);
	return p.len;
}

/* The number in [FIELD], which must come next. */
static uint32_t krb_number(struct wire *w, uint8_t field)
{
	struct wire value = ber_get(w, BER_CONTEXT(field));
	uint32_t v = ber_number(&value, BER_INTEGER);

	if (value.bad)
		w->bad = true;
	return v;
}

/* Is this a whole KRB-ERROR (its code follows) or, from a KDC that grants all, an
 * AS-REP (0)? Neither repeats the nonce where it could be read. */
static bool krb_read(const uint8_t *reply, size_t len, uint32_t *ret_code)
{
	struct wire w = wire_of(reply, len);
	uint8_t type = ber_peek(&w) == BER_APPLICATION(KRB_AS_REP) ? KRB_AS_REP
								   : KRB_ERROR;
	struct wire outer = ber_get(&w, BER_APPLICATION(type));
	struct wire message = ber_get(&outer, BER_SEQUENCE);
	uint32_t code = 0;

	if (w.bad || wire_left(&w) || krb_number(&message, 0) != KRB_VERSION ||
	    krb_number(&message, 1) != type)
		return false;
	if (type == KRB_ERROR) {
		/* The times of client (optional) and server, [2] to [5]. */
		while (!message.bad && ber_peek(&message) >= BER_CONTEXT(2) &&
		       ber_peek(&message) <= BER_CONTEXT(5))
			(void)ber_get(&message, ber_peek(&message));
		code = krb_number(&message, 6);
	}
	if (message.bad)
		return false;
	*ret_code = code;
	return true;
}

bool kerberos_matches(const uint8_t *reply, size_t len, uint64_t nonce)
{
	uint32_t code;

	(void)nonce;
	return krb_read(reply, len, &code);
}

void kerberos_describe(const uint8_t *reply, size_t len, char *out, size_t size)
{
	const char *words = NULL;
	uint32_t code = 0;

	if (!krb_read(reply, len, &code))
		code = 0;
	switch (code) {
	case 0:
		words = "a ticket";
		break;
	case 6:
		words = "KDC_ERR_C_PRINCIPAL_UNKNOWN";
		break;
	case 7:
		words = "KDC_ERR_S_PRINCIPAL_UNKNOWN";
		break;
	case 14:
		words = "KDC_ERR_ETYPE_NOSUPP";
		break;
	case 52:
		words = "KRB_ERR_RESPONSE_TOO_BIG";
		break;
	case 60:
		words = "KRB_ERR_GENERIC";
		break;
	case 68:
		words = "KDC_ERR_WRONG_REALM";
		break;
	default:
		break;
	}
	if (words)
		snprintf(out, size, "Kerberos answer, %s", words);
	else
		snprintf(out, size, "Kerberos answer, error %u", code);
}
