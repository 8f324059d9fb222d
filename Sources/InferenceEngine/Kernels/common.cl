// Put before every kernel, after the defines of the target and of the kernel.
//
//   TARGET_CPU | TARGET_GPU   which family of kernels
//   VW                        floats per vector register (4, 8, 16)
//   BLOCK                     elements per work-item of FOR_EACH on a CPU
//
// Sums run in the order that the source says, whatever the tile: no contraction, no reassociation; products are fused
// into sums only by explicit fma(). That makes an item's bits independent of batch size and position.
#pragma OPENCL FP_CONTRACT OFF
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

typedef JOIN(float, VW) vec;
typedef JOIN(int, VW) ivec;
#define LOAD(offset, pointer) JOIN(vload, VW)(offset, pointer)
#define STORE(value, offset, pointer) JOIN(vstore, VW)(value, offset, pointer)

#ifdef TARGET_CPU
#define ONE_ITEM __attribute__((reqd_work_group_size(1, 1, 1)))
// Runs the body for every i in [0, n): a contiguous block per work-item, so that the compiler vectorises the loop.
#define FOR_EACH(i, n) \
  for (int i = (int)get_global_id(0) * BLOCK, i##_end = min((int)(n), i + BLOCK); i < i##_end; i++)
#else
#define ONE_ITEM
#define FOR_EACH(i, n) for (int i = (int)get_global_id(0); i < (int)(n); i += (int)get_global_size(0))
#endif

// The micro-kernel of every matrix product. In scope: `row[rows]`, pointers to the rows at k = 0; `wk`, weights at k = 0;
// `sum[rows][V]`. Advances the accumulators over k = `from`, ... `to` - 1, in order, and `wk` by `stride` for each.
#define COLUMNS (V * VW)
#define ACCUMULATE_RANGE(rows, from, to, stride)                                              \
  for (int k = (from); k < (to); k++) {                                                       \
    vec weight[V];                                                                            \
    _Pragma("unroll") for (int v = 0; v < V; v++) weight[v] = LOAD(v, wk);                    \
    _Pragma("unroll") for (int i = 0; i < (rows); i++) {                                      \
      const vec x = (vec)(row[i][k]);                                                         \
      _Pragma("unroll") for (int v = 0; v < V; v++) sum[i][v] = fma(x, weight[v], sum[i][v]); \
    }                                                                                         \
    wk += (stride);                                                                           \
  }
#define ACCUMULATE_STRIDED(length, stride) ACCUMULATE_RANGE(ROWS, 0, length, stride)
#define ACCUMULATE(length) ACCUMULATE_STRIDED(length, COLUMNS)

// The same over k < `length`, asking meanwhile for the `lines` next cache lines at `ahead` for each 8 elements of k: weights
// that are not in a cache yet arrive while there is work on others. Only with a compiler that has the function.
#define CACHE_LINE 16
#define ACCUMULATE_AHEAD(rows, length)                                        \
  for (int part = 0; part < (length); part += 8) {                            \
    for (int line = 0; line < lines; line++, ahead += CACHE_LINE)             \
      __builtin_prefetch((const void *)(size_t)ahead, 0, 2);                  \
    if (part + 8 <= (length)) {                                               \
      _Pragma("unroll") ACCUMULATE_RANGE(rows, part, part + 8, COLUMNS)       \
    } else {                                                                  \
      ACCUMULATE_RANGE(rows, part, length, COLUMNS)                           \
    }                                                                         \
  }

// The first `count` lanes of a vector that crosses the end of a row.
static inline void store_part(vec value, __global float *out, int count) {
  float lanes[VW];
  STORE(value, 0, lanes);
  for (int lane = 0; lane < count; lane++) out[lane] = lanes[lane];
}

static inline vec load_part(__global const float *in, int count) {
  float lanes[VW];
  for (int lane = 0; lane < VW; lane++) lanes[lane] = lane < count ? in[lane] : 0.0f;
  return LOAD(0, lanes);
}
