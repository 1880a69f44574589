#include "config.h"
#include "fd.h"
#include "run.h"

int main(int argc, char **argv)
{
	struct portblock_config config;
	int status;

	if (fd_guard_stdio() < 0)
		return 3;
	status = config_parse(&config, argc, argv);
	if (status != CONFIG_RUN)
		return status;
	status = run_portblock(&config);
	config_release(&config);
	return status;
}
