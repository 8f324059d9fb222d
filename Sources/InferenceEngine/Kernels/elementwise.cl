// out[...] = EXPR of one to four operands, with broadcasting and any layout by strides.
//
//   OPERANDS         1...4
//   T0...T3 TO       element types of the operands and of the result
//   S0...S3          the operand's stride along a row: 0 (repeats), 1, or -1 (given by `inner`)
//   EXPR             an expression in a, b, c, d of those types; its value is converted to TO
//
// The result is dense; dimensions are in its memory order, outermost first, and the innermost is a row. rows = product of
// `shape`, the other dimensions. strides_k and offset_k locate a row of operand k.

#ifdef cl_khr_fp64
#define REAL double
#else
#define REAL float
#endif

#define ROW_START(k)                                                                                              \
  (offsets.s##k + i7 * strides_##k.s7 + i6 * strides_##k.s6 + i5 * strides_##k.s5 + i4 * strides_##k.s4 +          \
   i3 * strides_##k.s3 + i2 * strides_##k.s2 + i1 * strides_##k.s1 + i0 * strides_##k.s0)
#define NEXT_INDEX(k)                \
  int i##k = 0;                      \
  if (shape.s##k != 1) {             \
    i##k = r % shape.s##k;           \
    r /= shape.s##k;                 \
  }
#define AT(k) ((S##k) == -1 ? j * inner.s##k : j * (S##k))

// Rounds to half precision (ties to even) and back, as a cast to float16 does.
static inline float through_half(float x) {
  ushort cell[1];
  vstore_half_rte(x, 0, (half *)cell);
  return vload_half(0, (half *)cell);
}

// Wraps around; negative powers of all but 1 and -1 are 0.
static inline long integer_power(long base, long exponent) {
  if (exponent < 0) return base == 1 ? 1 : base == -1 ? 1 - 2 * (exponent & 1) : 0;
  ulong result = 1;
  for (ulong factor = base; exponent > 0; exponent >>= 1, factor *= factor)
    if (exponent & 1) result *= factor;
  return result;
}

__kernel void elementwise(
    __global const T0 *restrict p0, __global const T1 *restrict p1, __global const T2 *restrict p2,
    __global const T3 *restrict p3, __global TO *restrict out, int rows, int length, int segment, int8 shape,
    int8 strides_0, int8 strides_1, int8 strides_2, int8 strides_3, int4 offsets, int4 inner, int chunk) {
  // A task is a segment of a row; a work-item does `chunk` of them.
  const int segments = (length + segment - 1) / segment, tasks = rows * segments;
  const int first = get_global_id(0) * chunk, last = min(tasks, first + chunk);
  for (int task = first; task < last; task++) {
    const int row = task / segments, start = task % segments * segment, end = min(length, start + segment);
    int r = row;
    NEXT_INDEX(7) NEXT_INDEX(6) NEXT_INDEX(5) NEXT_INDEX(4) NEXT_INDEX(3) NEXT_INDEX(2) NEXT_INDEX(1)
    const int i0 = r;
    __global const T0 *q0 = p0 + ROW_START(0);
#if OPERANDS > 1
    __global const T1 *q1 = p1 + ROW_START(1);
#endif
#if OPERANDS > 2
    __global const T2 *q2 = p2 + ROW_START(2);
#endif
#if OPERANDS > 3
    __global const T3 *q3 = p3 + ROW_START(3);
#endif
    __global TO *o = out + (size_t)row * length;
    for (int j = start; j < end; j++) {
      const T0 a = q0[AT(0)];
#if OPERANDS > 1
      const T1 b = q1[AT(1)];
#endif
#if OPERANDS > 2
      const T2 c = q2[AT(2)];
#endif
#if OPERANDS > 3
      const T3 d = q3[AT(3)];
#endif
      o[j] = (TO)(EXPR);
    }
  }
}
