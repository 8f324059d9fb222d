#pragma once
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

// For memory that a device of this machine's own processor writes while the host reads it.
static inline unsigned int shim_load_acquire(const void *word) {
  return __atomic_load_n((const unsigned int *)word, __ATOMIC_ACQUIRE);
}

static inline void shim_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Sleeps for at most `nanoseconds` while the word is `expected`; whoever changes it wakes us (FUTEX_WAKE).
#if defined(__linux__) && defined(__x86_64__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline void shim_sleep_on(const void *word, unsigned int expected, long nanoseconds) {
  struct timespec limit = {nanoseconds / 1000000000, nanoseconds % 1000000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &limit, (void *)0, 0);
}
#else
#include <time.h>

static inline void shim_sleep_on(const void *word, unsigned int expected, long nanoseconds) {
  (void)word, (void)expected, (void)nanoseconds;
  struct timespec pause = {0, 20000};
  nanosleep(&pause, (struct timespec *)0);
}
#endif
