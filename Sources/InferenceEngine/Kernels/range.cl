// start, start + delta, start + 2 delta, …
//
//   T   type of the elements

__kernel void range(
    __global const T *restrict start, __global const T *restrict delta, __global T *restrict out, int count) {
  FOR_EACH(i, count) { out[i] = (T)(*start + (T)i * *delta); }
}
