#define _GNU_SOURCE
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The headers of the machine that builds may be older than the kernel that runs it.
// Source: include/uapi/linux/landlock.h of Linux 6.18.
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

struct ruleset {
    uint64_t files;
    uint64_t network; // ABI 4
    uint64_t scopes;  // ABI 6
};

struct path_rule {
    uint64_t allowed;
    int32_t descriptor;
} __attribute__((packed));

enum { CREATE_VERSION = 1, RULE_PATH_BENEATH = 1 };
enum { EXECUTE = 1, READ_FILE = 4, READ_DIRECTORY = 8 };

int gantry_landlock_abi(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);
    return abi < 0 ? 0 : (int)abi;
}

// What is handled is refused unless a rule allows it; an older kernel refuses rights that it does not know.
static struct ruleset everything(int abi, size_t *size) {
    struct ruleset all = {.files = (1ull << 13) - 1};
    *size = sizeof(all.files);
    if (abi >= 2) all.files |= 1ull << 13; // REFER
    if (abi >= 3) all.files |= 1ull << 14; // TRUNCATE
    if (abi >= 4) {
        all.network = 3; // BIND_TCP, CONNECT_TCP
        *size = sizeof(all.files) + sizeof(all.network);
    }
    if (abi >= 5) all.files |= 1ull << 15; // IOCTL_DEV
    if (abi >= 6) {
        all.scopes = 3; // ABSTRACT_UNIX_SOCKET, SIGNAL
        *size = sizeof(all);
    }
    return all;
}

static int allow(int ruleset, const char *path, const char **what) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return 0;
    struct stat status;
    int failed = 0;
    if (fstat(descriptor, &status) != 0) {
        *what = "fstat";
        failed = errno;
    } else {
        struct path_rule rule = {.allowed = EXECUTE | READ_FILE, .descriptor = descriptor};
        if (S_ISDIR(status.st_mode)) rule.allowed |= READ_DIRECTORY;
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) != 0) {
            *what = "landlock_add_rule";
            failed = errno;
        }
    }
    close(descriptor);
    return failed;
}

struct walk {
    int ruleset, failed;
    const char **what;
};

static int allow_folder(struct dl_phdr_info *library, size_t size, void *context) {
    (void)size;
    struct walk *walk = context;
    char folder[PATH_MAX];
    size_t length = strlen(library->dlpi_name);
    if (library->dlpi_name[0] != '/' || length >= sizeof(folder)) return 0;
    memcpy(folder, library->dlpi_name, length + 1);
    // Of a library at the root of the file system only the file itself.
    char *slash = strrchr(folder, '/');
    if (slash != folder) *slash = 0;
    walk->failed = allow(walk->ruleset, folder, walk->what);
    return walk->failed;
}

int gantry_sandbox_restrict_files(const char *const *paths, size_t count, const char **what) {
    int abi = gantry_landlock_abi();
    if (abi == 0) return 0;
    size_t size;
    struct ruleset all = everything(abi, &size);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    if (ruleset < 0) return *what = "landlock_create_ruleset", errno;
    int failed = 0;
    for (size_t i = 0; i < count && !failed; i++) failed = allow(ruleset, paths[i], what);
    if (!failed && count > 0) {
        struct walk walk = {ruleset, 0, what};
        dl_iterate_phdr(allow_folder, &walk);
        failed = walk.failed;
    }
    if (!failed && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        *what = "landlock_restrict_self";
        failed = errno;
    }
    close(ruleset);
    return failed;
}
