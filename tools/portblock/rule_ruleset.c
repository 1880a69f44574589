/*
 * nftables: what the ruleset says about a rule.
 */
#include "rule_nft.h"

#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

/* Of a listing that is read to find one line. */
#define LISTING_MAX ((size_t)8 << 20)

/* ---- the rule ---- */

struct rule_reply {
	const struct rule_load *load;
	struct rule_detail detail;
	bool there;
};

static void note_expr(struct rule_reply *r, const struct nftnl_expr *expr)
{
	const struct rule_load *l = r->load;
	const char *name = l->expr_get_str(expr, NFTNL_EXPR_NAME), *what;
	const void *info;
	uint32_t len = 0;

	if (!name)
		return;
	r->detail.counter |= !strcmp(name, "counter");
	r->detail.reject |= !strcmp(name, "reject");
	if (!strcmp(name, "target")) {
		what = l->expr_get_str(expr, NFTNL_EXPR_TG_NAME);
		r->detail.xtables = true;
		r->detail.reject |= what && !strcmp(what, "REJECT");
	} else if (!strcmp(name, "match")) {
		what = l->expr_get_str(expr, NFTNL_EXPR_MT_NAME);
		r->detail.xtables = true;
		if (!what || strcmp(what, "comment"))
			return;
		info = l->expr_get(expr, NFTNL_EXPR_MT_INFO, &len);
		if (info)
			snprintf(r->detail.comment, sizeof(r->detail.comment), "%.*s",
				 (int)len, (const char *)info);
	}
}

static int rule_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct rule_reply *r = arg;
	struct nftnl_rule *rule = r->load->rule_alloc();
	struct nftnl_expr_iter *iter;
	struct nftnl_expr *expr;

	if (rule && r->load->rule_nlmsg_parse(nlh, rule) == 0) {
		r->there = true;
		iter = r->load->expr_iter_create(rule);
		while (iter && (expr = r->load->expr_iter_next(iter)))
			note_expr(r, expr);
		if (iter)
			r->load->expr_iter_destroy(iter);
	}
	if (rule)
		r->load->rule_free(rule);
	return MNL_CB_STOP; /* one rule was asked for */
}

int rule_nft_detail(struct rule_nft *nft, const struct rule_event *e,
		    struct rule_detail *ret_detail)
{
	struct rule_reply reply = { .load = &nft->load };
	char buffer[2048];
	struct nlmsghdr *nlh =
		rule_nft_message(nft, buffer, NFT_MSG_GETRULE, e->family, 0);
	int err;

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, e->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, e->chain);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(e->handle));
	err = rule_nft_ask(nft, nlh, rule_cb, &reply);
	if (!err && !reply.there)
		err = -ENOENT;
	if (!err)
		*ret_detail = reply.detail;
	return err;
}

/* ---- its text ---- */

static ssize_t keep(void *cookie, const char *bytes, size_t len)
{
	struct buf *b = cookie;

	if (b->len < LISTING_MAX)
		buf_add(b, bytes, len);
	return (ssize_t)len;
}

/* Run COMMAND, and put what it prints into RET_LISTING. */
static bool list(struct rule_nft *nft, struct buf *ret_listing, const char *command)
{
	cookie_io_functions_t io = { .write = keep };
	FILE *file = fopencookie(ret_listing, "w", io);
	struct nft_ctx *ctx = file ? nft->load.ctx_new(NFT_CTX_DEFAULT) : NULL;
	bool listed = false;

	buf_clear(ret_listing);
	if (ctx && !nft->load.ctx_buffer_error(ctx)) {
		/* Counters say nothing here, and change. */
		nft->load.ctx_set_flags(ctx,
					NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_STATELESS);
		nft->load.ctx_set_output(ctx, file);
		listed = nft->load.run_cmd(ctx, command) == 0 && fflush(file) == 0;
	}
	if (ctx)
		nft->load.ctx_free(ctx);
	if (file)
		fclose(file);
	return listed && !ret_listing->failed;
}

/* The less is listed the better, but nft can't name everything that the kernel can. */
bool rule_nft_text(struct rule_nft *nft, struct buf *out, uint8_t family,
		   const char *table, const char *chain, uint64_t handle)
{
	const char *word = rule_family_name(family);
	struct buf listing = BUF_INIT;
	char command[2 * RULE_NAME_SIZE + 40];
	bool found = false;

	if (rule_name_is_plain(table) && rule_name_is_plain(chain)) {
		snprintf(command, sizeof(command), "list chain %s %s %s", word, table,
			 chain);
		found = list(nft, &listing, command) &&
			rule_text_find(out, listing.data, word, table, chain, handle);
	}
	if (!found && rule_name_is_plain(table)) {
		snprintf(command, sizeof(command), "list table %s %s", word, table);
		found = list(nft, &listing, command) &&
			rule_text_find(out, listing.data, word, table, chain, handle);
	}
	if (!found)
		found = list(nft, &listing, "list ruleset") &&
			rule_text_find(out, listing.data, word, table, chain, handle);
	buf_release(&listing);
	return found;
}
