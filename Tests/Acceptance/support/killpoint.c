/* Kills the process just before its Nth call that leaves a trace outside of it.
 *
 * Preloaded into a program, this stands in front of the C library's functions that write, send, sync, shorten, rename
 * or remove. While the test has armed it, each such call is counted, and the one whose number is the target is not
 * made any more: the process dies by SIGKILL, as in a crash or when the machine ends it. What goes to the log (the
 * descriptors 1 and 2), and to pipes and eventfds, which wake threads of the same process, is not counted.
 *
 * The control block is a small file that the test maps too; GANTRY_KILLPOINT_FILE names it. Nothing here allocates,
 * locks, or changes errno of the caller, so it may stand in front of calls from any thread and any signal handler.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The other side is killpoint.py: the order and the sizes are the same there. */
struct control {
    _Atomic uint32_t armed;
    _Atomic uint32_t target; /* The number of the deadly call; 0: count only. */
    _Atomic uint32_t count;
    _Atomic uint32_t files;   /* Of the count: calls on regular files and on names of files. */
    _Atomic uint32_t sockets; /* Of the count: calls on sockets. */
    char deadly[20];          /* The name of the function that was not called any more. */
};

static struct control *control;

/* Dies, or waits for the death that another thread has called. */
static void die(const char *name, uint32_t number, uint32_t target) {
    if (number == target) {
        strncpy(control->deadly, name, sizeof control->deadly - 1);
        kill(getpid(), SIGKILL);
    }
    for (;;) pause();
}

static void count(const char *name, _Atomic uint32_t *kind) {
    atomic_fetch_add(kind, 1);
    uint32_t number = atomic_fetch_add(&control->count, 1) + 1;
    uint32_t target = atomic_load(&control->target);
    if (target != 0 && number >= target) die(name, number, target);
}

static int is_armed(void) {
    return control != NULL && atomic_load_explicit(&control->armed, memory_order_relaxed) != 0;
}

/* Looks at the descriptor each time: a number that was a file may be a socket by now. */
static void before_use(const char *name, int descriptor) {
    if (!is_armed() || descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO) return;
    int saved = errno;
    struct stat what;
    if (fstat(descriptor, &what) == 0) {
        if (S_ISREG(what.st_mode)) count(name, &control->files);
        if (S_ISSOCK(what.st_mode)) count(name, &control->sockets);
    }
    errno = saved;
}

static void before_naming(const char *name) {
    if (is_armed()) count(name, &control->files);
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

/* Defines a function like the C library's that comes to `before` first. A call that comes before the constructor, from
 * that of another library, looks for its own. */
#define INTERPOSE(before, result, name, parameters, arguments) \
    static result(*next_##name) parameters; \
    result name parameters { \
        if (next_##name == NULL) next_##name = next(#name); \
        before; \
        return next_##name arguments; \
    }

#define ON_DESCRIPTOR(result, name, parameters, arguments) \
    INTERPOSE(before_use(#name, descriptor), result, name, parameters, arguments)

#define ON_NAME(name, parameters, arguments) INTERPOSE(before_naming(#name), int, name, parameters, arguments)

ON_DESCRIPTOR(ssize_t, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
ON_DESCRIPTOR(ssize_t, writev, (int descriptor, const struct iovec *parts, int size), (descriptor, parts, size))
ON_DESCRIPTOR(ssize_t, pwrite, (int descriptor, const void *bytes, size_t size, off_t offset),
              (descriptor, bytes, size, offset))
ON_DESCRIPTOR(ssize_t, pwrite64, (int descriptor, const void *bytes, size_t size, off64_t offset),
              (descriptor, bytes, size, offset))
ON_DESCRIPTOR(ssize_t, pwritev, (int descriptor, const struct iovec *parts, int size, off_t offset),
              (descriptor, parts, size, offset))
ON_DESCRIPTOR(ssize_t, send, (int descriptor, const void *bytes, size_t size, int flags),
              (descriptor, bytes, size, flags))
ON_DESCRIPTOR(ssize_t, sendto,
              (int descriptor, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length),
              (descriptor, bytes, size, flags, to, length))
ON_DESCRIPTOR(ssize_t, sendmsg, (int descriptor, const struct msghdr *message, int flags),
              (descriptor, message, flags))
ON_DESCRIPTOR(int, sendmmsg, (int descriptor, struct mmsghdr *messages, unsigned size, int flags),
              (descriptor, messages, size, flags))
ON_DESCRIPTOR(ssize_t, sendfile, (int descriptor, int source, off_t *offset, size_t size),
              (descriptor, source, offset, size))
ON_DESCRIPTOR(ssize_t, sendfile64, (int descriptor, int source, off64_t *offset, size_t size),
              (descriptor, source, offset, size))
ON_DESCRIPTOR(int, fsync, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, fdatasync, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
ON_DESCRIPTOR(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size))
ON_NAME(unlink, (const char *path), (path))
ON_NAME(unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
ON_NAME(rename, (const char *from, const char *to), (from, to))
ON_NAME(renameat, (int folder, const char *from, int other, const char *to), (folder, from, other, to))
ON_NAME(linkat, (int folder, const char *from, int other, const char *to, int flags), (folder, from, other, to, flags))
ON_NAME(mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))

__attribute__((constructor)) static void prepare(void) {
#define FIND(name) next_##name = next(#name)
    FIND(write), FIND(writev), FIND(pwrite), FIND(pwrite64), FIND(pwritev), FIND(send), FIND(sendto), FIND(sendmsg);
    FIND(sendmmsg), FIND(sendfile), FIND(sendfile64), FIND(fsync), FIND(fdatasync), FIND(ftruncate), FIND(ftruncate64);
    FIND(unlink), FIND(unlinkat), FIND(rename), FIND(renameat), FIND(linkat), FIND(mkdirat);
    const char *path = getenv("GANTRY_KILLPOINT_FILE");
    if (path == NULL) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) abort();
    void *block = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (block == MAP_FAILED) abort();
    close(file);
    control = block;
}
