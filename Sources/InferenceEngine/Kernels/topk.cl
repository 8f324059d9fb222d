// The k best of each set of a dense tensor [..][count][inner], best first; of equals the one with the lower index comes
// first. Not a number counts as larger than all others.
//
//   T        type of the elements
//   BETTER   > or <
//
// The k best so far are a heap in the results, the worst of them on top: O(count log k), no other memory.

static inline bool before(T a, long i, T b, long j) {
  const bool a_is_nan = a != a, b_is_nan = b != b;
  if (a_is_nan != b_is_nan) return a_is_nan == (1 BETTER 0);
  return a BETTER b || (!(b BETTER a) && i < j);
}

// Moves the element at `place` of the heap of `size` down until both below it are better.
static inline void sink(__global T *value, __global long *index, int place, int size, int inner) {
  const T moving = value[(long)place * inner];
  const long origin = index[(long)place * inner];
  while (2 * place + 1 < size) {
    int next = 2 * place + 1;
    if (next + 1 < size && before(value[(long)next * inner], index[(long)next * inner], value[(long)(next + 1) * inner],
                                  index[(long)(next + 1) * inner]))
      next++;
    if (!before(moving, origin, value[(long)next * inner], index[(long)next * inner])) break;
    value[(long)place * inner] = value[(long)next * inner];
    index[(long)place * inner] = index[(long)next * inner];
    place = next;
  }
  value[(long)place * inner] = moving;
  index[(long)place * inner] = origin;
}

// A task is a set; a work-item does `chunk` of them.
__kernel void topk(
    __global const T *restrict in, __global T *restrict values, __global long *restrict indices, int sets, int count,
    int k, int inner, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    __global const T *x = in + (long)(set / inner) * count * inner + set % inner;
    __global T *value = values + (long)(set / inner) * k * inner + set % inner;
    __global long *index = indices + (long)(set / inner) * k * inner + set % inner;
    for (int i = 0; i < k; i++) {
      value[(long)i * inner] = x[(long)i * inner];
      index[(long)i * inner] = i;
    }
    for (int place = k / 2 - 1; place >= 0; place--) sink(value, index, place, k, inner);
    for (int i = k; i < count; i++) {
      const T next = x[(long)i * inner];
      if (before(next, i, value[0], index[0])) {
        value[0] = next;
        index[0] = i;
        sink(value, index, 0, k, inner);
      }
    }
    for (int size = k - 1; size > 0; size--) {
      const T worst = value[0];
      const long origin = index[0];
      value[0] = value[(long)size * inner];
      index[0] = index[(long)size * inner];
      value[(long)size * inner] = worst;
      index[(long)size * inner] = origin;
      sink(value, index, 0, size, inner);
    }
  }
}
