#ifndef GANTRY_SANDBOX_H
#define GANTRY_SANDBOX_H

#include <spawn.h>
#include <stddef.h>
#include <stdint.h>

/* The sandbox of a worker, in two stages, for opening a library already runs code of it.
 *
 * LOADING  Files can be read in the folders that libraries come from, and memory can be made executable.
 * SERVING  No file, no new executable memory, a few system calls.
 *
 * Neither can start a process or a thread, open a socket, write to a file or look at another process. A system call
 * that is not allowed kills the process with SIGSYS; a file that may not be read is refused with EACCES.
 *
 * Every function returns 0 or an error number and puts the name of the call that failed into *what (static). */
enum gantry_sandbox_stage { GANTRY_SANDBOX_LOADING = 0, GANTRY_SANDBOX_SERVING = 1 };

/* The newest Landlock ABI that the kernel speaks; 0 if it has none. */
int gantry_landlock_abi(void);

/* Dies with SIGKILL when the last writing end of the pipe is closed, also in an endless loop of the plugin. */
int gantry_sandbox_watch_lifeline(int descriptor, const char **what);

/* Has the C library look up what it keeps from then on and could not look up inside: the time zone (UTC), the size of
 * the memory that sorting asks for, buffers of standard output. */
void gantry_sandbox_warm_up(void);

/* No new privileges, no capabilities, not dumpable, and the limits: so much mapped memory, so many descriptors,
 * no core, no written files, no processes, no locked memory. */
int gantry_sandbox_limit(uint64_t memory_bytes, uint32_t descriptors, const char **what);

/* Landlock: reads and executes beneath these files and folders (those that are not there are left out) and, if there are
 * any, in those of the libraries that the process has already; no network, no signal to and no abstract socket of others,
 * as far as the kernel's ABI has it. Without Landlock nothing happens. */
int gantry_sandbox_restrict_files(const char *const *paths, size_t count, const char **what);

/* seccomp: the system calls of a stage. */
int gantry_sandbox_restrict_calls(enum gantry_sandbox_stage stage, const char **what);

/* How many system calls a stage allows. */
uint32_t gantry_sandbox_allowed_calls(enum gantry_sandbox_stage stage);

/* How many seccomp filters this process is under, which those that it starts inherit; 0 if the kernel does not say. */
uint32_t gantry_sandbox_own_filters(void);

/* Whether a process is under no_new_privs and so many seccomp filters at least, as the kernel says in /proc.
 * 1: yes; 0: no; -1: the kernel does not say.
 *
 * It is no proof of the stage SERVING. The kernel does not say which filters they are: code that ran while LOADING can
 * have put one there that forbids nothing, and have reported the seal itself. Filters are never taken away, so that such
 * a process is still held by LOADING. Of Landlock and of the limits /proc/PID/status says nothing. */
int gantry_sandbox_is_sealed(int32_t process, uint32_t filters);

/* What the host needs to start a worker and the C library has for GNU programs only: pipe2(ends, O_CLOEXEC), and the
 * closing of all descriptors from one on. */
int gantry_pipe(int ends[2]);
int gantry_spawn_close_from(posix_spawn_file_actions_t *actions, int first);

#endif
