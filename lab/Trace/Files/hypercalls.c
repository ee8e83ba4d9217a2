// SPDX-License-Identifier: MIT
// Preloaded into a tool of dom0: writes each hypercall that it makes through libxencall and libxenforeignmemory, or by ioctl without them, to the file that
// HYPERCALL_LOG names, one a line, read by lab/Trace/HypercallLog.cs:
//   PID call OP ARG... in=HEX = RESULT ERRNO out=HEX
//   PID map domain=N protection=N pages=N first=HEX = RESULT ERRNO
//   PID copy domain=N = RESULT ERRNO, into pages that the domain has granted
// HEX is the structure that the call is about, before and after it. A multicall is told entry by entry.
// MAPPING_HOLE=FIRST-END, in hex: mappings by libxenforeignmemory that begin at one of these frames fail at once, without a log line. Debian's xl dump-core asks
// for each frame of a guest's hole by itself.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { memory_op = 12, multicall = 13, grant_table_op = 20, event_channel_op = 32, hvm_op = 34, sysctl = 35, domctl = 36 };

static int log_file = -1;

// Set in a thread that is in one of the libraries' functions, whose own ioctl is no call of its own.
static __thread int in_library;

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

// The structure that an operation is about: where the pointer to it stands among the arguments, and how much of it is of interest.
static const uint8_t *structure_of(uint64_t op, const uint64_t *a, int count, unsigned *size) {
    int place = op == domctl || op == sysctl ? 0 : 1;
    switch (op) {
    case domctl: *size = 16 + 128; break;
    case sysctl: *size = 8 + 128; break;
    case memory_op: *size = 32; break;
    case hvm_op: *size = 16; break;
    case event_channel_op: *size = 8; break;
    case grant_table_op: *size = 24; break;
    default: *size = 0;
    }
    if (place >= count || a[place] <= 0xffff)
        *size = 0;
    return *size ? (const uint8_t *)a[place] : 0;
}

static int hex(char *to, const uint8_t *from, unsigned size) {
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < size; i++) {
        *to++ = digits[from[i] >> 4];
        *to++ = digits[from[i] & 15];
    }
    return 2 * size;
}

enum { line_size = 1024, most_entries = 16 };

static int begin(char *line, uint64_t op, const uint64_t *a, int count) {
    unsigned size;
    const uint8_t *structure = structure_of(op, a, count, &size);
    int n = snprintf(line, line_size, "%d call %llu", getpid(), (unsigned long long)op);
    for (int i = 0; i < count; i++)
        n += snprintf(line + n, line_size - n, " %llx", (unsigned long long)a[i]);
    n += snprintf(line + n, line_size - n, " in=");
    return n + hex(line + n, structure, size);
}

static void end(char *line, int n, uint64_t op, const uint64_t *a, int count, int64_t result, int error) {
    unsigned size;
    const uint8_t *structure = structure_of(op, a, count, &size);
    n += snprintf(line + n, line_size - n, " = %lld %d out=", (long long)result, error);
    n += hex(line + n, structure, size);
    line[n++] = '\n';
    put(line, n);
}

// An entry of a multicall: what is asked for, the result, six arguments.
struct entry {
    uint64_t op;
    int64_t result;
    uint64_t arguments[6];
};

static int64_t logged(unsigned op, const uint64_t *a, int count, int64_t (*make)(void *, unsigned, const uint64_t *), void *handle) {
    static __thread char lines[most_entries][line_size];
    static __thread int lengths[most_entries];
    if (op != multicall || a[1] > most_entries) {
        lengths[0] = begin(lines[0], op, a, count);
        in_library++;
        int64_t result = make(handle, op, a);
        int error = errno;
        in_library--;
        end(lines[0], lengths[0], op, a, count, result, result < 0 ? error : 0);
        errno = error;
        return result;
    }
    struct entry *entries = (struct entry *)a[0];
    for (uint64_t i = 0; i < a[1]; i++)
        lengths[i] = begin(lines[i], entries[i].op, entries[i].arguments, 2);
    in_library++;
    int64_t result = make(handle, op, a);
    int error = errno;
    in_library--;
    for (uint64_t i = 0; i < a[1]; i++)
        end(lines[i], lengths[i], entries[i].op, entries[i].arguments, 2, entries[i].result < 0 ? -1 : entries[i].result, entries[i].result < 0 ? (int)-entries[i].result : 0);
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

static int is_in_hole(uint64_t frame) {
    static int is_known;
    static unsigned long long first, end;
    const char *hole = is_known++ ? 0 : getenv("MAPPING_HOLE");
    if (hole && sscanf(hole, "%llx-%llx", &first, &end) != 2)
        end = 0;
    return frame >= first && frame < end;
}

static void put_map(unsigned domain, int protection, size_t pages, const uint64_t *frames, int failed) {
    char line[256];
    int n = snprintf(line, sizeof line, "%d map domain=%u protection=%d pages=%zu first=%llx = %d %d\n", getpid(), domain, protection, pages,
                     (unsigned long long)(pages ? frames[0] : 0), failed ? -1 : 0, failed ? errno : 0);
    put(line, n);
}

static void put_copy(unsigned domain, int failed) {
    char line[256];
    int n = snprintf(line, sizeof line, "%d copy domain=%u = %d %d\n", getpid(), domain, failed ? -1 : 0, failed ? errno : 0);
    put(line, n);
}

void *xenforeignmemory_map2(void *h, uint32_t domain, void *address, int protection, int flags, size_t pages, const uint64_t *frames, int *errors) {
    NEXT(xenforeignmemory_map2);
    if (pages && is_in_hole(frames[0])) {
        errno = EINVAL;
        return 0;
    }
    in_library++;
    void *result = next(h, domain, address, protection, flags, pages, frames, errors);
    in_library--;
    put_map(domain, protection, pages, frames, !result);
    return result;
}

void *xenforeignmemory_map(void *h, uint32_t domain, int protection, size_t pages, const uint64_t *frames, int *errors) {
    return xenforeignmemory_map2(h, domain, 0, protection, 0, pages, frames, errors);
}

// linux/include/uapi/xen/privcmd.h
enum { hypercall_request = 0x305000, map_request = 0x205004, unknown_protection = -1 };

// linux/include/uapi/xen/gntdev.h
enum { copy_request = 0x104708, to_grant = 2 };

struct copy_segment {
    uint64_t source;
    struct {
        uint32_t reference;
        uint16_t offset;
        uint16_t domain;
    } target;
    uint16_t length, flags;
    int16_t status;
};

struct copy_batch {
    uint32_t count;
    const struct copy_segment *segments;
};

struct map_batch {
    uint32_t pages;
    uint16_t domain;
    uint64_t address;
    const uint64_t *frames;
    int *errors;
};

static int64_t make_ioctl(void *h, unsigned op, const uint64_t *a) {
    NEXT(ioctl);
    uint64_t call[6] = { op, a[0], a[1], a[2], a[3], a[4] };
    return next((int)(intptr_t)h, hypercall_request, call);
}

int ioctl(int file, unsigned long request, ...) {
    NEXT(ioctl);
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (in_library || (request != hypercall_request && request != map_request && request != copy_request))
        return next(file, request, argument);
    if (request == hypercall_request) {
        const uint64_t *call = argument;
        int count = 5;
        while (count > 0 && !call[count])
            count--;
        return logged(call[0], call + 1, count, make_ioctl, (void *)(intptr_t)file);
    }
    int result = next(file, request, argument);
    if (request == copy_request) {
        const struct copy_batch *copies = argument;
        if (copies->count && copies->segments[0].flags & to_grant)
            put_copy(copies->segments[0].target.domain, result < 0);
        return result;
    }
    const struct map_batch *batch = argument;
    put_map(batch->domain, unknown_protection, batch->pages, batch->frames, result < 0);
    return result;
}
