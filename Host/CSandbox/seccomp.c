#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the sandbox has no list of system calls for this architecture"
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self 446
#endif

// A system call, and what two of its arguments must be. Arguments are compared in their lower halves: those looked at
// are 32 bits wide, or bit masks whose upper halves mean nothing.
enum test { ANY = 0, CLEAR, SET, EQUAL, AT_MOST, SELF };
// What a call that passes its tests gets.
enum verdict { ALLOWED = 0, NO_TERMINAL };
struct condition {
    enum test test;
    uint8_t argument;
    uint32_t value;
};
struct rule {
    int call;
    struct condition conditions[2];
    enum verdict verdict;
};

#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY))

static const struct rule serving[] = {
    // The host's sockets, which are connected and the only ones.
    {SYS_recvfrom},
    {SYS_sendto},
#ifdef SYS_poll
    {SYS_poll},
#endif
    {SYS_ppoll},
    // A poll() that a stopped and continued process goes on with.
    {SYS_restart_syscall},
    // What the plugin or its runtime prints, above all before it aborts: descriptors 0 to 2 (0 is only for reading).
    {SYS_write, {{AT_MOST, 0, 2}}},
    {SYS_writev, {{AT_MOST, 0, 2}}},
    // malloc(): no files, nothing that can be executed.
    {SYS_brk},
    {SYS_mmap, {{CLEAR, 2, PROT_EXEC}, {SET, 3, MAP_ANONYMOUS}}},
    {SYS_mprotect, {{CLEAR, 2, PROT_EXEC}}},
    {SYS_mremap},
    {SYS_munmap},
    {SYS_madvise},
    // Locks and once-initializers of the C library and of Swift's runtime, which may give up the processor meanwhile.
    {SYS_futex},
    {SYS_sched_yield},
    // Where the clock cannot be read without a call, and for the process's own CPU time.
    {SYS_clock_gettime},
    {SYS_gettimeofday},
    // gantry_host.random, seeds of hash tables.
    {SYS_getrandom},
    // abort(), so that a failed assertion is reported as one.
    {SYS_rt_sigprocmask},
    {SYS_getpid},
    {SYS_gettid},
    {SYS_tgkill, {{SELF, 0, 0}, {EQUAL, 2, SIGABRT}}},
    {SYS_exit_group},
};

// Beside those of serving: what the loader and the constructors of libraries do, and the way into the next stage.
static const struct rule loading[] = {
#ifdef SYS_open
    {SYS_open, {{CLEAR, 1, WRITING}}},
    {SYS_stat},
    {SYS_lstat},
    {SYS_access},
    {SYS_readlink},
#endif
    {SYS_openat, {{CLEAR, 2, WRITING}}},
    {SYS_close},
    {SYS_read},
    {SYS_pread64},
    {SYS_lseek},
    {SYS_fstat},
    {SYS_newfstatat},
    {SYS_statx},
    {SYS_faccessat},
    {SYS_readlinkat},
    {SYS_getcwd},
    {SYS_uname},
    // isatty(), which Swift's runtime asks in a constructor: nothing is a terminal here.
    {SYS_ioctl, .verdict = NO_TERMINAL},
    // The code of libraries; serving's entries for these do not allow that.
    {SYS_mmap},
    {SYS_mprotect},
    // Runtimes ask for the stack's size, the processors and the memory. (A pointer whose lower half is zero could set
    // limits of this process: only to lower ones.)
    {SYS_prlimit64, {{EQUAL, 0, 0}, {EQUAL, 2, 0}}},
    {SYS_sched_getaffinity},
    {SYS_sysinfo},
    {SYS_getuid},
    {SYS_geteuid},
    {SYS_getgid},
    {SYS_getegid},
    // SEAL.
    {SYS_seccomp},
    {SYS_landlock_create_ruleset},
    {SYS_landlock_restrict_self},
};

enum { MOST_INSTRUCTIONS = 512, COUNT_SERVING = sizeof(serving) / sizeof(*serving),
       COUNT_LOADING = sizeof(loading) / sizeof(*loading) };

struct program {
    struct sock_filter instructions[MOST_INSTRUCTIONS];
    unsigned short count;
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false) {
    // The lists above are far shorter; a program that does not fit is refused by the kernel, for it does not return.
    if (program->count == MOST_INSTRUCTIONS) return;
    program->instructions[program->count++] = (struct sock_filter){code, if_true, if_false, value};
}

static void load(struct program *program, size_t offset) {
    add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

// Goes on if the condition holds, else returns.
static void add_condition(struct program *program, struct condition condition) {
    load(program, offsetof(struct seccomp_data, args) + 8 * condition.argument);
    uint32_t value = condition.test == SELF ? (uint32_t)getpid() : condition.value;
    switch (condition.test) {
    case CLEAR: add(program, BPF_JMP | BPF_JSET | BPF_K, value, 0, 1); break;
    case SET: add(program, BPF_JMP | BPF_JSET | BPF_K, value, 1, 0); break;
    case AT_MOST: add(program, BPF_JMP | BPF_JGT | BPF_K, value, 0, 1); break;
    default: add(program, BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0); break;
    }
    add(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

static void add_rules(struct program *program, const struct rule *rules, size_t count, const struct rule *but, size_t buts) {
    for (size_t i = 0; i < count; i++) {
        int replaced = 0;
        for (size_t j = 0; j < buts; j++) replaced |= but[j].call == rules[i].call;
        if (replaced) continue;
        uint8_t length = 1;
        for (int j = 0; j < 2; j++) length += rules[i].conditions[j].test == ANY ? 0 : 3;
        add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rules[i].call, 0, length);
        for (int j = 0; j < 2; j++) {
            if (rules[i].conditions[j].test != ANY) add_condition(program, rules[i].conditions[j]);
        }
        uint32_t verdict = rules[i].verdict == NO_TERMINAL ? SECCOMP_RET_ERRNO | ENOTTY : SECCOMP_RET_ALLOW;
        add(program, BPF_RET | BPF_K, verdict, 0, 0);
    }
}

int gantry_sandbox_restrict_calls(enum gantry_sandbox_stage stage, const char **what) {
    struct program program = {.count = 0};
    load(&program, offsetof(struct seccomp_data, arch));
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    add(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    load(&program, offsetof(struct seccomp_data, nr));
    // Calls of the x32 ABI have other numbers and so are none of the list.
    int is_loading = stage == GANTRY_SANDBOX_LOADING;
    add_rules(&program, serving, COUNT_SERVING, loading, is_loading ? COUNT_LOADING : 0);
    if (is_loading) add_rules(&program, loading, COUNT_LOADING, NULL, 0);
    add(&program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
    struct sock_fprog list = {.len = program.count, .filter = program.instructions};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &list) != 0) return *what = "seccomp", errno;
    return 0;
}

uint32_t gantry_sandbox_allowed_calls(enum gantry_sandbox_stage stage) {
    uint32_t count = COUNT_SERVING;
    for (size_t i = 0; stage == GANTRY_SANDBOX_LOADING && i < COUNT_LOADING; i++) {
        int is_new = 1;
        for (size_t j = 0; j < COUNT_SERVING; j++) is_new &= serving[j].call != loading[i].call;
        count += (uint32_t)is_new;
    }
    return count;
}
