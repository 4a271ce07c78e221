/// Loaded before libc under valgrind: copies the mask onto the stack.
///
/// libdispatch parks the main thread in sigsuspend() with a mask in read-only memory, and valgrind 3.19 writes to the
/// mask it is given, so that every Swift program with an asynchronous main crashes it.
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *mask)
{
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, (size_t)8);
}
