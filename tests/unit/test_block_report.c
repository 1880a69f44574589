#include <jansson.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block_samples.h"
#include "portblock/report.h"
#include "words.h"

#define UNKNOWN ((struct addr){ .family = AF_UNSPEC })

/* A sample's record as a reader of JSON sees it; the caller gives it back. */
static json_t *reported(const struct sample *s, const struct account *a)
{
	static const struct account nothing;
	struct services services;
	struct out_record r;
	struct out o;
	json_t *json;

	services_init(&services);
	out_record_init(&r, &report_blocks, SAMPLE_WALL_NS);
	assert_int_equal(out_open(&o, OUT_JSON, &report_blocks, NULL, -1), 0);
	report_block(&r, &s->config, &services, &s->f, &s->j, a ? a : &nothing);
	out_record(&o, &r);
	assert_int_equal(o.error, 0);
	json = json_loads(o.pending.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(json);
	out_release(&o);
	out_record_release(&r);
	services_release(&services);
	return json;
}

/* The value at KEY of JSON, as text; objects keep the order of their keys. */
static void assert_value(const json_t *json, const char *key, const char *want)
{
	json_t *value = json_object_get(json, key);
	char *text;

	if (!value)
		fail_msg("no key %s", key);
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
	assert_non_null(text);
	if (strcmp(text, want))
		fail_msg("%s is %s, not %s", key, text, want);
	free(text);
}

static void a_record_has_the_keys_of_the_contract_in_their_order(void **state)
{
	static const char *const keys[] = {
		"tool",
		"version",
		"time",
		"target",
		"address",
		"family",
		"protocol",
		"port",
		"service",
		"state",
		"reason",
		"verdict",
		"where",
		"method",
		"by",
		"last_hop",
		"last_hop_address",
		"target_hops",
		"confidence",
		"message",
		"captured",
		"rule",
		"hops",
		"evidence",
		"ruled_out",
		"next",
	};
	struct sample s;
	json_t *json, *value;
	const char *key;
	size_t i = 0;

	(void)state;
	sample_open(&s);
	json = reported(&s, NULL);
	json_object_foreach(json, key, value)
	{
		assert_true(i < ARRAY_SIZE(keys));
		assert_string_equal(key, keys[i++]);
	}
	assert_int_equal(i, ARRAY_SIZE(keys));
	assert_value(json, "tool", "\"portblock\"");
	assert_value(json, "time", "\"2026-01-31T23:59:59.123Z\"");
	json_decref(json);
}

static void a_drop_on_the_path_is_told_with_its_hops(void **state)
{
	struct sample s;
	struct buf message = BUF_INIT;
	json_t *json;

	(void)state;
	sample_dropped_path(&s);
	s.config.numeric = true;
	json = reported(&s, NULL);
	assert_value(json, "target", "\"mail.example.com\"");
	assert_value(json, "address", "\"10.77.3.2\"");
	assert_value(json, "family", "\"inet\"");
	assert_value(json, "protocol", "\"tcp\"");
	assert_value(json, "port", "25");
	assert_value(json, "service", "null");
	assert_value(json, "state", "\"filtered\"");
	assert_value(json, "reason", "\"no-response\"");
	assert_value(json, "verdict", "\"dropped\"");
	assert_value(json, "where", "\"path\"");
	assert_value(json, "method", "\"drop\"");
	assert_value(json, "by", "null");
	assert_value(json, "last_hop", "2");
	assert_value(json, "last_hop_address", "\"10.77.1.2\"");
	assert_value(json, "target_hops", "4");
	assert_value(json, "confidence", "\"high\"");
	assert_value(json, "captured", "true");
	assert_value(json, "rule", "null");
	assert_value(json, "hops",
		     "[{\"hop\":1,\"address\":\"10.77.0.1\",\"state\":\"time-exceeded\","
		     "\"rtt_ms\":0.3,\"control_address\":\"10.77.0.1\"},"
		     "{\"hop\":2,\"address\":\"10.77.1.2\",\"state\":\"time-exceeded\","
		     "\"rtt_ms\":0.6,\"control_address\":\"10.77.1.2\"},"
		     "{\"hop\":3,\"address\":null,\"state\":\"silent\",\"rtt_ms\":null,"
		     "\"control_address\":\"10.77.2.2\"},"
		     "{\"hop\":4,\"address\":null,\"state\":\"silent\",\"rtt_ms\":null,"
		     "\"control_address\":\"10.77.3.2\"}]");
	assert_value(json, "evidence", "[]");
	assert_value(json, "ruled_out", "[]");
	assert_value(json, "next", "[]");
	words_message(&message, &s.f, &s.j);
	assert_true(message.len > 0);
	assert_string_equal(json_string_value(json_object_get(json, "message")),
			    message.data);
	buf_release(&message);
	json_decref(json);
}

static void what_is_not_known_is_null(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_unresolved(&s);
	s.f.captured = false;
	json = reported(&s, NULL);
	assert_value(json, "target", "\"mial.example.com\"");
	assert_value(json, "address", "null");
	assert_value(json, "family", "null");
	assert_value(json, "port", "25");
	assert_value(json, "state", "\"unresolved\"");
	assert_value(json, "reason", "\"name-not-found\"");
	assert_value(json, "verdict", "\"unresolved\"");
	assert_value(json, "where", "\"unknown\"");
	assert_value(json, "method", "null");
	assert_value(json, "by", "null");
	assert_value(json, "last_hop", "null");
	assert_value(json, "last_hop_address", "null");
	assert_value(json, "target_hops", "null");
	assert_value(json, "confidence", "\"certain\"");
	assert_value(json, "captured", "false");
	assert_value(json, "rule", "null");
	assert_value(json, "hops", "[]");
	json_decref(json);
}

static void a_walk_that_nobody_answered_is_hop_0_and_not_null(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_dropped_path(&s);
	sample_walk(&s.f.walk, IPPROTO_TCP, 25, 0, false);
	s.f.control_walk.n_hops = 0;
	s.j.last_hop = 0;
	json = reported(&s, NULL);
	assert_value(json, "last_hop", "0");
	assert_value(json, "last_hop_address", "null");
	assert_int_equal(json_array_size(json_object_get(json, "hops")), 4);
	assert_value(json_array_get(json_object_get(json, "hops"), 0), "control_address",
		     "null");
	json_decref(json);
}

/* A router's error has the router's address, and an answer the host's, though it is not
 * noted with the hop. */
static void each_hop_says_who_answered(void **state)
{
	struct sample s;
	struct hop *hops;
	json_t *json;

	(void)state;
	sample_reset_by_box(&s);
	hops = s.f.walk.hops;
	hops[1].state = HOP_ERROR;
	hops[2].from = UNKNOWN;
	hops[2].rtt_ns = -1;
	s.f.control_walk.hops[2].state = HOP_UNASKED;
	/* What is left there from before does not count. */
	s.f.control_walk.hops[1].state = HOP_SILENT;
	s.f.walk.hops[3] = s.f.control_walk.hops[3];
	json = reported(&s, NULL);
	assert_value(json, "hops",
		     "[{\"hop\":1,\"address\":\"10.77.0.1\",\"state\":\"error\","
		     "\"rtt_ms\":0.3,\"control_address\":null},"
		     "{\"hop\":2,\"address\":\"10.77.3.2\",\"state\":\"answered\","
		     "\"rtt_ms\":null,\"control_address\":null}]");
	assert_value(json, "verdict", "\"reset-by-middlebox\"");
	assert_value(json, "method", "\"tcp-reset\"");
	assert_value(json, "by", "\"10.77.1.2\"");
	json_decref(json);
}

/* A control that answered sooner has no hops behind that. */
static void hops_behind_the_end_of_the_controls_walk_have_no_control(void **state)
{
	struct sample s;
	json_t *json, *hops;

	(void)state;
	sample_dropped_path(&s);
	s.f.control_walk.n_hops = 2;
	json = reported(&s, NULL);
	hops = json_object_get(json, "hops");
	assert_value(json_array_get(hops, 1), "control_address", "\"10.77.1.2\"");
	assert_value(json_array_get(hops, 2), "control_address", "null");
	json_decref(json);
}

static void ipv6_addresses_have_their_family_and_zone(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_no_listener(&s);
	s.f.addr = sample_addr("fe80::1%lo");
	s.f.protocol = IPPROTO_UDP;
	json = reported(&s, NULL);
	assert_value(json, "address", "\"fe80::1%lo\"");
	assert_value(json, "family", "\"inet6\"");
	assert_value(json, "protocol", "\"udp\"");
	json_decref(json);
}

static void evidence_has_what_was_measured_and_no_other_key(void **state)
{
	struct evidence all[] = {
		{ .t_ms = 0, .kind = "syn", .text = (char[]){ "sent" } },
		{ .t_ms = 1.25,
		  .kind = "control",
		  .text = (char[]){ "port 22 answered" },
		  .has_port = true,
		  .port = 22,
		  .has_ttl = true,
		  .ttl = 61,
		  .has_hop = true,
		  .hop = 4,
		  .has_rtt = true,
		  .rtt_ms = 1.5,
		  .has_count = true,
		  .count = 4000000000u,
		  .address = sample_hop_addr(4) },
		/* Set, but not said to be there; and zeros that were measured. */
		{ .t_ms = 3000.1234,
		  .kind = "hop",
		  .text = (char[]){ "silent" },
		  .port = 1,
		  .ttl = 2,
		  .hop = 3,
		  .rtt_ms = 4,
		  .count = 5 },
		{ .t_ms = 3001,
		  .kind = "wire",
		  .text = (char[]){ "nothing left" },
		  .has_rtt = true,
		  .has_count = true },
	};
	struct account a = { .evidence = all, .n_evidence = ARRAY_SIZE(all) };
	struct sample s;
	json_t *json;

	(void)state;
	sample_dropped_path(&s);
	json = reported(&s, &a);
	assert_value(json, "evidence",
		     "[{\"t_ms\":0.0,\"kind\":\"syn\",\"text\":\"sent\"},"
		     "{\"t_ms\":1.25,\"kind\":\"control\",\"text\":\"port 22 answered\","
		     "\"port\":22,\"ttl\":61,\"hop\":4,\"rtt_ms\":1.5,"
		     "\"count\":4000000000,\"address\":\"10.77.3.2\"},"
		     "{\"t_ms\":3000.12,\"kind\":\"hop\",\"text\":\"silent\"},"
		     "{\"t_ms\":3001.0,\"kind\":\"wire\",\"text\":\"nothing left\","
		     "\"rtt_ms\":0.0,\"count\":0}]");
	json_decref(json);
}

static void advice_and_what_was_ruled_out_keep_their_order(void **state)
{
	char *next[] = { (char[]){ "sudo portblock --rule h 25" },
			 (char[]){ "on h: ss -ltn 'sport = :25'" } };
	char *out[] = { (char[]){ "not the host: it answers" } };
	struct account a = { .next = { .items = next, .n = 2 },
			     .ruled_out = { .items = out, .n = 1 } };
	struct sample s;
	json_t *json;

	(void)state;
	sample_dropped_path(&s);
	json = reported(&s, &a);
	assert_value(json, "next",
		     "[\"sudo portblock --rule h 25\",\"on h: ss -ltn 'sport = :25'\"]");
	assert_value(json, "ruled_out", "[\"not the host: it answers\"]");
	json_decref(json);
}

/* Sentences come with what is foreign escaped, and commands are to be run as they are: a
 * second escape would spoil both. Names come as they are, and are escaped here. */
static void words_are_not_escaped_twice_and_names_are_escaped_once(void **state)
{
	struct evidence said = { .kind = "answer",
				 .text = (char[]){ "it said \\x1b[1m \\\\ \x1b" } };
	char *next[] = { (char[]){ "ip netns exec 'it'\\''s' true" } };
	struct account a = { .evidence = &said,
			     .n_evidence = 1,
			     .next = { .items = next, .n = 1 } };
	struct sample s;
	json_t *json;

	(void)state;
	sample_local_rule(&s);
	s.f.target = "a\xe2\x80\xae\\\x1b";
	snprintf(s.f.local_rule.text, sizeof(s.f.local_rule.text), "%s",
		 "drop comment \"\\\n\"");
	json = reported(&s, &a);
	assert_string_equal(json_string_value(json_object_get(json, "target")),
			    "a\\u202e\\\\\\x1b");
	assert_value(json, "evidence",
		     "[{\"t_ms\":0.0,\"kind\":\"answer\","
		     "\"text\":\"it said \\\\x1b[1m \\\\\\\\ \\\\x1b\"}]");
	assert_value(json, "next", "[\"ip netns exec 'it'\\\\''s' true\"]");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(json, "rule"), "text")),
		"drop comment \"\\\\\\n\"");
	json_decref(json);
}

static void the_local_rule_is_named(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_local_rule(&s);
	json = reported(&s, NULL);
	assert_value(json, "rule",
		     "{\"backend\":\"nftables\",\"family\":\"inet\",\"table\":\"filter\","
		     "\"chain\":\"output\",\"handle\":7,\"hook\":\"output\","
		     "\"verdict\":\"drop\",\"text\":\"tcp dport 25 counter drop\"}");
	json_decref(json);
}

static void a_chains_policy_has_no_handle_and_what_was_not_told_is_null(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_local_rule(&s);
	s.f.local_rule.policy = true;
	s.f.local_rule.hook[0] = '\0';
	s.f.local_rule.text[0] = '\0';
	json = reported(&s, NULL);
	assert_value(json, "rule",
		     "{\"backend\":\"nftables\",\"family\":\"inet\",\"table\":\"filter\","
		     "\"chain\":\"output\",\"handle\":null,\"hook\":null,"
		     "\"verdict\":\"drop\",\"text\":null}");
	json_decref(json);
}

static void a_rule_that_was_not_found_is_null(void **state)
{
	struct sample s;
	json_t *json;

	(void)state;
	sample_local_rule(&s);
	s.f.local_rule.found = false;
	json = reported(&s, NULL);
	assert_value(json, "rule", "null");
	json_decref(json);
}

static void the_service_is_named_unless_numbers_are_wanted(void **state)
{
	struct servent *known = getservbyname("smtp", "tcp");
	struct sample s;
	json_t *json;

	(void)state;
	sample_dropped_path(&s);
	s.config.numeric = true;
	json = reported(&s, NULL);
	assert_value(json, "service", "null");
	json_decref(json);
	/* Machines without a services database have no name for it. */
	if (!known)
		skip();
	s.config.numeric = false;
	json = reported(&s, NULL);
	assert_value(json, "service", "\"smtp\"");
	json_decref(json);
}

static void a_cleared_record_keeps_nothing_of_the_one_before(void **state)
{
	struct services services;
	struct out_record r;
	struct account nothing = { .failed = false };
	struct sample s;

	(void)state;
	services_init(&services);
	out_record_init(&r, &report_blocks, SAMPLE_WALL_NS);
	sample_local_rule(&s);
	report_block(&r, &s.config, &services, &s.f, &s.j, &nothing);
	assert_true(out_is_set(&r, BLOCK_RULE));
	out_record_clear(&r, SAMPLE_WALL_NS);
	sample_unresolved(&s);
	report_block(&r, &s.config, &services, &s.f, &s.j, &nothing);
	assert_false(out_is_set(&r, BLOCK_RULE));
	assert_false(out_is_set(&r, BLOCK_ADDRESS));
	assert_false(out_is_set(&r, BLOCK_METHOD));
	assert_string_equal(out_get_tree(&r, BLOCK_HOPS), "[]");
	out_record_release(&r);
	services_release(&services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_has_the_keys_of_the_contract_in_their_order),
		cmocka_unit_test(a_drop_on_the_path_is_told_with_its_hops),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(a_walk_that_nobody_answered_is_hop_0_and_not_null),
		cmocka_unit_test(each_hop_says_who_answered),
		cmocka_unit_test(
			hops_behind_the_end_of_the_controls_walk_have_no_control),
		cmocka_unit_test(ipv6_addresses_have_their_family_and_zone),
		cmocka_unit_test(evidence_has_what_was_measured_and_no_other_key),
		cmocka_unit_test(advice_and_what_was_ruled_out_keep_their_order),
		cmocka_unit_test(words_are_not_escaped_twice_and_names_are_escaped_once),
		cmocka_unit_test(the_local_rule_is_named),
		cmocka_unit_test(
			a_chains_policy_has_no_handle_and_what_was_not_told_is_null),
		cmocka_unit_test(a_rule_that_was_not_found_is_null),
		cmocka_unit_test(the_service_is_named_unless_numbers_are_wanted),
		cmocka_unit_test(a_cleared_record_keeps_nothing_of_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
