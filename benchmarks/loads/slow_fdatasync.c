/* A disk that needs at least a millisecond for every flush, to be loaded into PostgreSQL before its
 * own libraries (LD_PRELOAD). The flush is done, and the rest of the millisecond slept. PostgreSQL
 * flushes its log by fdatasync, and its files at checkpoints by fsync. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <time.h>

enum { LEAST_NS = 1000000, SECOND_NS = 1000000000 };

static int slowly(const char *name, int fd)
{
    int (*flush)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LEAST_NS;
    if (until.tv_nsec >= SECOND_NS) {
        until.tv_nsec -= SECOND_NS;
        until.tv_sec += 1;
    }
    int result = flush(fd);
    int error = errno;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
    errno = error;
    return result;
}

int fdatasync(int fd) { return slowly("fdatasync", fd); }

int fsync(int fd) { return slowly("fsync", fd); }
