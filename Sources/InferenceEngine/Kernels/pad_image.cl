// Copies an image of any layout into a channels-last one with a border of zeros, for the kernels that do not test
// borders.
//
//   C             channels
//   H W           input size;  PT PL  border above and left;  HP WP  padded size
//   SN SC SH SW   strides of the input in elements
//
// out [n][HP][WP][C]

ONE_ITEM __kernel void pad_image(__global const float *restrict in, __global float *restrict out, int offset, int rows, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int r = first; r < last; r++) {
    const int n = r / HP, h = r % HP - PT;
    __global float *o = out + (size_t)r * WP * C;
    if (h < 0 || h >= H) {
      for (int i = 0; i < WP * C; i++) o[i] = 0.0f;
      continue;
    }
    __global const float *p = in + offset + (size_t)n * SN + h * SH;
    for (int i = 0; i < PL * C; i++) o[i] = 0.0f;
    o += PL * C;
#if SC == 1 && SW == C
    for (int i = 0; i < W * C; i++) o[i] = p[i];
#else
    for (int w = 0; w < W; w++)
      for (int c = 0; c < C; c++) o[w * C + c] = p[c * SC + w * SW];
#endif
    o += W * C;
    for (int i = 0; i < (WP - PL - W) * C; i++) o[i] = 0.0f;
  }
}
