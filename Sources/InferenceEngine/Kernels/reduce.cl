// Reductions of a strided tensor over any set of axes.
//
//   T            element type of input and output
//   one of       SUM MEAN PRODUCT MAXIMUM MINIMUM L1 L2 SUM_OF_SQUARES LOG_SUM LOG_SUM_EXP
//   one of       DENSE SIDE_BY_SIDE ANY: which of the kernels below to compile
//   LOWEST HIGHEST   of T, for MAXIMUM and MINIMUM
//   SINGLE       T is float (LOG_SUM_EXP)
//   INTEGER      T is an integer type; then REAL is the type in which L2 and LOG_SUM take roots and logarithms
//
// Order: the r-th element of an output's set, in row-major order of the reduced axes, goes to lane r % 16; lanes then
// combine pairwise, 8 apart, 4, 2, 1. All kernels here keep that order, so that an output's bits depend on nothing but
// its elements: not on the layout of the input, nor on what lies beside it.

#define W VW
typedef JOIN(T, VW) tvec;
#define LOAD_T(pointer) JOIN(vload, VW)(0, pointer)
#define STORE_T(value, pointer) JOIN(vstore, VW)(value, 0, pointer)
typedef JOIN(T, 16) T16;

#ifdef INTEGER
#define MAGNITUDE(x) ((x) < (T)0 ? -(x) : (x))
#ifdef REAL
#define REAL_FUNCTION(f)                                                                                        \
  static inline T __attribute__((overloadable)) real_##f(T x) { return (T)f((REAL)x); }                         \
  static inline tvec __attribute__((overloadable)) real_##f(tvec x) {                                           \
    return JOIN(convert_, JOIN(T, VW))(f(JOIN(convert_, JOIN(REAL, VW))(x)));                                   \
  }
REAL_FUNCTION(sqrt)
REAL_FUNCTION(log)
#endif
#else
#define MAGNITUDE(x) fabs(x)
#define real_sqrt sqrt
#define real_log log
#endif

#define FINISH(x, n, shift) (x)
#if defined(SUM) || defined(MEAN) || defined(LOG_SUM)
#define START 0
#define MAP(x, shift) (x)
#define COMBINE(a, b) ((a) + (b))
#elif defined(PRODUCT)
#define START 1
#define MAP(x, shift) (x)
#define COMBINE(a, b) ((a) * (b))
#elif defined(MAXIMUM)
#define START LOWEST
#define MAP(x, shift) (x)
#define COMBINE(a, b) ((((a) < (b)) | ((b) != (b))) ? (b) : (a))  // not a number wins
#elif defined(MINIMUM)
#define START HIGHEST
#define MAP(x, shift) (x)
#define COMBINE(a, b) ((((a) > (b)) | ((b) != (b))) ? (b) : (a))
#elif defined(L1)
#define START 0
#define MAP(x, shift) MAGNITUDE(x)
#define COMBINE(a, b) ((a) + (b))
#elif defined(L2) || defined(SUM_OF_SQUARES)
#define START 0
#define MAP(x, shift) ((x) * (x))
#define COMBINE(a, b) ((a) + (b))
#elif defined(LOG_SUM_EXP)
// `shift` is the set's maximum, which comes from a launch with MAXIMUM.
#ifdef SINGLE
#if VW != 16
TYPED_MATH(float16, int16, as_float16, convert_int16)
#endif
#define EXP(x) exponential(x)
#else
#define EXP(x) exp(x)
#endif
#define SHIFTED
#define START 0
#define MAP(x, shift) EXP((x) - (shift))
#define COMBINE(a, b) ((a) + (b))
#endif

#if defined(MEAN)
#undef FINISH
#define FINISH(x, n, shift) ((x) / (T)(n))
#elif defined(L2)
#undef FINISH
#define FINISH(x, n, shift) real_sqrt(x)
#elif defined(LOG_SUM)
#undef FINISH
#define FINISH(x, n, shift) real_log(x)
#elif defined(LOG_SUM_EXP)
#undef FINISH
#define FINISH(x, n, shift) (log(x) + (shift))
#endif

// Where the i-th element of a row-major walk over `shape` lies.
static inline int place(int i, int8 shape, int8 strides) {
  const int *extent = (const int *)&shape, *stride = (const int *)&strides;
  int position = 0;
#pragma unroll
  for (int axis = 7; axis >= 0; axis--) {
    if (extent[axis] != 1) {
      position += i % extent[axis] * stride[axis];
      i /= extent[axis];
    }
  }
  return position;
}

// The subtrahend of LOG_SUM_EXP: zero when the maximum is infinite or not a number, so that inf - inf does not come up.
#ifdef SHIFTED
#define SHIFT(i) (isfinite(shift[i]) ? shift[i] : (T)0)
#else
#define SHIFT(i) (T)0
#endif

#ifdef DENSE
// Sets that lie densely: `count` elements each. CPU.
ONE_ITEM __kernel void reduce_dense(
    __global const T *restrict in, __global const T *restrict shift, __global T *restrict out, int8 kept_shape,
    int8 kept_strides, int offset, int outputs, int count, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(outputs, first + chunk);
  for (int i = first; i < last; i++) {
    __global const T *x = in + offset + place(i, kept_shape, kept_strides);
    T16 sum = (T16)(T)(START);
    int r = 0;
    for (; r + 16 <= count; r += 16) sum = COMBINE(sum, MAP(vload16(0, x + r), (T16)SHIFT(i)));
    if (r < count) {
      T lane[16];
      vstore16(sum, 0, lane);
      for (int l = 0; r + l < count; l++) lane[l] = COMBINE(lane[l], MAP(x[r + l], SHIFT(i)));
      sum = vload16(0, lane);
    }
    sum = COMBINE(sum, sum.s89abcdef01234567);
    sum = COMBINE(sum, sum.s456789abcdef0123);
    sum = COMBINE(sum, sum.s23456789abcdef01);
    sum = COMBINE(sum, sum.s123456789abcdef0);
    out[i] = FINISH(sum.s0, count, SHIFT(i));
  }
}
#endif

#ifdef SIDE_BY_SIDE
static inline tvec load_some(__global const T *x, int count) {
  T lane[W];
  for (int l = 0; l < W; l++) lane[l] = l < count ? x[l] : (T)0;
  return LOAD_T(lane);
}

static inline void store_some(tvec value, __global T *y, int count) {
  T lane[W];
  STORE_T(value, lane);
  for (int l = 0; l < count; l++) y[l] = lane[l];
}

#ifdef SHIFTED
#define SHIFTS(GET) GET(shift + o), by = isfinite(highest) ? highest : (tvec)0
#else
#define SHIFTS(GET) 0, by = highest
#endif

// W sets, one per lane of a vector. UNROLL: "unroll" keeps lanes in registers, "nounroll" compiles faster.
#define REDUCE_SETS(GET, PUT, UNROLL)                                                                     \
  const tvec highest = SHIFTS(GET);                                                                       \
  tvec lane[16];                                                                                          \
  _Pragma(UNROLL) for (int l = 0; l < 16; l++) lane[l] = (tvec)(T)(START);                                \
  int r = 0;                                                                                              \
  for (; r + 16 <= count; r += 16) {                                                                      \
    _Pragma(UNROLL) for (int l = 0; l < 16; l++)                                                          \
      lane[l] = COMBINE(lane[l], MAP(GET(x + (r + l) * stride), by));                                     \
  }                                                                                                       \
  _Pragma(UNROLL) for (int l = 0; l < 15; l++)                                                            \
    if (r + l < count) lane[l] = COMBINE(lane[l], MAP(GET(x + (r + l) * stride), by));                    \
  _Pragma(UNROLL) for (int apart = 8; apart > 0; apart /= 2)                                              \
    _Pragma(UNROLL) for (int l = 0; l < apart; l++) lane[l] = COMBINE(lane[l], lane[l + apart]);          \
  PUT(FINISH(lane[0], count, by), out + o);

#define GET_SOME(pointer) load_some(pointer, width - column)
#define PUT_SOME(value, pointer) store_some(value, pointer, width - column)

// Sets side by side: runs of `width` outputs lie densely, the elements of a set `stride` apart. A work-item takes
// `chunk` blocks of W outputs. CPU.
ONE_ITEM __kernel void reduce_side_by_side(
    __global const T *restrict in, __global const T *restrict shift, __global T *restrict out, int8 kept_shape,
    int8 kept_strides, int offset, int blocks, int width, int count, int stride, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(blocks, first + chunk);
  const int blocks_per_run = (width + W - 1) / W;
  for (int block = first; block < last; block++) {
    const int run = block / blocks_per_run, column = block % blocks_per_run * W;
    __global const T *x = in + offset + place(run, kept_shape, kept_strides) + column;
    const int o = run * width + column;
    if (column + W <= width) {
      REDUCE_SETS(LOAD_T, STORE_T, "unroll")
    } else {
      REDUCE_SETS(GET_SOME, PUT_SOME, "nounroll")
    }
  }
}
#endif

#ifdef ANY
static inline T combine_lanes(const T *lane) {
  T half_way[16];
  for (int l = 0; l < 16; l++) half_way[l] = lane[l];
  for (int apart = 8; apart > 0; apart /= 2)
    for (int l = 0; l < apart; l++) half_way[l] = COMBINE(half_way[l], half_way[l + apart]);
  return half_way[0];
}

// One output whose set has `count` elements `stride` apart.
static inline T reduce_run(__global const T *x, int count, int stride, T shift) {
  T lane[16];
#pragma unroll
  for (int l = 0; l < 16; l++) lane[l] = START;
  int r = 0;
  for (; r + 16 <= count; r += 16) {
#pragma unroll
    for (int l = 0; l < 16; l++) lane[l] = COMBINE(lane[l], MAP(x[(r + l) * stride], shift));
  }
#pragma unroll
  for (int l = 0; l < 16; l++)
    if (r + l < count) lane[l] = COMBINE(lane[l], MAP(x[(r + l) * stride], shift));
  return combine_lanes(lane);
}

// Anything: sets of `count` elements in runs of `run` elements `run_stride` apart; the runs lie by up to seven strided
// axes. A work-item does `chunk` outputs.
ONE_ITEM __kernel void reduce_any(
    __global const T *restrict in, __global const T *restrict shift, __global T *restrict out, int8 kept_shape,
    int8 kept_strides, int8 set_shape, int8 set_strides, int offset, int outputs, int count, int run,
    int run_stride, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(outputs, first + chunk);
  for (int i = first; i < last; i++) {
    __global const T *x = in + offset + place(i, kept_shape, kept_strides);
    T total;
    if (run == count) {
      total = reduce_run(x, count, run_stride, SHIFT(i));
    } else {
      T lane[16];
      for (int l = 0; l < 16; l++) lane[l] = START;
      int r = 0;
      for (int start = 0; r < count; start++) {
        __global const T *y = x + place(start, set_shape, set_strides);
        for (int e = 0; e < run; e++, r++) lane[r % 16] = COMBINE(lane[r % 16], MAP(y[e * run_stride], SHIFT(i)));
      }
      total = combine_lanes(lane);
    }
    out[i] = FINISH(total, count, SHIFT(i));
  }
}
#endif
