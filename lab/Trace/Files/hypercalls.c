// SPDX-License-Identifier: MIT
// Preloaded into a tool of dom0: writes each hypercall that it makes through libxencall and libxenforeignmemory to the file that
// HYPERCALL_LOG names, one a line, read by lab/Trace/HypercallLog.cs:
//   PID call OP ARG... in=HEX = RESULT ERRNO out=HEX
// HEX is the structure behind the last argument, before and after the call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { multicall = 13, memory_op = 12, xen_version = 17, grant_table_op = 20, event_channel_op = 32, physdev_op = 33, hvm_op = 34, sysctl = 35, domctl = 36 };

static int log_file = -1;

static void put(const char *text, int length) {
    int saved = errno;
    if (log_file < 0) {
        const char *path = getenv("HYPERCALL_LOG");
        if (path)
            log_file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    }
    if (log_file >= 0 && write(log_file, text, length) < 0)
        log_file = -1;
    errno = saved;
}

// How much of the structure behind the pointer is of interest; 0 when the argument is no pointer.
static unsigned size_of(unsigned op, uint64_t first) {
    switch (op) {
    case domctl: return 16 + 128;
    case sysctl: return 8 + 128;
    case memory_op: return 40;
    case hvm_op: return 24;
    case event_channel_op: return 16;
    case physdev_op: return 16;
    case grant_table_op: return 24;
    case xen_version: return 0;
    default: return 0;
    }
    (void)first;
}

static int hex(char *to, const uint8_t *from, unsigned size) {
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < size; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 15];
    }
    return 2 * size;
}

static int64_t logged(unsigned op, const uint64_t *a, int count, int64_t (*make)(void *, unsigned, const uint64_t *), void *handle) {
    static __thread char line[2048];
    unsigned size = count > 0 && a[count - 1] > 0xffff ? size_of(op, a[0]) : 0;
    // Of these the pointer is not the last argument.
    const uint8_t *structure = op == grant_table_op && count == 3 ? (void *)a[1] : count > 0 ? (void *)a[count - 1] : 0;
    if (op == grant_table_op)
        size = a[1] > 0xffff ? 24 : 0;
    int n = snprintf(line, sizeof line, "%d call %u", getpid(), op);
    for (int i = 0; i < count; i++)
        n += snprintf(line + n, sizeof line - n, " %llx", (unsigned long long)a[i]);
    n += snprintf(line + n, sizeof line - n, " in=");
    n += hex(line + n, structure, size);
    int64_t result = make(handle, op, a);
    int error = errno;
    n += snprintf(line + n, sizeof line - n, " = %lld %d out=", (long long)result, result < 0 ? error : 0);
    n += hex(line + n, structure, size);
    line[n++] = '\n';
    put(line, n);
    errno = error;
    return result;
}

#define NEXT(name) static __typeof__(&name) next; if (!next) next = dlsym(RTLD_NEXT, #name)

int xencall0(void *h, unsigned op);
int xencall1(void *h, unsigned op, uint64_t a);
int xencall2(void *h, unsigned op, uint64_t a, uint64_t b);
long xencall2L(void *h, unsigned op, uint64_t a, uint64_t b);
int xencall3(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c);
int xencall4(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
int xencall5(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);

static int64_t make0(void *h, unsigned op, const uint64_t *a) { NEXT(xencall0); (void)a; return next(h, op); }
static int64_t make1(void *h, unsigned op, const uint64_t *a) { NEXT(xencall1); return next(h, op, a[0]); }
static int64_t make2(void *h, unsigned op, const uint64_t *a) { NEXT(xencall2); return next(h, op, a[0], a[1]); }
static int64_t make2l(void *h, unsigned op, const uint64_t *a) { NEXT(xencall2L); return next(h, op, a[0], a[1]); }
static int64_t make3(void *h, unsigned op, const uint64_t *a) { NEXT(xencall3); return next(h, op, a[0], a[1], a[2]); }
static int64_t make4(void *h, unsigned op, const uint64_t *a) { NEXT(xencall4); return next(h, op, a[0], a[1], a[2], a[3]); }
static int64_t make5(void *h, unsigned op, const uint64_t *a) { NEXT(xencall5); return next(h, op, a[0], a[1], a[2], a[3], a[4]); }

int xencall0(void *h, unsigned op) { return logged(op, 0, 0, make0, h); }
int xencall1(void *h, unsigned op, uint64_t a) { uint64_t v[] = { a }; return logged(op, v, 1, make1, h); }
int xencall2(void *h, unsigned op, uint64_t a, uint64_t b) { uint64_t v[] = { a, b }; return logged(op, v, 2, make2, h); }
long xencall2L(void *h, unsigned op, uint64_t a, uint64_t b) { uint64_t v[] = { a, b }; return logged(op, v, 2, make2l, h); }
int xencall3(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c) { uint64_t v[] = { a, b, c }; return logged(op, v, 3, make3, h); }
int xencall4(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d) { uint64_t v[] = { a, b, c, d }; return logged(op, v, 4, make4, h); }
int xencall5(void *h, unsigned op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e) { uint64_t v[] = { a, b, c, d, e }; return logged(op, v, 5, make5, h); }

void *xenforeignmemory_map2(void *h, uint32_t domain, void *address, int protection, int flags, size_t pages, const uint64_t *frames, int *errors);

void *xenforeignmemory_map2(void *h, uint32_t domain, void *address, int protection, int flags, size_t pages, const uint64_t *frames, int *errors) {
    char line[256];
    NEXT(xenforeignmemory_map2);
    void *result = next(h, domain, address, protection, flags, pages, frames, errors);
    int n = snprintf(line, sizeof line, "%d map domain=%u protection=%d pages=%zu first=%llx = %d %d\n", getpid(), domain, protection, pages,
                     (unsigned long long)(pages ? frames[0] : 0), result ? 0 : -1, result ? 0 : errno);
    put(line, n);
    return result;
}

void *xenforeignmemory_map(void *h, uint32_t domain, int protection, size_t pages, const uint64_t *frames, int *errors) {
    return xenforeignmemory_map2(h, domain, 0, protection, 0, pages, frames, errors);
}
