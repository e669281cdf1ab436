/* The clocks of a machine that sleeps, or whose time is set, for the processes that are started with this preloaded.
 *
 * CLOCKS_ADDED names a file of two 64-bit numbers, nanoseconds: what to add to CLOCK_REALTIME and to CLOCK_BOOTTIME.
 * A sleep adds to both (CLOCK_MONOTONIC stands still then, and so do all timers); a clock that is set adds to the first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t none[2];
static const volatile int64_t *added = none;
static int (*real)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCKS_ADDED");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file < 0) return;
    void *found = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (found != MAP_FAILED) added = found;
    close(file);
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    if (!real) begin();
    int code = real(clock, at);
    if (code) return code;
    int64_t more = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? added[0] : clock == CLOCK_BOOTTIME ? added[1] : 0;
    int64_t all = (int64_t)at->tv_sec * 1000000000 + at->tv_nsec + more;
    at->tv_sec = all / 1000000000;
    at->tv_nsec = all % 1000000000;
    return 0;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
