// SPDX-License-Identifier: MIT
// Lets Debian's xl make its dry runs on a plain Linux: fakes what it asks a hypervisor and xenstore before it reads a file. Preloaded by
// record-configurations.sh. The host: two CPUs, the second of them in no pool, and one node.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { cpus = 2, nodes = 1 };

void *xc_interface_open(void *logger, void *dombuild_logger, unsigned flags) { return calloc(1, 64); }
int xc_interface_close(void *xc) { return 0; }
int xc_get_max_cpus(void *xc) { return cpus; }
int xc_get_online_cpus(void *xc) { return cpus; }
int xc_get_max_nodes(void *xc) { return nodes; }

// xen/include/public/sysctl.h: threads_per_core, cores_per_socket, nr_cpus, max_cpu_id, nr_nodes, max_node_id.
int xc_physinfo(void *xc, uint32_t *info)
{
    memset(info, 0, 6 * sizeof *info);
    info[0] = 1;
    info[1] = cpus;
    info[2] = cpus;
    info[3] = cpus - 1;
    info[4] = nodes;
    return 0;
}

// There is no domain.
int xc_domain_getinfolist(void *xc, uint32_t first, unsigned count, void *list) { return 0; }

long xc_sharing_freed_pages(void *xc) { return 0; }
long xc_sharing_used_frames(void *xc) { return 0; }

// Each CPU: core, socket, node.
int xc_cputopoinfo(void *xc, unsigned *count, uint32_t *topology)
{
    *count = cpus;
    for (int i = 0; topology && i < cpus; i++) {
        topology[3 * i] = i;
        topology[3 * i + 1] = topology[3 * i + 2] = 0;
    }
    return 0;
}

int xc_version(void *xc, int command, void *argument)
{
    if (argument) memset(argument, 0, 8);
    return 0;
}

int xc_sched_id(void *xc, int *scheduler) { *scheduler = 6; return 0; } // credit2

struct pool { uint32_t id, scheduler, domains; uint8_t *cpumap; };

struct pool *xc_cpupool_getinfo(void *xc, uint32_t id)
{
    if (id > 0) {
        errno = ENOENT;
        return NULL;
    }
    struct pool *pool = calloc(1, sizeof *pool);
    pool->scheduler = 6;
    pool->domains = 1;
    pool->cpumap = calloc(1, 8);
    pool->cpumap[0] = 1;
    return pool;
}

void xc_cpupool_infofree(void *xc, struct pool *pool) { free(pool->cpumap); free(pool); }
uint8_t *xc_cpupool_freeinfo(void *xc) { uint8_t *map = calloc(1, 8); map[0] = 2; return map; }

void *xs_open(unsigned long flags) { return calloc(1, 64); }
void xs_close(void *xs) {}
void *xs_read(void *xs, uint32_t transaction, const char *path, unsigned *length)
{
    if (strcmp(path, "/local/pool/0/name")) return NULL;
    if (length) *length = 6;
    return strdup("Pool-0");
}

// xl.conf has a fixed place; another file can stand in for it.
static FILE *redirect(const char *function, const char *path, const char *mode)
{
    FILE *(*next)(const char *, const char *) = dlsym(RTLD_NEXT, function);
    const char *other = getenv("XL_CONF");
    return next(other && !strcmp(path, "/etc/xen/xl.conf") ? other : path, mode);
}

FILE *fopen(const char *path, const char *mode) { return redirect("fopen", path, mode); }
FILE *fopen64(const char *path, const char *mode) { return redirect("fopen64", path, mode); }
