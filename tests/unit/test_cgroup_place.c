/*
 * cgroup_place_of(): paths as systemd and the container engines really make them.
 */
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cgroup.h"

#define ID	   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SHOWN	   "0123456789ab"
#define UID	   "6a5c1b2e-0f3d-4c8e-9b7a-1d2e3f405162"
#define UID_	   "6a5c1b2e_0f3d_4c8e_9b7a_1d2e3f405162"
#define STATIC_POD "9f1c2d3e4b5a69788796a5b4c3d2e1f0"
#define BUILD	   "k3v9x0q2m4n6b8z1c5a7s9d0f"
#define USER	   "/user.slice/user-1000.slice/user@1000.service"

struct place_case {
	const char *path, *unit, *container, *engine, *pod;
	bool user;
};

static void check(const struct place_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct place_case *c = &cases[i];
		struct cgroup_place place;

		memset(&place, 'x', sizeof(place));
		cgroup_place_of(c->path, &place);
		if (strcmp(place.unit, c->unit) != 0 ||
		    strcmp(place.container, c->container ? c->container : "") != 0)
			print_error("%s: unit %s, container %s\n", c->path, place.unit,
				    place.container);
		assert_string_equal(place.unit, c->unit);
		assert_string_equal(place.container, c->container ? c->container : "");
		assert_string_equal(place.engine, c->engine ? c->engine : "");
		assert_string_equal(place.pod, c->pod ? c->pod : "");
		assert_int_equal(place.user_unit, c->user);
	}
}

static void the_unit_is_below_the_slices(void **state)
{
	static const struct place_case cases[] = {
		{ "/system.slice/nginx.service", "nginx.service" },
		{ "/system.slice/ssh.socket", "ssh.socket" },
		{ "/system.slice/system-getty.slice/getty@tty1.service",
		  "getty@tty1.service" },
		{ "/system.slice/system-postgresql.slice/postgresql@15-main.service",
		  "postgresql@15-main.service" },
		{ "/system.slice/srv-my\\x2ddata.mount", "srv-my\\x2ddata.mount" },
		{ "/init.scope", "init.scope" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope" },
		{ "/system.slice/run-r0123.scope", "run-r0123.scope" },
		/* What is deeper is the unit's own business. */
		{ "/system.slice/snapd.service/a/b", "snapd.service" },
		{ "/system.slice/outer.service/inner.service", "outer.service" },
		/* From a namespace for groups. */
		{ "/../../system.slice/nginx.service", "nginx.service" },
		/* systemd escapes what looks like the kernel's files. */
		{ "/system.slice/_cpu.service", "cpu.service" },
		{ "/system.slice/dbus-:1.2-org.x@0.service",
		  "dbus-:1.2-org.x@0.service" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void what_is_no_unit_is_none(void **state)
{
	static const struct place_case cases[] = {
		{ "/", "" },
		{ "", "" },
		{ "///", "" },
		{ "/..", "" },
		{ "/system.slice", "" },
		{ "/user.slice/user-1000.slice", "" },
		{ "/.service", "" },
		{ "/mine/nginx.service", "" },
		{ "/system.slice/a b.service", "" },
		{ "/system.slice/nginx.service2", "" },
		{ "/nginx.target", "" },
		{ "/openrc.sshd", "" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void units_of_a_users_manager_are_told(void **state)
{
	static const struct place_case cases[] = {
		{ USER "/app.slice/syncthing.service", "syncthing.service",
		  .user = true },
		{ USER "/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope",
		  "vte-spawn-1.scope", .user = true },
		{ USER "/session.slice/dbus.socket", "dbus.socket", .user = true },
		{ USER "/init.scope", "init.scope", .user = true },
		{ USER "/app.slice/x.service/y.service", "x.service", .user = true },
		{ USER, "user@1000.service" },
		{ USER "/app.slice", "user@1000.service" },
		{ USER "/mine/x.service", "user@1000.service" },
		/* Not a manager. */
		{ "/system.slice/user@x.service/x.service", "user@x.service" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void dockers_containers_are_told(void **state)
{
	static const struct place_case cases[] = {
		{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", SHOWN,
		  "docker" },
		{ "/docker/" ID, "", SHOWN, "docker" },
		{ "/docker/" ID "/system.slice/nginx.service", "", SHOWN, "docker" },
		{ "/system.slice/docker-" ID ".scope/init.scope", "docker-" ID ".scope",
		  SHOWN, "docker" },
		{ USER "/user.slice/docker-" ID ".scope", "docker-" ID ".scope", SHOWN,
		  "docker", .user = true },
		{ "/system.slice:docker:" ID, "", SHOWN, "docker" },
		{ "/ecs/7f2b/" ID, "", SHOWN, "docker" },
		/* The daemon is no container. */
		{ "/system.slice/docker.service", "docker.service" },
		{ "/system.slice/docker.socket", "docker.socket" },
		/* Named like one, by somebody. */
		{ "/system.slice/docker-cleanup.scope", "docker-cleanup.scope" },
		{ "/docker/web", "" },
		/* Whose is not known. */
		{ "/actions_job/" ID, "", SHOWN },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void builds_are_told_from_containers(void **state)
{
	static const struct place_case cases[] = {
		{ "/docker/buildkit/" BUILD, "", BUILD, "buildkit" },
		{ "/buildkit/" BUILD, "", BUILD, "buildkit" },
		{ "/system.slice/docker-" BUILD ".scope", "docker-" BUILD ".scope", BUILD,
		  "buildkit" },
		/* A builder that runs in a container is that. */
		{ "/docker/" ID "/buildkit/" BUILD, "", SHOWN, "docker" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void podmans_containers_are_told(void **state)
{
	static const struct place_case cases[] = {
		{ "/machine.slice/libpod-" ID ".scope", "libpod-" ID ".scope", SHOWN,
		  "podman" },
		{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope",
		  SHOWN, "podman" },
		/* Keeps the published ports. */
		{ "/machine.slice/libpod-conmon-" ID ".scope",
		  "libpod-conmon-" ID ".scope", SHOWN, "podman" },
		{ USER "/user.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope",
		  SHOWN, "podman", .user = true },
		{ "/machine.slice/machine-libpod_pod_" ID ".slice/libpod-" ID ".scope",
		  "libpod-" ID ".scope", SHOWN, "podman" },
		{ "/libpod_parent/libpod-" ID, "", SHOWN, "podman" },
		/* Quadlet. */
		{ "/system.slice/web.service/libpod-payload-" ID, "web.service", SHOWN,
		  "podman" },
		{ USER "/app.slice/web.service/libpod-payload-" ID, "web.service", SHOWN,
		  "podman", .user = true },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void pods_of_kubernetes_are_told(void **state)
{
	static const struct place_case cases[] = {
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
		  ".slice/cri-containerd-" ID ".scope",
		  "cri-containerd-" ID ".scope", SHOWN, "containerd", UID },
		{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope",
		  "crio-" ID ".scope", SHOWN, "cri-o", UID },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
		  ".slice/docker-" ID ".scope",
		  "docker-" ID ".scope", SHOWN, "docker", UID },
		{ "/kubepods/besteffort/pod" UID "/" ID, "", SHOWN, "containerd", UID },
		{ "/kubepods/pod" UID "/" ID, "", SHOWN, "containerd", UID },
		{ "/kubepods/burstable/pod" UID "/crio-" ID, "", SHOWN, "cri-o", UID },
		{ "/kubepods/burstable/pod" STATIC_POD "/" ID, "", SHOWN, "containerd",
		  STATIC_POD },
		{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
		  ".slice:cri-containerd:" ID,
		  "containerd.service", SHOWN, "containerd", UID },
		/* The pod alone. */
		{ "/kubepods/besteffort/pod" UID, "", NULL, NULL, UID },
		/* kind: its node is a container here, what is in it is not ours. */
		{ "/docker/" ID "/kubelet/kubepods/besteffort/pod" UID "/" ID, "", SHOWN,
		  "docker" },
		{ "/kubelet.slice/kubelet-kubepods.slice/"
		  "kubelet-kubepods-besteffort.slice/"
		  "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" ID
		  ".scope",
		  "cri-containerd-" ID ".scope", SHOWN, "containerd", UID },
		{ "/k8s.io/" ID, "", SHOWN, "containerd" },
		{ "/system.slice/nerdctl-" ID ".scope", "nerdctl-" ID ".scope", SHOWN,
		  "containerd" },
		{ "/kubepods/besteffort/podium", "" },
		{ "/pods/pod" UID, "" },
		{ "/system.slice/crio.service", "crio.service" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void containers_and_machines_have_names(void **state)
{
	static const struct place_case cases[] = {
		{ "/lxc.payload.web-1/system.slice/nginx.service", "", "web-1", "lxc" },
		{ "/lxc.payload.web", "", "web", "lxc" },
		{ "/lxc.monitor.web", "", "web", "lxc" },
		{ "/lxc/101/ns/init.scope", "", "101", "lxc" },
		{ "/lxc.payload/web", "", "web", "lxc" },
		{ "/lxc", "" },
		{ "/lxc.payload.", "" },
		/* A container in a container. */
		{ "/lxc.payload.web/system.slice/docker-" ID ".scope", "", "web", "lxc" },
		{ "/machine.slice/systemd-nspawn@debian.service/payload/init.scope",
		  "systemd-nspawn@debian.service", "debian", "nspawn" },
		{ "/machine.slice/machine-my\\x2dbox.scope/payload",
		  "machine-my\\x2dbox.scope", "my-box", "nspawn" },
		/* A virtual machine of libvirt's. */
		{ "/machine.slice/machine-qemu\\x2d3\\x2dvm.scope/libvirt/emulator",
		  "machine-qemu\\x2d3\\x2dvm.scope" },
		{ "/system.slice/machine-x.scope", "machine-x.scope" },
		{ "/machine.slice/systemd-nspawn@.service", "systemd-nspawn@.service" },
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* A group's name has at most 255 bytes, but text from elsewhere may come, too. */
static void names_that_are_too_long_are_left_out(void **state)
{
	char path[2000] = "/lxc.payload.";
	struct cgroup_place place;
	size_t n = strlen(path);

	(void)state;
	memset(path + n, 'a', 79);
	cgroup_place_of(path, &place);
	assert_int_equal(strlen(place.container), 79);
	memset(path + n, 'a', 200);
	cgroup_place_of(path, &place);
	assert_string_equal(place.container, "");

	strcpy(path, "/");
	memset(path + 1, 'a', 247);
	strcpy(path + 248, ".service");
	cgroup_place_of(path, &place);
	assert_string_equal(place.unit, path + 1);
	assert_int_equal(strlen(place.unit), 255);
	memset(path + 1, 'a', 1000);
	strcpy(path + 1001, ".service");
	cgroup_place_of(path, &place);
	assert_string_equal(place.unit, "");

	strcpy(path, "/machine.slice/machine-");
	n = strlen(path);
	memset(path + n, 'a', 500);
	strcpy(path + n + 500, ".scope");
	cgroup_place_of(path, &place);
	assert_string_equal(place.container, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_unit_is_below_the_slices),
		cmocka_unit_test(what_is_no_unit_is_none),
		cmocka_unit_test(units_of_a_users_manager_are_told),
		cmocka_unit_test(dockers_containers_are_told),
		cmocka_unit_test(builds_are_told_from_containers),
		cmocka_unit_test(podmans_containers_are_told),
		cmocka_unit_test(pods_of_kubernetes_are_told),
		cmocka_unit_test(containers_and_machines_have_names),
		cmocka_unit_test(names_that_are_too_long_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
