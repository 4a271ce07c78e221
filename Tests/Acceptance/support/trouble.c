/* A disk that refuses and a clock that is wrong, for one program.
 *
 * Preloaded into a program, this stands in front of the C library's functions that write to files and tell the time.
 * While the test has set an error, writing to a regular file below a folder, making one, or bringing it to the disk
 * fails with that error. While the test has set an offset, the time of day is that many seconds off; clocks that only
 * go forward are not.
 *
 * The control block is a small file that the test maps too; GANTRY_TROUBLE_FILE names it and GANTRY_TROUBLE_FOLDER the
 * folder. Nothing here allocates, locks, or changes errno where it does not fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The other side is trouble.py: the order and the sizes are the same there. */
struct control {
    _Atomic int64_t offset;  /* Seconds that the time of day is off. */
    _Atomic uint32_t error;  /* The errno of every write; 0: none fails. */
    _Atomic uint32_t failed; /* How many calls have failed so. */
};

static struct control *control;
static char folder[PATH_MAX];

static uint32_t error_of(void) {
    return control == NULL ? 0 : atomic_load_explicit(&control->error, memory_order_relaxed);
}

static int fail(uint32_t error) {
    atomic_fetch_add(&control->failed, 1);
    errno = (int)error;
    return 1;
}

static int is_below(const char *path) {
    size_t length = strlen(folder);
    return length > 0 && strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Whether a call on this descriptor is not made; errno is set then. */
static int refuses(int descriptor) {
    uint32_t error = error_of();
    if (error == 0) return 0;
    int saved = errno;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    struct stat what;
    int is_file = fstat(descriptor, &what) == 0 && S_ISREG(what.st_mode);
    errno = saved;
    if (length < 0 || !is_file) return 0;
    path[length] = 0;
    return is_below(path) && fail(error);
}

static int refuses_to_make(int directory, const char *path, int flags) {
    uint32_t error = error_of();
    if (error == 0 || (flags & O_CREAT) == 0) return 0;
    int saved = errno;
    char link[64], place[PATH_MAX] = "";
    const char *name = path;
    if (path[0] != '/' && directory != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t length = readlink(link, place, sizeof place - 1);
        place[length < 0 ? 0 : length] = 0;
        path = place;
    }
    /* What is there already is only opened. */
    int is_there = faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    errno = saved;
    return !is_there && is_below(path) && fail(error);
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) abort();
    return found;
}

#define ON_DESCRIPTOR(result, name, parameters, arguments) \
    static result(*next_##name) parameters; \
    result name parameters { \
        if (next_##name == NULL) next_##name = next(#name); \
        if (refuses(descriptor)) return -1; \
        return next_##name arguments; \
    }

ON_DESCRIPTOR(ssize_t, write, (int descriptor, const void *bytes, size_t size), (descriptor, bytes, size))
ON_DESCRIPTOR(ssize_t, writev, (int descriptor, const struct iovec *parts, int size), (descriptor, parts, size))
ON_DESCRIPTOR(ssize_t, pwrite, (int descriptor, const void *bytes, size_t size, off_t offset),
              (descriptor, bytes, size, offset))
ON_DESCRIPTOR(ssize_t, pwrite64, (int descriptor, const void *bytes, size_t size, off64_t offset),
              (descriptor, bytes, size, offset))
ON_DESCRIPTOR(int, fsync, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, fdatasync, (int descriptor), (descriptor))
ON_DESCRIPTOR(int, ftruncate, (int descriptor, off_t size), (descriptor, size))
ON_DESCRIPTOR(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size))

/* Where a mode follows the flags, it is passed on; without one it is not looked at. */
#define ON_OPENING(name, parameters, directory, ...) \
    static int (*next_##name) parameters; \
    int name parameters { \
        if (next_##name == NULL) next_##name = next(#name); \
        mode_t mode = 0; \
        if (flags & (O_CREAT | O_TMPFILE)) { \
            va_list rest; \
            va_start(rest, flags); \
            mode = va_arg(rest, mode_t); \
            va_end(rest); \
        } \
        if (refuses_to_make(directory, path, flags)) return -1; \
        return next_##name(__VA_ARGS__, flags, mode); \
    }

ON_OPENING(open, (const char *path, int flags, ...), AT_FDCWD, path)
ON_OPENING(open64, (const char *path, int flags, ...), AT_FDCWD, path)
ON_OPENING(openat, (int folder_descriptor, const char *path, int flags, ...), folder_descriptor, folder_descriptor, path)
ON_OPENING(openat64, (int folder_descriptor, const char *path, int flags, ...), folder_descriptor, folder_descriptor,
           path)

static int64_t offset(void) {
    return control == NULL ? 0 : atomic_load_explicit(&control->offset, memory_order_relaxed);
}

static int (*next_clock_gettime)(clockid_t, struct timespec *);
int clock_gettime(clockid_t clock, struct timespec *now) {
    if (next_clock_gettime == NULL) next_clock_gettime = next("clock_gettime");
    int result = next_clock_gettime(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset();
    return result;
}

static int (*next_gettimeofday)(struct timeval *, void *);
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    if (next_gettimeofday == NULL) next_gettimeofday = next("gettimeofday");
    int result = next_gettimeofday(now, zone);
    if (result == 0) now->tv_sec += offset();
    return result;
}

static time_t (*next_time)(time_t *);
time_t time(time_t *place) {
    if (next_time == NULL) next_time = next("time");
    time_t now = next_time(NULL) + offset();
    if (place != NULL) *place = now;
    return now;
}

__attribute__((constructor)) static void prepare(void) {
    const char *path = getenv("GANTRY_TROUBLE_FILE");
    if (path == NULL) return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) abort();
    void *block = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (block == MAP_FAILED) abort();
    close(file);
    const char *place = getenv("GANTRY_TROUBLE_FOLDER");
    if (place != NULL) snprintf(folder, sizeof folder, "%s", place);
    control = block;
}
