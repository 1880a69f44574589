#include "resolve.h"

#include <errno.h>
#include <locale.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"

/* A worker needs little stack, but NSS modules are foreign code: be generous. */
#define WORKER_STACK_BYTES ((size_t)512 * 1024)

struct job {
	struct job *next;
	char *name;
	int family;
	int64_t start_ns;
	struct resolve_result result;
};

/*
 * Shared with the workers, and freed by whoever leaves last: a worker can be stuck in
 * getaddrinfo(3) long after the caller lost interest.
 */
struct resolver {
	pthread_mutex_t lock;
	pthread_cond_t work;
	int fd;
	bool abandoned;
	unsigned int users; /* the caller and every thread */
	unsigned int idle;
	unsigned int n_waiting; /* jobs in `waiting` */
	unsigned int threads;
	struct job *waiting, **waiting_tail;
	struct job *done, **done_tail;
};

static void job_free(struct job *job)
{
	if (!job)
		return;
	free(job->name);
	free(job->result.addrs);
	free(job);
}

static void jobs_free(struct job *job)
{
	while (job) {
		struct job *next = job->next;

		job_free(job);
		job = next;
	}
}

int resolver_create(struct resolver **ret_resolver)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0) {
		int err = -errno;

		free(r);
		return err;
	}
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->work, NULL);
	r->waiting_tail = &r->waiting;
	r->done_tail = &r->done;
	r->users = 1;
	*ret_resolver = r;
	return 0;
}

/* Called with the lock held; gives it up. */
static void leave(struct resolver *r)
{
	bool last = --r->users == 0;

	pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	jobs_free(r->waiting);
	jobs_free(r->done);
	close(r->fd);
	pthread_cond_destroy(&r->work);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void resolver_destroy(struct resolver *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->abandoned = true;
	pthread_cond_broadcast(&r->work);
	leave(r);
}

int resolver_fd(const struct resolver *r)
{
	return r->fd;
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s > 0x7f)
			return false;
	return true;
}

/*
 * One call of getaddrinfo(3). SOCK_STREAM keeps it to one entry an address. AI_ADDRCONFIG
 * is left out: an address that this machine has no route to is a finding, not something
 * to hide.
 */
static int look_up(const char *name, int family, struct addrinfo **ret_list)
{
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };

#ifdef AI_IDN
	if (!is_ascii(name))
		hints.ai_flags |= AI_IDN;
#endif
	return getaddrinfo(name, NULL, &hints, ret_list);
}

static void explain(struct resolve_result *res, int family, int status, int error)
{
	const char *asked = family == AF_INET	 ? "IPv4 "
			    : family == AF_INET6 ? "IPv6 "
						 : "";

	res->status = status;
	switch (status) {
	case EAI_NONAME:
		res->reason = REASON_NAME_NOT_FOUND;
		snprintf(res->why, sizeof(res->why), "no such name");
		break;
#ifdef EAI_NODATA
	case EAI_NODATA:
#endif
#ifdef EAI_ADDRFAMILY
	case EAI_ADDRFAMILY:
#endif
		res->reason = REASON_NAME_NO_ADDRESS;
		snprintf(res->why, sizeof(res->why),
			 "the name exists, but has no %saddress", asked);
		break;
	case EAI_AGAIN:
		res->reason = REASON_NAME_FAILURE;
		snprintf(res->why, sizeof(res->why),
			 "the resolver gave no answer (DNS server dead, or failing)");
		break;
#ifdef EAI_IDN_ENCODE
	case EAI_IDN_ENCODE:
		res->reason = REASON_NAME_FAILURE;
		snprintf(res->why, sizeof(res->why),
			 "not a valid international name, or libidn2 is not installed");
		break;
#endif
	case EAI_MEMORY:
		res->reason = REASON_RESOURCE_LIMIT;
		snprintf(res->why, sizeof(res->why), "out of memory for the look-up");
		break;
	case EAI_SYSTEM:
		res->reason = error == EMFILE || error == ENFILE || error == ENOMEM
				      ? REASON_RESOURCE_LIMIT
				      : REASON_NAME_FAILURE;
		snprintf(res->why, sizeof(res->why), "the look-up failed: %s",
			 strerror(error));
		break;
	default:
		res->reason = REASON_NAME_FAILURE;
		snprintf(res->why, sizeof(res->why), "the look-up failed: %s",
			 gai_strerror(status));
	}
}

static void collect(struct resolve_result *res, const struct addrinfo *list)
{
	const struct addrinfo *ai;

	res->addrs = calloc(RESOLVE_MAX_ADDRESSES, sizeof(*res->addrs));
	if (!res->addrs) {
		res->status = EAI_MEMORY;
		res->reason = REASON_RESOURCE_LIMIT;
		snprintf(res->why, sizeof(res->why), "out of memory for the look-up");
		return;
	}
	for (ai = list; ai && res->n_addrs < RESOLVE_MAX_ADDRESSES; ai = ai->ai_next) {
		struct addr a;
		size_t i;

		if (addr_from_sockaddr(ai->ai_addr, ai->ai_addrlen, &a, NULL) < 0)
			continue;
		for (i = 0; i < res->n_addrs && !addr_equal(&a, &res->addrs[i]); i++)
			;
		if (i == res->n_addrs)
			res->addrs[res->n_addrs++] = a;
	}
}

static void run_job(struct job *job)
{
	struct resolve_result *res = &job->result;
	struct addrinfo *list = NULL;
	int status = look_up(job->name, job->family, &list);
	int error = errno;

	/* "No such name" of one family can be "no address of that family": some
	 * sources, the hosts file among them, do not tell. The other family does. */
	if (status == EAI_NONAME && job->family != AF_UNSPEC) {
		struct addrinfo *any = NULL;

		if (look_up(job->name, AF_UNSPEC, &any) == 0) {
			freeaddrinfo(any);
#ifdef EAI_NODATA
			status = EAI_NODATA;
#endif
		}
	}
	res->took_ns = clock_now_ns() - job->start_ns;
	if (status == 0) {
		collect(res, list);
		freeaddrinfo(list);
	} else {
		explain(res, job->family, status, error);
	}
}

static void *worker(void *arg)
{
	struct resolver *r = arg;

	pthread_mutex_lock(&r->lock);
	while (!r->abandoned) {
		static const uint64_t one = 1;
		struct job *job = r->waiting;

		if (!job) {
			r->idle++;
			pthread_cond_wait(&r->work, &r->lock);
			r->idle--;
			continue;
		}
		r->waiting = job->next;
		r->n_waiting--;
		if (!r->waiting)
			r->waiting_tail = &r->waiting;
		pthread_mutex_unlock(&r->lock);
		run_job(job);
		pthread_mutex_lock(&r->lock);
		job->next = NULL;
		*r->done_tail = job;
		r->done_tail = &job->next;
		if (write(r->fd, &one, sizeof(one)) < 0) {
			/* Only a full counter fails, and then the reader is awake
			 * anyway. */
		}
	}
	leave(r);
	return NULL;
}

static int start_thread(struct resolver *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, WORKER_STACK_BYTES);
	err = pthread_create(&thread, &attr, worker, r);
	pthread_attr_destroy(&attr);
	if (err)
		return -err;
	r->threads++;
	r->users++;
	return 0;
}

/* IDN conversion reads the name in the locale's encoding; under LC_ALL=C that is ASCII
 * and every international name fails. Names reach us as UTF-8, so only the character
 * type of the locale is set, once, and only when such a name is asked. */
static void need_utf8_locale(const char *name)
{
	if (is_ascii(name))
		return;
	if (!setlocale(LC_CTYPE, "C.UTF-8") && !setlocale(LC_CTYPE, "en_US.UTF-8"))
		setlocale(LC_CTYPE, "");
}

int resolver_submit(struct resolver *r, const char *name, int family, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));
	int err = 0;

	if (!job)
		return -ENOMEM;
	job->name = strdup(name);
	if (!job->name) {
		job_free(job);
		return -ENOMEM;
	}
	job->family = family;
	job->start_ns = clock_now_ns();
	job->result.arg = arg;
	need_utf8_locale(name);

	pthread_mutex_lock(&r->lock);
	/* An idle worker may have been woken for an earlier job and not have taken it
	 * yet. */
	if (r->n_waiting >= r->idle && r->threads < RESOLVE_MAX_THREADS)
		err = start_thread(r);
	if (err && !r->threads) {
		pthread_mutex_unlock(&r->lock);
		job_free(job);
		return err;
	}
	*r->waiting_tail = job;
	r->waiting_tail = &job->next;
	r->n_waiting++;
	pthread_cond_signal(&r->work);
	pthread_mutex_unlock(&r->lock);
	return 0;
}

int resolver_take(struct resolver *r, struct resolve_result *ret_result)
{
	struct job *job;
	uint64_t count;

	pthread_mutex_lock(&r->lock);
	job = r->done;
	if (!job) {
		/* Reset the counter under the lock, so that no announcement is lost. */
		if (read(r->fd, &count, sizeof(count)) < 0) {
			/* EAGAIN: it was zero. */
		}
		pthread_mutex_unlock(&r->lock);
		return 0;
	}
	r->done = job->next;
	if (!r->done)
		r->done_tail = &r->done;
	pthread_mutex_unlock(&r->lock);
	*ret_result = job->result;
	job->result.addrs = NULL;
	job_free(job);
	return 1;
}

void resolve_result_release(struct resolve_result *result)
{
	if (!result)
		return;
	free(result->addrs);
	result->addrs = NULL;
	result->n_addrs = 0;
}
