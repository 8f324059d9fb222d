// One triangle of matrices [.., rows, columns], row-major; the rest is zero.
//
//   T      uchar, ushort, uint or ulong
//   KEPT   >= for the upper triangle, <= for the lower

__kernel void trilu(
    __global const T *restrict in, __global T *restrict out, int count, int rows, int columns, int shift) {
  FOR_EACH(i, count) {
    const int column = i % columns, row = i / columns % rows;
    out[i] = column KEPT row + shift ? in[i] : (T)0;
  }
}
