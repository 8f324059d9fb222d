// Running sums along the middle axis of a dense tensor [..][count][inner].
//
//   T           type of the elements
//   EXCLUSIVE   an element's own value is not in its sum
//   REVERSE     from the back

// A task is one sequence; a work-item does `chunk` of them.
__kernel void cumsum(
    __global const T *restrict in, __global T *restrict out, int sets, int count, int inner, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    const long start = (long)(set / inner) * count * inner + set % inner;
    T sum = (T)0;
    for (int i = 0; i < count; i++) {
#ifdef REVERSE
      const long place = start + (long)(count - 1 - i) * inner;
#else
      const long place = start + (long)i * inner;
#endif
#ifdef EXCLUSIVE
      out[place] = sum;
      sum += in[place];
#else
      sum += in[place];
      out[place] = sum;
#endif
    }
  }
}
