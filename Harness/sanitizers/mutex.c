/*
 * Tells the thread sanitizer what it does not see of Swift's Mutex.
 *
 * Preloaded (LD_PRELOAD) into tests that are built with the sanitizer. On Linux a Mutex that is free is locked and unlocked
 * by code that the compiler puts into the caller, where the sanitizer sees it. A Mutex that other threads wait for is
 * handed over within libswiftSynchronization (FUTEX_LOCK_PI), which is not built with the sanitizer. So a thread that has
 * waited seems to hold nothing, and every use of what a contended Mutex guards is reported. These functions replace those
 * that wait and wake, and tell the sanitizer: everything before the one happens before everything after the other.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

/* The sanitizer's functions (sanitizer/tsan_interface.h), in the program that this is loaded into. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define EXPORT __attribute__((visibility("default")))

/* Methods of Synchronization._MutexHandle, Swift 6; a handle begins with the word that it waits for. */
#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t thread, SELF void *handle) __asm__(LOCK_SLOW);
SWIFT void unlock_slow(SELF void *handle) __asm__(UNLOCK_SLOW);

static SWIFT void (*real_lock_slow)(uint32_t, SELF void *);
static SWIFT void (*real_unlock_slow)(SELF void *);

__attribute__((constructor)) static void find_functions(void) {
    *(void **)&real_lock_slow = dlsym(RTLD_NEXT, LOCK_SLOW);
    *(void **)&real_unlock_slow = dlsym(RTLD_NEXT, UNLOCK_SLOW);
}

EXPORT SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
    if (real_lock_slow == NULL) abort();
    real_lock_slow(thread, handle);
    if (__tsan_acquire != NULL) __tsan_acquire(handle);
}

EXPORT SWIFT void unlock_slow(SELF void *handle) {
    if (real_unlock_slow == NULL) abort();
    if (__tsan_release != NULL) __tsan_release(handle);
    real_unlock_slow(handle);
}
