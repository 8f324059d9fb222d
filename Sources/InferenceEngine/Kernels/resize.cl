// Interpolation along one axis of a dense tensor [outer][axis][inner]:
//
//   out[o][j][i] = sum_t weight[j][t] * in[o][index[j][t]][i]
//
//   T         float or double; with NEAREST uchar, ushort, uint or ulong
//   TAPS      terms of the sum, 1...8, or `taps`
//   NEAREST   one term of weight 1
//   OUTSIDE   type of `outside`: float or double
//
// `tables`: `columns` * taps indices (int), then as many weights (float). A first index of -1 stands for `outside`.

// A task is a row [inner] of the result; a work-item does `chunk` of them.
__kernel void resize(
    __global const T *restrict in, __global const float *restrict tables, __global T *restrict out, int rows,
    int extent, int columns, int inner, int taps, OUTSIDE outside, int chunk) {
  __global const int *indices = (__global const int *)tables;
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int row = first; row < last; row++) {
    const int column = row % columns;
    __global const int *index = indices + column * taps;
    __global const float *weight = tables + (long)columns * taps + column * taps;
    __global const T *source = in + (long)(row / columns) * extent * inner;
    __global T *target = out + (long)row * inner;
#ifdef NEAREST
    source += (long)index[0] * inner;
    for (int i = 0; i < inner; i++) target[i] = source[i];
#else
    if (index[0] < 0) {
      for (int i = 0; i < inner; i++) target[i] = outside;
      continue;
    }
    for (int i = 0; i < inner; i++) {
      T sum = (T)0;
      for (int t = 0; t < TAPS; t++) sum = fma((T)weight[t], source[(long)index[t] * inner + i], sum);
      target[i] = sum;
    }
#endif
  }
}
