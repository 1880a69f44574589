#include <string.h>

#include "config.h"
#include "diag.h"
#include "fd.h"
#include "priv.h"
#include "run.h"

int main(int argc, char **argv)
{
	struct portblock_config config;
	int status, err;

	if (fd_guard_stdio() < 0)
		return 3;
	err = priv_begin();
	if (err < 0) {
		diag_error("cannot give up privilege: %s", strerror(-err));
		return 3;
	}
	status = config_parse(&config, argc, argv);
	if (status != CONFIG_RUN)
		return status;
	status = run_portblock(&config);
	config_release(&config);
	return status;
}
