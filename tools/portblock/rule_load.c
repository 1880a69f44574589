#include "rule_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Names of the files, and of Debian's packages with them. */
#define NFTABLES	 "libnftables.so.1"
#define NFTABLES_PACKAGE "libnftables1"
#define NFTNL		 "libnftnl.so.11"
#define NFTNL_PACKAGE	 "libnftnl11"

struct symbol {
	const char *name;
	size_t offset;
};

#define SYMBOL(name, member)                             \
	{                                                \
		name, offsetof(struct rule_load, member) \
	}

static const struct symbol nftables_symbols[] = {
	SYMBOL("nft_ctx_new", ctx_new),
	SYMBOL("nft_ctx_free", ctx_free),
	SYMBOL("nft_ctx_buffer_output", ctx_buffer_output),
	SYMBOL("nft_ctx_buffer_error", ctx_buffer_error),
	SYMBOL("nft_ctx_get_error_buffer", ctx_error),
	SYMBOL("nft_ctx_set_output", ctx_set_output),
	SYMBOL("nft_ctx_output_set_flags", ctx_set_flags),
	SYMBOL("nft_run_cmd_from_buffer", run_cmd),
};

static const struct symbol nftnl_symbols[] = {
	SYMBOL("nftnl_trace_alloc", trace_alloc),
	SYMBOL("nftnl_trace_free", trace_free),
	SYMBOL("nftnl_trace_nlmsg_parse", trace_nlmsg_parse),
	SYMBOL("nftnl_trace_is_set", trace_is_set),
	SYMBOL("nftnl_trace_get_data", trace_get_data),
	SYMBOL("nftnl_trace_get_str", trace_get_str),
	SYMBOL("nftnl_trace_get_u32", trace_get_u32),
	SYMBOL("nftnl_trace_get_u64", trace_get_u64),
	SYMBOL("nftnl_chain_alloc", chain_alloc),
	SYMBOL("nftnl_chain_free", chain_free),
	SYMBOL("nftnl_chain_nlmsg_parse", chain_nlmsg_parse),
	SYMBOL("nftnl_chain_is_set", chain_is_set),
	SYMBOL("nftnl_chain_get", chain_get),
	SYMBOL("nftnl_chain_get_str", chain_get_str),
	SYMBOL("nftnl_chain_get_u32", chain_get_u32),
	SYMBOL("nftnl_rule_alloc", rule_alloc),
	SYMBOL("nftnl_rule_free", rule_free),
	SYMBOL("nftnl_rule_nlmsg_parse", rule_nlmsg_parse),
	SYMBOL("nftnl_expr_iter_create", expr_iter_create),
	SYMBOL("nftnl_expr_iter_next", expr_iter_next),
	SYMBOL("nftnl_expr_iter_destroy", expr_iter_destroy),
	SYMBOL("nftnl_expr_get", expr_get),
	SYMBOL("nftnl_expr_get_str", expr_get_str),
};

static int load(struct rule_load *l, void **ret_handle, const char *file,
		const char *package, const struct symbol *symbols, size_t n_symbols,
		char *ret_why, size_t why_size)
{
	size_t i;

	/* libxtables and its modules, which libnftables brings, do not bear unloading. */
	*ret_handle = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (!*ret_handle) {
		snprintf(ret_why, why_size, "needs %s (Debian: %s)", file, package);
		return -ENOSYS;
	}
	for (i = 0; i < n_symbols; i++) {
		void *at = dlsym(*ret_handle, symbols[i].name);

		if (!at) {
			snprintf(ret_why, why_size, "%s is too old: no %s", file,
				 symbols[i].name);
			return -ENOSYS;
		}
		memcpy((char *)l + symbols[i].offset, &at, sizeof(at));
	}
	return 0;
}

int rule_load(struct rule_load *l, char *ret_why, size_t why_size)
{
	int err;

	*l = (struct rule_load){ 0 };
	/* First what the other one needs, too, so that it is named if it is missing. */
	err = load(l, &l->nftnl, NFTNL, NFTNL_PACKAGE, nftnl_symbols,
		   ARRAY_SIZE(nftnl_symbols), ret_why, why_size);
	if (!err)
		err = load(l, &l->nftables, NFTABLES, NFTABLES_PACKAGE, nftables_symbols,
			   ARRAY_SIZE(nftables_symbols), ret_why, why_size);
	if (err < 0)
		rule_unload(l);
	return err;
}

void rule_unload(struct rule_load *l)
{
	if (l->nftnl)
		dlclose(l->nftnl);
	if (l->nftables)
		dlclose(l->nftables);
	l->nftnl = l->nftables = NULL;
}
