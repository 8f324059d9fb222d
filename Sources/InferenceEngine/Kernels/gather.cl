// Elements picked by index. Negative indices count from the back; those out of range are clamped.
//
//   T       uchar, ushort, uint or ulong
//   INDEX   int or long
//   one of ROWS ELEMENTS TUPLES: which of the kernels below to compile

static inline int place(INDEX index, int extent) {
  return (int)clamp(index < 0 ? index + extent : index, (INDEX)0, (INDEX)(extent - 1));
}

#ifdef ROWS
// out[o][p][i] = in[o][indices[p]][i], in [..][extent][inner]; a task is a row [inner], a work-item does `chunk` of them.
__kernel void gather(
    __global const T *restrict in, __global const INDEX *restrict indices, __global T *restrict out, int rows,
    int extent, int picks, int inner, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int row = first; row < last; row++) {
    __global const T *source = in + ((long)(row / picks) * extent + place(indices[row % picks], extent)) * inner;
    __global T *target = out + (long)row * inner;
    for (int i = 0; i < inner; i++) target[i] = source[i];
  }
}
#endif

#ifdef ELEMENTS
// out[i...] = in[i... with indices[i...] along one axis]; `strides` has 0 there.
__kernel void gather_elements(
    __global const T *restrict in, __global const INDEX *restrict indices, __global T *restrict out, int count,
    int rank, int8 shape, int8 strides, int offset, int extent, int step) {
  int extents[8], stride[8];
  vstore8(shape, 0, extents);
  vstore8(strides, 0, stride);
  FOR_EACH(i, count) {
    long source = offset + (long)place(indices[i], extent) * step;
    for (int axis = rank - 1, rest = i; axis >= 0; axis--) {
      source += (long)(rest % extents[axis]) * stride[axis];
      rest /= extents[axis];
    }
    out[i] = in[source];
  }
}
#endif

#ifdef TUPLES
// out[row][i] = in[batch][indices[row][0]]...[indices[row][depth - 1]][i]; `picks` rows per batch of `size` elements.
__kernel void gather_nd(
    __global const T *restrict in, __global const INDEX *restrict indices, __global T *restrict out, int rows,
    int picks, int size, int depth, int8 shape, int inner, int chunk) {
  int extents[8];
  vstore8(shape, 0, extents);
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int row = first; row < last; row++) {
    long index = 0;
    for (int d = 0; d < depth; d++) index = index * extents[d] + place(indices[(long)row * depth + d], extents[d]);
    __global const T *source = in + (long)(row / picks) * size + index * inner;
    __global T *target = out + (long)row * inner;
    for (int i = 0; i < inner; i++) target[i] = source[i];
  }
}
#endif
