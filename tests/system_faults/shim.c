// A library to preload: calls that do less than they are asked for, or are interrupted, and a clock that jumps.
//
// FAULTS_SHORT=N      reads and writes of files and pipes move at most N bytes
// FAULTS_INTERRUPT=N  every N-th read or write fails with EINTR
// FAULTS_CLOCK=WHAT   back: every look at the clock is a day before the last; future: from the third look on it is a thousand years
//                     later, now and then back again; early: it is before 1970
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static const time_t DAY = 86400, MILLENNIUM = 31556952000;

static long setting(const char *name) {
    const char *value = getenv(name);
    return value ? atol(value) : 0;
}

static int is_interrupted(void) {
    static atomic_long calls;
    long every = setting("FAULTS_INTERRUPT");
    return every && ++calls % every == 0;
}

// An event descriptor takes eight bytes or none, so only files and pipes are cut short.
static size_t allowed(int file, size_t count) {
    size_t most = (size_t)setting("FAULTS_SHORT");
    struct stat status;
    if (!most || count <= most || fstat(file, &status)) return count;
    return S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode) ? most : count;
}

#define NEXT(name) \
    static __typeof__(name) *next; \
    if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

#define INTERRUPTED_NEXT(name) \
    NEXT(name); \
    if (is_interrupted()) { \
        errno = EINTR; \
        return -1; \
    }

ssize_t read(int file, void *bytes, size_t count) {
    INTERRUPTED_NEXT(read)
    return next(file, bytes, allowed(file, count));
}

ssize_t write(int file, const void *bytes, size_t count) {
    INTERRUPTED_NEXT(write)
    return next(file, bytes, allowed(file, count));
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
    INTERRUPTED_NEXT(pread64)
    return next(file, bytes, allowed(file, count), offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    INTERRUPTED_NEXT(pwrite64)
    return next(file, bytes, allowed(file, count), offset);
}

ssize_t readv(int file, const struct iovec *parts, int count) {
    return count ? read(file, parts[0].iov_base, parts[0].iov_len) : 0;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    return count ? write(file, parts[0].iov_base, parts[0].iov_len) : 0;
}

static time_t jumped(time_t now) {
    static atomic_long looks;
    const char *what = getenv("FAULTS_CLOCK");
    long look = looks++;
    if (!what) return now;
    if (!strcmp(what, "back")) return now - look * DAY;
    if (!strcmp(what, "early")) return -DAY - look;
    return look > 2 && look % 5 ? now + MILLENNIUM : now;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    NEXT(clock_gettime);
    int result = next(clock, now);
    if (!result && clock == CLOCK_REALTIME) now->tv_sec = jumped(now->tv_sec);
    return result;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec precise;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise)) return -1;
    *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return result ? (*result = now.tv_sec) : now.tv_sec;
}
