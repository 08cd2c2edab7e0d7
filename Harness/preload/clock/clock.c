/*
 * A machine whose clock can be set without setting it.
 *
 * Preloaded (LD_PRELOAD) into managers: the wall clock they read is the machine's plus the seconds in a file, a signed
 * 64-bit number that the test changes while they run. Monotonic clocks are not changed, as with clock_settime.
 *
 *   BEANROW_CLOCK  the file, at least 8 bytes long
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static int (*real_clock_gettime)(clockid_t, struct timespec *);
static _Atomic int64_t *shift;

static void find_functions(void) {
    if (real_clock_gettime == NULL) *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

__attribute__((constructor)) static void start(void) {
    find_functions();
    const char *path = getenv("BEANROW_CLOCK");
    if (path == NULL) return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *memory = mmap(NULL, sizeof *shift, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED) shift = memory;
}

static time_t shift_now(void) { return shift == NULL ? 0 : (time_t)atomic_load(shift); }

EXPORT int clock_gettime(clockid_t clock, struct timespec *time) {
    find_functions();
    int result = real_clock_gettime(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += shift_now();
    return result;
}

EXPORT int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    if (result == 0) {
        time->tv_sec = now.tv_sec;
        time->tv_usec = now.tv_nsec / 1000;
    }
    return result;
}

EXPORT time_t time(time_t *place) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) return (time_t)-1;
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
