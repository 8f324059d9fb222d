// The index of the largest or smallest element of each set, sets anywhere in memory. Not a number beats all others.
//
//   T        type of the elements
//   BETTER   > or < for the first of equals, >= or <= for the last

// A task is a set; a work-item does `chunk` of them.
__kernel void arg_extreme(
    __global const T *restrict in, __global long *restrict out, int sets, int rank, int8 extents, int8 strides,
    int offset, int count, int step, int chunk) {
  int extent[8], stride[8];
  vstore8(extents, 0, extent);
  vstore8(strides, 0, stride);
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    __global const T *x = in + offset;
    for (int axis = rank - 1, rest = set; axis >= 0; axis--) {
      x += (long)(rest % extent[axis]) * stride[axis];
      rest /= extent[axis];
    }
    T best = x[0];
    int found = 0;
    for (int i = 1; i < count; i++) {
      const T next = x[(long)i * step];
      if (best == best && (next BETTER best || next != next)) {
        best = next;
        found = i;
      }
    }
    out[set] = found;
  }
}
