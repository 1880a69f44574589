#include "cgroup.h"

#include <stdio.h>
#include <string.h>

/* What engines call a container: 64 hexadecimal digits, of which they show 12. */
#define FULL_ID_LEN  64
#define SHOWN_ID_LEN 12
/* BuildKit's own identities: base 36 (its identity/randomid.go). */
#define BUILD_ID_LEN 25
/* A UUID has 36; of a static pod it is 32 digits without dashes. */
#define MIN_POD_LEN 32

/* One name of a path, or a part of it. */
struct part {
	const char *s;
	size_t len;
};

static struct part part_of(const char *s)
{
	return (struct part){ s, strlen(s) };
}

static bool is(struct part p, const char *s)
{
	return p.len == strlen(s) && !memcmp(p.s, s, p.len);
}

static bool strip_start(struct part *p, const char *start)
{
	size_t n = strlen(start);

	if (p->len < n || memcmp(p->s, start, n) != 0)
		return false;
	p->s += n;
	p->len -= n;
	return true;
}

static bool strip_end(struct part *p, const char *end)
{
	size_t n = strlen(end);

	if (p->len < n || memcmp(p->s + p->len - n, end, n) != 0)
		return false;
	p->len -= n;
	return true;
}

static bool all_of(struct part p, const char *accepted)
{
	size_t i;

	for (i = 0; i < p.len; i++)
		if (!p.s[i] || !strchr(accepted, p.s[i]))
			return false;
	return true;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define HEX	"0123456789abcdef"
#define DIGITS	"0123456789"

static bool is_full_id(struct part p)
{
	return p.len == FULL_ID_LEN && all_of(p, HEX);
}

static bool is_build_id(struct part p)
{
	return p.len == BUILD_ID_LEN && all_of(p, DIGITS LETTERS);
}

/* Untouched where P does not fit. */
static bool put(char *to, size_t size, struct part p)
{
	if (!p.len || p.len >= size)
		return false;
	memcpy(to, p.s, p.len);
	to[p.len] = '\0';
	return true;
}

/* The next name of *PATH, which moves behind it; false at the end. systemd puts a '_'
 * before names that would look like the kernel's files (cg_escape()). */
static bool next_part(const char **path, struct part *ret_part)
{
	const char *s = *path + strspn(*path, "/");
	struct part p = { s, strcspn(s, "/") };

	*path = s + p.len;
	if (!p.len)
		return false;
	strip_start(&p, "_");
	*ret_part = p;
	return true;
}

/* ---- units ---- */

/* Systemd's units that can have a group (systemd.unit(5)), slices apart. */
static bool is_unit(struct part p)
{
	static const char *const types[] = { ".service", ".scope", ".socket", ".mount",
					     ".swap" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct part stem = p;

		if (strip_end(&stem, types[i]))
			return stem.len && all_of(stem, LETTERS DIGITS
						  "ABCDEFGHIJKLMNOPQRSTUVWXYZ:-_.\\@");
	}
	return false;
}

static bool is_slice(struct part p)
{
	return strip_end(&p, ".slice") && p.len;
}

/* "user@1000.service" */
static bool is_user_manager(struct part p)
{
	return strip_start(&p, "user@") && strip_end(&p, ".service") && p.len &&
	       all_of(p, DIGITS);
}

/*
 * Below its slices a unit is the first name that is none (cg_path_get_unit()): what comes
 * deeper was delegated, and is the business of who is in there, be it a container's own
 * systemd. One of a user's manager stands the same way below that.
 */
static void find_unit(const char *path, struct cgroup_place *place)
{
	struct part p;

	while (next_part(&path, &p)) {
		/* From another cgroup namespace: "/../../system.slice/...". */
		if (is(p, "..") || is_slice(p))
			continue;
		if (!is_unit(p) || !put(place->unit, sizeof(place->unit), p))
			return;
		if (place->user_unit || !is_user_manager(p))
			return;
		/* Stays so only if a unit of the user's follows. */
		while (next_part(&path, &p) && is_slice(p))
			;
		if (p.len && is_unit(p) && !is_user_manager(p))
			place->user_unit = put(place->unit, sizeof(place->unit), p);
		return;
	}
}

/* ---- containers ---- */

struct known {
	const char *name, *engine;
};

/* Before an id, with or without ".scope". What podman's and CRI-O's conmon holds is its
 * container's: podman lets it keep the published ports. */
static const struct known prefixes[] = {
	{ "docker-", "docker" },
	{ "libpod-conmon-", "podman" },
	{ "libpod-payload-", "podman" },
	{ "libpod-", "podman" },
	{ "cri-containerd-", "containerd" },
	{ "nerdctl-", "containerd" },
	{ "crio-conmon-", "cri-o" },
	{ "crio-", "cri-o" },
};

/* Above a bare id, where groups are made without systemd. "k8s.io" and "default" are
 * containerd's namespaces; Amazon's agent has Docker put its tasks below "ecs". */
static const struct known parents[] = {
	{ "docker", "docker" },	       { "ecs", "docker" },
	{ "libpod_parent", "podman" }, { "k8s.io", "containerd" },
	{ "default", "containerd" },   { "buildkit", "buildkit" },
};

/* "kubepods", "kubepods.slice", "kubelet-kubepods-besteffort.slice" */
static bool is_pods(struct part p)
{
	return memmem(p.s, p.len, "kubepods", 8) != NULL;
}

static const char *engine_below(struct part p, const char *engine)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parents); i++)
		if (is(p, parents[i].name))
			return parents[i].engine;
	return is_pods(p) ? "containerd" : engine;
}

static bool set_container(struct cgroup_place *place, const char *engine, struct part id)
{
	if (!put(place->container, sizeof(place->container), id))
		return false;
	put(place->engine, sizeof(place->engine), part_of(engine));
	return true;
}

static bool set_id(struct cgroup_place *place, const char *engine, struct part id)
{
	if (is_full_id(id)) {
		id.len = SHOWN_ID_LEN;
		return set_container(place, engine, id);
	}
	/* dockerd lets its BuildKit name groups as its own. */
	if (is_build_id(id) && (!strcmp(engine, "docker") || !strcmp(engine, "buildkit")))
		return set_container(place, "buildkit", id);
	return false;
}

/* "docker-<id>.scope" and the like. */
static bool find_prefixed(struct part p, struct cgroup_place *place)
{
	size_t i;

	strip_end(&p, ".scope");
	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strip_start(&p, prefixes[i].name))
			return set_id(place, prefixes[i].engine, p);
	return false;
}

/* "kubepods-pod<uid>.slice:cri-containerd:<id>", "system.slice:docker:<id>": a name that
 * was meant for systemd, and made by who does not use it. */
static bool find_misread(struct part p, struct cgroup_place *place)
{
	const char *first = memchr(p.s, ':', p.len), *last = memrchr(p.s, ':', p.len);
	struct part slice, id;
	size_t i;

	if (!first || first == last)
		return false;
	slice = (struct part){ p.s, (size_t)(first - p.s) };
	id = (struct part){ last + 1, (size_t)(p.s + p.len - last - 1) };
	if (!is_slice(slice))
		return false;
	p = (struct part){ first + 1, (size_t)(last - first - 1) };
	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		struct part prefix = part_of(prefixes[i].name);

		strip_end(&prefix, "-");
		if (prefix.len == p.len && !memcmp(prefix.s, p.s, p.len))
			return set_id(place, prefixes[i].engine, id);
	}
	return false;
}

/* "machine-my\x2dbox.scope" is the machine "my-box" (systemd-nspawn, run by hand). */
static bool set_machine(struct cgroup_place *place, struct part p)
{
	char name[sizeof(place->container)];
	struct part plain = { name, 0 };
	size_t i;

	for (i = 0; i < p.len && plain.len < sizeof(name); plain.len++) {
		if (p.len - i >= 4 && !memcmp(p.s + i, "\\x2d", 4)) {
			name[plain.len] = '-';
			i += 4;
		} else {
			name[plain.len] = p.s[i++];
		}
	}
	/* libvirt registers its machines as well; these are no containers, or not ours
	 * to name. */
	if (strip_start(&plain, "qemu-") || strip_start(&plain, "lxc-") ||
	    strip_start(&plain, "libvirt-"))
		return false;
	return set_container(place, "nspawn", plain);
}

/* Containers that have a name instead of an id. BEFORE: the name above P. */
static bool find_named(struct part before, struct part p, struct cgroup_place *place)
{
	struct part name = p;

	if (strip_start(&name, "lxc.payload.") || strip_start(&name, "lxc.monitor.") ||
	    is(before, "lxc") || is(before, "lxc.payload") || is(before, "lxc.monitor"))
		return set_container(place, "lxc", name);
	if (strip_start(&name, "systemd-nspawn@") && strip_end(&name, ".service"))
		return set_container(place, "nspawn", name);
	if (is(before, "machine.slice") && strip_start(&name, "machine-") &&
	    strip_end(&name, ".scope"))
		return set_machine(place, name);
	return false;
}

/* ---- pods ---- */

/* "pod<uid>" below "kubepods", or "kubepods-burstable-pod<uid>.slice", where the uid has
 * underscores, since dashes would make it slices in slices. */
static void find_pod(bool in_pods, struct part p, struct cgroup_place *place)
{
	const char *colon = memchr(p.s, ':', p.len), *pod;
	char *at;

	if (is_pods(p)) {
		if (colon)
			p.len = (size_t)(colon - p.s);
		pod = memmem(p.s, p.len, "-pod", 4);
		if (!pod || !strip_end(&p, ".slice"))
			return;
		p = (struct part){ pod + 4, (size_t)(p.s + p.len - pod - 4) };
	} else if (!in_pods || !strip_start(&p, "pod")) {
		return;
	}
	if (p.len < MIN_POD_LEN || !all_of(p, HEX "-_") ||
	    !put(place->pod, sizeof(place->pod), p))
		return;
	for (at = place->pod; *at; at++)
		if (*at == '_')
			*at = '-';
}

/* The first one: a container in it is known only to the engine that runs in there. */
static void find_container(const char *path, struct cgroup_place *place)
{
	struct part before = { "", 0 }, p;
	const char *engine = "";
	bool in_pods = false;

	for (; next_part(&path, &p); before = p) {
		find_pod(in_pods, p, place);
		if (find_prefixed(p, place) || find_misread(p, place) ||
		    find_named(before, p, place) || set_id(place, engine, p))
			return;
		in_pods = in_pods || is_pods(p);
		engine = engine_below(p, engine);
	}
}

void cgroup_place_of(const char *path, struct cgroup_place *ret_place)
{
	struct cgroup_place place = { 0 };

	find_unit(path, &place);
	find_container(path, &place);
	*ret_place = place;
}
