// Copies between strided windows, by the width of the elements.
//
//   T              uchar, ushort, uint or ulong
//   one of ROWS TRANSPOSED: which of the kernels below to compile
//   FROM_STEP TO_STEP   elements from one place of a row to the next, in the source and the target: 0, 1, or `place.s2`
//                       and `place.s3` (ROWS only)
//
// `extents`, `from` and `to` are the extents and strides of the outer dimensions, of which there are `rank`, outermost
// first. place.s0 and place.s1: where source and target begin.

#define LANES(name, vector) \
  int name[8];              \
  vstore8(vector, 0, name);

// Adds to `source` and `target` the places of outer index `index`.
#define SEEK(index)                                  \
  for (int axis = rank - 1, rest = index; axis >= 0; axis--) { \
    const int at = rest % extent[axis];              \
    rest /= extent[axis];                            \
    source += (long)at * from_stride[axis];          \
    target += (long)at * to_stride[axis];            \
  }

#ifdef ROWS
// `count` elements in rows of `length`.
ONE_ITEM __kernel void copy_rows(
    __global const T *in, __global T *out, int count, int length, int rank, int8 extents, int8 from, int8 to,
    int4 place) {
  LANES(extent, extents)
  LANES(from_stride, from)
  LANES(to_stride, to)
#ifdef TARGET_CPU
  const int first = get_global_id(0) * BLOCK, last = first + min(BLOCK, count - first);
  for (int i = first; i < last;) {
    const int column = i % length, run = min(length - column, last - i);
#else
  for (int i = get_global_id(0); i < count; i += get_global_size(0)) {
    const int column = i % length;
#endif
    __global const T *restrict source = in + place.s0 + (long)column * FROM_STEP;
    __global T *restrict target = out + place.s1 + (long)column * TO_STEP;
    SEEK(i / length)
#ifdef TARGET_CPU
    for (int j = 0; j < run; j++) target[j * TO_STEP] = source[j * FROM_STEP];
    i += run;
#else
    *target = *source;
#endif
  }
}
#endif

#ifdef TRANSPOSED
// Planes of `rows` x `columns`: rows lie side by side in the source, columns in the target. place.s2: from a column of
// the source to the next; place.s3: from a row of the target to the next.
#ifdef TARGET_CPU
typedef JOIN(T, 8) T8;
#define LOW(a, b) (T8)(a.s0, b.s0, a.s1, b.s1, a.s2, b.s2, a.s3, b.s3)
#define HIGH(a, b) (T8)(a.s4, b.s4, a.s5, b.s5, a.s6, b.s6, a.s7, b.s7)
#define SHUFFLE(a, b)                                        \
  _Pragma("unroll") for (int k = 0; k < 4; k++) {            \
    b[2 * k] = LOW(a[k], a[k + 4]);                          \
    b[2 * k + 1] = HIGH(a[k], a[k + 4]);                     \
  }

static inline void transpose_square(__global const T *source, __global T *target, int from_column, int to_row) {
  T8 a[8], b[8];
#pragma unroll
  for (int k = 0; k < 8; k++) a[k] = vload8(0, source + (long)k * from_column);
  SHUFFLE(a, b)
  SHUFFLE(b, a)
  SHUFFLE(a, b)
#pragma unroll
  for (int k = 0; k < 8; k++) vstore8(b[k], 0, target + (long)k * to_row);
}

// A task is 16 rows of a plane: whole cache lines of the source.
ONE_ITEM __kernel void copy_transposed(
    __global const T *in, __global T *out, int tasks, int rows, int columns, int rank, int8 extents, int8 from, int8 to,
    int4 place, int chunk) {
  LANES(extent, extents)
  LANES(from_stride, from)
  LANES(to_stride, to)
  const int blocks = (rows + 15) / 16, start = get_global_id(0) * chunk, end = min(tasks, start + chunk);
  for (int task = start; task < end; task++) {
    const int row = task % blocks * 16, count = min(16, rows - row);
    __global const T *source = in + place.s0 + row;
    __global T *target = out + place.s1 + (long)row * place.s3;
    SEEK(task / blocks)
    const int whole_rows = count / 8 * 8, whole_columns = columns / 8 * 8;
    for (int column = 0; column < whole_columns; column += 8)
      for (int r = 0; r < whole_rows; r += 8)
        transpose_square(
            source + (long)column * place.s2 + r, target + (long)r * place.s3 + column, place.s2, place.s3);
    for (int r = 0; r < count; r++)
      for (int column = r < whole_rows ? whole_columns : 0; column < columns; column++)
        target[(long)r * place.s3 + column] = source[(long)column * place.s2 + r];
  }
}
#else
// Work-groups of 16 x 16 move a square through local memory, so that both sides are read and written in runs.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void copy_transposed(
    __global const T *in, __global T *out, int rows, int columns, int rank, int8 extents, int8 from, int8 to,
    int4 place) {
  __local T square[16][17];
  LANES(extent, extents)
  LANES(from_stride, from)
  LANES(to_stride, to)
  const int blocks = (rows + 15) / 16;
  const int x = get_local_id(0), y = get_local_id(1);
  const int column = get_group_id(0) * 16, row = get_group_id(1) % blocks * 16;
  __global const T *source = in + place.s0;
  __global T *target = out + place.s1;
  SEEK((int)get_group_id(1) / blocks)
  if (row + x < rows && column + y < columns) square[y][x] = source[(long)(column + y) * place.s2 + row + x];
  barrier(CLK_LOCAL_MEM_FENCE);
  if (row + y < rows && column + x < columns) target[(long)(row + y) * place.s3 + column + x] = square[x][y];
}
#endif
#endif
