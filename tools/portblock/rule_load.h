/*
 * libnftables and libnftnl, loaded when they are first used: linked, they would cost
 * every run of portblock their start-up, and its package their dependencies.
 */
#ifndef PORTBLOCK_RULE_LOAD_H
#define PORTBLOCK_RULE_LOAD_H

#include <libmnl/libmnl.h>
#include <nftables/libnftables.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/trace.h>

#include "base.h"

struct rule_load {
	void *nftables, *nftnl;

	__typeof__(nft_ctx_new) *ctx_new;
	__typeof__(nft_ctx_free) *ctx_free;
	__typeof__(nft_ctx_buffer_output) *ctx_buffer_output;
	__typeof__(nft_ctx_buffer_error) *ctx_buffer_error;
	__typeof__(nft_ctx_get_error_buffer) *ctx_error;
	__typeof__(nft_ctx_set_output) *ctx_set_output;
	__typeof__(nft_ctx_output_set_flags) *ctx_set_flags;
	__typeof__(nft_run_cmd_from_buffer) *run_cmd;

	__typeof__(nftnl_trace_alloc) *trace_alloc;
	__typeof__(nftnl_trace_free) *trace_free;
	__typeof__(nftnl_trace_nlmsg_parse) *trace_nlmsg_parse;
	__typeof__(nftnl_trace_is_set) *trace_is_set;
	__typeof__(nftnl_trace_get_data) *trace_get_data;
	__typeof__(nftnl_trace_get_str) *trace_get_str;
	__typeof__(nftnl_trace_get_u32) *trace_get_u32;
	__typeof__(nftnl_trace_get_u64) *trace_get_u64;
	__typeof__(nftnl_chain_alloc) *chain_alloc;
	__typeof__(nftnl_chain_free) *chain_free;
	__typeof__(nftnl_chain_nlmsg_parse) *chain_nlmsg_parse;
	__typeof__(nftnl_chain_is_set) *chain_is_set;
	__typeof__(nftnl_chain_get) *chain_get;
	__typeof__(nftnl_chain_get_str) *chain_get_str;
	__typeof__(nftnl_chain_get_u32) *chain_get_u32;
	__typeof__(nftnl_rule_alloc) *rule_alloc;
	__typeof__(nftnl_rule_free) *rule_free;
	__typeof__(nftnl_rule_nlmsg_parse) *rule_nlmsg_parse;
	__typeof__(nftnl_expr_iter_create) *expr_iter_create;
	__typeof__(nftnl_expr_iter_next) *expr_iter_next;
	__typeof__(nftnl_expr_iter_destroy) *expr_iter_destroy;
	__typeof__(nftnl_expr_get) *expr_get;
	__typeof__(nftnl_expr_get_str) *expr_get_str;
};

/* 0; -ENOSYS: a library is missing, RET_WHY (size bytes) names its package. */
PK_MUST_CHECK int rule_load(struct rule_load *l, char *ret_why, size_t why_size);
void rule_unload(struct rule_load *l);

#endif
