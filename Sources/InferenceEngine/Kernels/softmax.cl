// Softmax and log-softmax of dense tensors seen as [outer][count][inner], along the middle axis:
//
//   y = exp(x - max) / sum exp(x - max)          log y = x - max - log sum exp(x - max)
//
//   T      float or double; SINGLE when it is float
//   LOG    the logarithm
//   one of DENSE SIDE_BY_SIDE ANY: which of the kernels below to compile
//
// Order: element r of a set is summed in lane r % 16, lanes combine pairwise, 8 apart, 4, 2, 1, in both kernels.

typedef JOIN(T, VW) tvec;
typedef JOIN(T, 16) T16;
#ifdef SINGLE
#if VW != 16
TYPED_MATH(float16, int16, as_float16, convert_int16)
#endif
#define EXP(x) exponential(x)
#else
#define EXP(x) exp(x)
#endif
#define LARGER(a, b) ((((a) < (b)) | ((b) != (b))) ? (b) : (a))  // not a number wins

// One set, or one per lane of V, with elements `inner` apart. UNROLL: "unroll" keeps lanes in registers, "nounroll"
// compiles faster.
#define SOFTMAX_SET(V, GET, PUT, UNROLL)                                             \
  V most = (V)(T)(-INFINITY);                                                        \
  for (int r = 0; r < count; r++) most = LARGER(most, GET(x + (size_t)r * inner));   \
  V lane[16];                                                                        \
  _Pragma(UNROLL) for (int l = 0; l < 16; l++) lane[l] = (V)(T)0;                    \
  for (int start = 0; start < count; start += 16) {                                  \
    _Pragma(UNROLL) for (int l = 0; l < 16; l++) {                                   \
      if (start + l < count) {                                                       \
        const V e = EXP(GET(x + (size_t)(start + l) * inner) - most);                \
        lane[l] += e;                                                                \
        KEEP(PUT(e, y + (size_t)(start + l) * inner))                                \
      }                                                                              \
    }                                                                                \
  }                                                                                  \
  _Pragma(UNROLL) for (int apart = 8; apart > 0; apart /= 2)                         \
    _Pragma(UNROLL) for (int l = 0; l < apart; l++) lane[l] += lane[l + apart];      \
  const V by = SCALE(most, lane[0]);                                                 \
  for (int r = 0; r < count; r++) PUT(SCALED(GET, (size_t)r * inner, by), y + (size_t)r * inner);

#ifdef LOG
#define KEEP(store)
#define SCALE(most, total) ((most) + log(total))
#define SCALED(GET, at, by) (GET(x + (at)) - (by))
#else
#define KEEP(store) store;
#define SCALE(most, total) ((T)1 / (total))
#define SCALED(GET, at, by) (GET(y + (at)) * (by))
#endif

#define GET_ONE(pointer) (*(pointer))
#define PUT_ONE(value, pointer) (*(pointer) = (value))
#define GET_VECTOR(pointer) JOIN(vload, VW)(0, pointer)
#define PUT_VECTOR(value, pointer) JOIN(vstore, VW)(value, 0, pointer)

#ifdef DENSE
static inline T16 load_tail(__global const T *x, int count, T padding) {
  T lane[16];
  for (int l = 0; l < 16; l++) lane[l] = l < count ? x[l] : padding;
  return vload16(0, lane);
}

static inline void store_tail(T16 value, __global T *y, int count) {
  T lane[16];
  vstore16(value, 0, lane);
  for (int l = 0; l < count; l++) y[l] = lane[l];
}

// Lane 0 of all lanes combined.
#define COMBINE_LANES(OP, lanes)                      \
  lanes = OP(lanes, lanes.s89abcdef01234567);         \
  lanes = OP(lanes, lanes.s456789abcdef0123);         \
  lanes = OP(lanes, lanes.s23456789abcdef01);         \
  lanes = OP(lanes, lanes.s123456789abcdef0);
#define ADD(a, b) ((a) + (b))

// inner = 1; a work-item takes `chunk` sets. CPU.
ONE_ITEM __kernel void softmax_dense(
    __global const T *restrict in, __global T *restrict out, int sets, int count, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    __global const T *x = in + (size_t)set * count;
    __global T *y = out + (size_t)set * count;
    const int whole = count / 16 * 16, left = count - whole;
    T16 most = (T16)(T)(-INFINITY);
    for (int r = 0; r < whole; r += 16) most = LARGER(most, vload16(0, x + r));
    if (left) most = LARGER(most, load_tail(x + whole, left, -INFINITY));
    COMBINE_LANES(LARGER, most)
    const T highest = most.s0;
    T16 sum = (T16)(T)0;
    for (int r = 0; r < whole; r += 16) {
      const T16 e = EXP(vload16(0, x + r) - highest);
      sum += e;
#ifndef LOG
      vstore16(e, 0, y + r);
#endif
    }
    if (left) {
      const T16 e = EXP(load_tail(x + whole, left, -INFINITY) - highest);
      sum += e;
#ifndef LOG
      store_tail(e, y + whole, left);
#endif
    }
    COMBINE_LANES(ADD, sum)
#ifdef LOG
    const T by = highest + log(sum.s0);
    for (int r = 0; r < whole; r += 16) vstore16(vload16(0, x + r) - by, 0, y + r);
    for (int r = whole; r < count; r++) y[r] = x[r] - by;
#else
    const T scale = (T)1 / sum.s0;
    for (int r = 0; r < whole; r += 16) vstore16(vload16(0, y + r) * scale, 0, y + r);
    for (int r = whole; r < count; r++) y[r] *= scale;
#endif
  }
}
#endif

#ifdef SIDE_BY_SIDE
static inline tvec load_some(__global const T *x, int count) {
  T lane[VW];
  for (int l = 0; l < VW; l++) lane[l] = l < count ? x[l] : (T)0;
  return GET_VECTOR(lane);
}

static inline void store_some(tvec value, __global T *y, int count) {
  T lane[VW];
  PUT_VECTOR(value, lane);
  for (int l = 0; l < count; l++) y[l] = lane[l];
}

#define GET_SOME(pointer) load_some(pointer, inner - column)
#define PUT_SOME(value, pointer) store_some(value, pointer, inner - column)

// VW sets at a time; a work-item takes `chunk` blocks of them. CPU.
ONE_ITEM __kernel void softmax_side_by_side(
    __global const T *restrict in, __global T *restrict out, int blocks, int count, int inner, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(blocks, first + chunk);
  const int blocks_per_run = (inner + VW - 1) / VW;
  for (int block = first; block < last; block++) {
    const int run = block / blocks_per_run, column = block % blocks_per_run * VW;
    __global const T *x = in + (size_t)run * count * inner + column;
    __global T *y = out + (size_t)run * count * inner + column;
    if (column + VW <= inner) {
      SOFTMAX_SET(tvec, GET_VECTOR, PUT_VECTOR, "unroll")
    } else {
      SOFTMAX_SET(tvec, GET_SOME, PUT_SOME, "nounroll")
    }
  }
}
#endif

#ifdef ANY
// Any `inner`, one set at a time.
__kernel void softmax_any(
    __global const T *restrict in, __global T *restrict out, int sets, int count, int inner) {
  FOR_EACH(i, sets) {
    __global const T *x = in + (size_t)(i / inner) * count * inner + i % inner;
    __global T *y = out + (size_t)(i / inner) * count * inner + i % inner;
    SOFTMAX_SET(T, GET_ONE, PUT_ONE, "unroll")
  }
}
#endif
