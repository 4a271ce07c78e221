#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAIL(call) return *what = (call), errno

int gantry_sandbox_watch_lifeline(int descriptor, const char **what) {
    if (fcntl(descriptor, F_SETOWN, getpid()) != 0) FAIL("fcntl(F_SETOWN)");
    // Not SIGIO, which a plugin could block.
    if (fcntl(descriptor, F_SETSIG, SIGKILL) != 0) FAIL("fcntl(F_SETSIG)");
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_ASYNC) != 0) FAIL("fcntl(O_ASYNC)");
    // What was closed before now sends no signal.
    struct pollfd lifeline = {.fd = descriptor};
    if (poll(&lifeline, 1, 0) > 0 && lifeline.revents & POLLHUP) kill(getpid(), SIGKILL);
    return 0;
}

static int ascending(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

void gantry_sandbox_warm_up(void) {
    // With TZ unset every localtime() looks at /etc/localtime.
    setenv("TZ", "UTC0", 1);
    tzset();
    // printf() asks what descriptor 1 is before it makes its buffer; with one that is given it does not.
    static char buffer[4096];
    setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
    // The first qsort() of more than 1 KiB asks how much memory the machine has.
    static int numbers[1024];
    for (int i = 0; i < 1024; i++) numbers[i] = (i * 7919) % 1024;
    qsort(numbers, 1024, sizeof(int), ascending);
}

static int drop_capabilities(const char **what) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};
    if (syscall(SYS_capset, &header, none) != 0) FAIL("capset");
    return 0;
}

static int limit(int resource, rlim_t most, const char *name, const char **what) {
    struct rlimit current;
    if (getrlimit(resource, &current) != 0) FAIL(name);
    // A limit that is lower already cannot be raised, and need not.
    if (current.rlim_max != RLIM_INFINITY && current.rlim_max < most) most = current.rlim_max;
    struct rlimit lowered = {most, most};
    if (setrlimit(resource, &lowered) != 0) FAIL(name);
    return 0;
}

int gantry_sandbox_limit(uint64_t memory_bytes, uint32_t descriptors, const char **what) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) FAIL("prctl(PR_SET_NO_NEW_PRIVS)");
    int failed = drop_capabilities(what);
    if (!failed) failed = limit(RLIMIT_AS, memory_bytes, "setrlimit(RLIMIT_AS)", what);
    if (!failed) failed = limit(RLIMIT_NOFILE, descriptors, "setrlimit(RLIMIT_NOFILE)", what);
    if (!failed) failed = limit(RLIMIT_CORE, 0, "setrlimit(RLIMIT_CORE)", what);
    if (!failed) failed = limit(RLIMIT_FSIZE, 0, "setrlimit(RLIMIT_FSIZE)", what);
    if (!failed) failed = limit(RLIMIT_NPROC, 0, "setrlimit(RLIMIT_NPROC)", what);
    if (!failed) failed = limit(RLIMIT_MEMLOCK, 0, "setrlimit(RLIMIT_MEMLOCK)", what);
    if (!failed) failed = limit(RLIMIT_MSGQUEUE, 0, "setrlimit(RLIMIT_MSGQUEUE)", what);
    if (failed) return failed;
    // Last, for changes of privileges reset it.
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) FAIL("prctl(PR_SET_DUMPABLE)");
    return 0;
}

// What the kernel says of a process; -1 where it says nothing.
struct seal {
    long privileges, mode, filters;
};

static struct seal seal_of(const char *path) {
    struct seal seal = {-1, -1, -1};
    char line[256];
    FILE *status = fopen(path, "re");
    if (!status) return seal;
    while (fgets(line, sizeof(line), status)) {
        if (strncmp(line, "NoNewPrivs:", 11) == 0) seal.privileges = strtol(line + 11, NULL, 10);
        if (strncmp(line, "Seccomp:", 8) == 0) seal.mode = strtol(line + 8, NULL, 10);
        // It came with Linux 5.9.
        if (strncmp(line, "Seccomp_filters:", 16) == 0) seal.filters = strtol(line + 16, NULL, 10);
    }
    fclose(status);
    return seal;
}

uint32_t gantry_sandbox_own_filters(void) {
    long filters = seal_of("/proc/self/status").filters;
    return filters < 0 ? 0 : (uint32_t)filters;
}

int gantry_sandbox_is_sealed(int32_t process, uint32_t filters) {
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/status", (int)process);
    struct seal seal = seal_of(path);
    if (seal.privileges < 0 || seal.mode < 0 || seal.filters < 0) return -1;
    return seal.privileges == 1 && seal.mode == 2 && seal.filters >= (long)filters;
}

int gantry_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int gantry_spawn_close_from(posix_spawn_file_actions_t *actions, int first) {
    return posix_spawn_file_actions_addclosefrom_np(actions, first);
}
