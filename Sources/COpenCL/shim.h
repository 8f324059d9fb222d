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

// Asks for time slices of this length for the calling thread. From Linux 6.12 on a thread that wakes up interrupts those
// with longer slices; before, and where it is not allowed, nothing changes.
static inline void shim_ask_for_slices(unsigned long long nanoseconds) {
  struct {
    unsigned int size, policy;
    unsigned long long flags;
    int nice;
    unsigned int priority;
    unsigned long long runtime, deadline, period;
  } attributes = {0};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 || attributes.policy != 0) return;
  attributes.size = sizeof attributes;
  attributes.flags = 0;
  attributes.runtime = nanoseconds;
  attributes.deadline = attributes.period = 0;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// Lets timed waits of the calling thread end when they should, in place of up to 50 µs later.
static inline void shim_wake_on_time(void) { syscall(SYS_prctl, 29 /* PR_SET_TIMERSLACK */, 1, 0, 0, 0); }

// The number of the machine's cores when this process may run on all of them, else 0.
static inline int shim_first_cores(void) {
  unsigned long mask[128] = {0};
  const long bytes = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
  const long cores = sysconf(_SC_NPROCESSORS_CONF);
  if (bytes <= 0 || cores > (long)(8 * sizeof mask)) return 0;
  for (long core = 0; core < cores; core++)
    if (!(mask[core / 64] >> core % 64 & 1)) return 0;
  return (int)cores;
}
#else
#include <time.h>

static inline void shim_sleep_on(const void *word, unsigned int expected, long nanoseconds) {
  (void)word, (void)expected, (void)nanoseconds;
  struct timespec pause = {0, 20000};
  nanosleep(&pause, (struct timespec *)0);
}

static inline void shim_ask_for_slices(unsigned long long nanoseconds) { (void)nanoseconds; }

static inline void shim_wake_on_time(void) {}

static inline int shim_first_cores(void) { return 0; }
#endif
