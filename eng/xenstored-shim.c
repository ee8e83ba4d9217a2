// SPDX-License-Identifier: MIT
// Lets Debian's xenstore daemons run on a plain Linux: fakes the calls by which they reach Xen. Preloaded by the benchmark and the comparison.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>


static int event_pipe[2] = { -1, -1 };
static int fake_events(void) { if (event_pipe[0] < 0 && pipe2(event_pipe, O_CLOEXEC) < 0) return -1; return event_pipe[0]; }

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags) { return malloc(16); }
int xc_interface_close(void *xch) { return 0; }
int xc_domain_getinfo(void *xch, unsigned first, unsigned max, void *info) { memset(info, 0, 64); *(unsigned *)info = first; return first < 1000 ? 1 : 0; }

void *xenevtchn_open(void *logger, unsigned flags) { return malloc(16); }
void *xenevtchn_fdopen(void *logger, int fd, unsigned flags) { return malloc(16); }
int xenevtchn_close(void *xce) { return 0; }
int xenevtchn_fd(void *xce) { return fake_events(); }
int xenevtchn_notify(void *xce, unsigned port) { return 0; }
int xenevtchn_bind_interdomain(void *xce, unsigned domid, unsigned port) { static int next = 10; return next++; }
int xenevtchn_bind_virq(void *xce, unsigned virq) { return 3; }
int xenevtchn_unbind(void *xce, unsigned port) { return 0; }
int xenevtchn_pending(void *xce) { return -1; }
int xenevtchn_unmask(void *xce, unsigned port) { return 0; }

void *xengnttab_open(void *logger, unsigned flags) { return malloc(16); }
int xengnttab_close(void *xgt) { return 0; }
int xengnttab_set_max_grants(void *xgt, unsigned count) { return 0; }
void *xengnttab_map_grant_ref(void *xgt, unsigned domid, unsigned ref, int prot)
{ return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
int xengnttab_unmap(void *xgt, void *start, unsigned count) { return munmap(start, 4096 * count); }

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit) { return 0; }

static int fake_file(const char *path)
{
    if (!strcmp(path, "/proc/xen/xsd_port")) { int fd = memfd_create("port", 0); if (write(fd, "2\n", 2) < 0) return -1; lseek(fd, 0, SEEK_SET); return fd; }
    if (!strcmp(path, "/proc/xen/xsd_kva")) { int fd = memfd_create("kva", 0); if (ftruncate(fd, 4096)) return -1; return fd; }
    if (!strcmp(path, "/dev/xen/evtchn")) { int fds[2]; return pipe2(fds, O_CLOEXEC) ? -1 : fds[0]; }
    return -2;
}
#define OPEN(name) \
int name(const char *path, int flags, ...) \
{ \
    static int (*real)(const char *, int, ...); va_list list; va_start(list, flags); int mode = va_arg(list, int); va_end(list); \
    int fd = fake_file(path); if (fd != -2) return fd; \
    if (!real) real = dlsym(RTLD_NEXT, #name); \
    return real(path, flags, mode); \
}
OPEN(open)
OPEN(open64)

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    static int (*real)(int, const struct sockaddr *, socklen_t);
    const char *wanted = getenv("XENSTORED_PATH"); struct sockaddr_un mine;
    if (!real) real = dlsym(RTLD_NEXT, "bind");
    if (address->sa_family != AF_UNIX || !wanted) return real(fd, address, length);
    memset(&mine, 0, sizeof mine); mine.sun_family = AF_UNIX; strncpy(mine.sun_path, wanted, sizeof mine.sun_path - 1);
    unlink(wanted);
    return real(fd, (struct sockaddr *)&mine, sizeof mine);
}
