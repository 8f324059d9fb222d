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
