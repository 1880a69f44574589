#include "config.h"
#include "fd.h"
#include "run.h"

int main(int argc, char **argv)
{
	struct portwho_config config;
	int status;

	if (fd_guard_stdio() < 0)
		return 3;
	status = who_config_parse(&config, argc, argv);
	if (status != WHO_CONFIG_RUN)
		return status;
	status = run_portwho(&config);
	who_config_release(&config);
	return status;
}
