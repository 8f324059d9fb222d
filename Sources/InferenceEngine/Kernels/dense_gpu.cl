// The product and convolution of dense.cl for GPUs: a work-group computes a 64 x 64 tile of `out` through local memory,
// each of its 16 x 16 work-items 4 x 4 elements. Layouts, arguments, defines and the order of every sum are those of
// dense.cl (with V * VW = 64), so results are the same bits; ROWS, V and KBLOCK are not used.

#define TILE 64
#define DEPTH 16
#define SIDE 16
#define EACH (TILE / SIDE)
#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

#ifdef CONVOLUTION
static inline size_t row_start(int m, int lda, int8 image) {
  const int OH = image.s0, OW = image.s1, SH = image.s2, SW = image.s3, HP = image.s4, WP = image.s5, PIXEL = image.s6;
  const int n = m / (OH * OW), r = m % (OH * OW), oh = r / OW, ow = r % OW;
  return ((size_t)(n * HP + oh * SH) * WP + ow * SW) * PIXEL;
}
static inline int step(int k, int8 image, int8 taps) {
  const int WP = image.s5, PIXEL = image.s6, TAPS = taps.s1, RUN = taps.s2, DH = taps.s3, DW = taps.s4;
  const int kh = k / (TAPS * RUN), r = k % (TAPS * RUN);
  return (kh * DH * WP + r / RUN * DW) * PIXEL + r % RUN;
}
#else
static inline size_t row_start(int m, int lda, int8 image) { return (size_t)m * lda; }
static inline int step(int k, int8 image, int8 taps) { return k; }
#endif

__attribute__((reqd_work_group_size(SIDE, SIDE, 1))) __kernel void dense_gpu(
    __global const float *restrict a, __global const float *restrict w, __global const float *restrict bias,
    __global const float *restrict residual, __global float *restrict out, int rows, int depth, int columns, int lda,
    int ldo, int chunk, int za, int zw, int zb, int zo, int8 image, int8 taps) {
  __local float rows_tile[DEPTH][TILE + 1];
  __local float columns_tile[DEPTH][TILE];
  const int x = get_local_id(0), y = get_local_id(1), item = y * SIDE + x;
  const int block = get_group_id(0), m0 = get_group_id(1) * TILE, z = get_global_id(2);
  a += (size_t)z * za;
  w += (size_t)z * zw + (size_t)block * depth * TILE;
  bias += (size_t)z * zb + block * TILE;
  float sum[EACH][EACH];
  for (int i = 0; i < EACH; i++)
    for (int j = 0; j < EACH; j++) sum[i][j] = bias[j * SIDE + x];
  // Each work-item brings one element of depth of four rows, and four columns.
  const int k_own = item % DEPTH, row_own = item / DEPTH;
  size_t start[EACH];
  for (int i = 0; i < EACH; i++) start[i] = row_start(min(m0 + row_own + i * SIDE, rows - 1), lda, image);
  for (int k0 = 0; k0 < depth; k0 += DEPTH) {
    const int k = k0 + k_own;
    for (int i = 0; i < EACH; i++)
      rows_tile[k_own][row_own + i * SIDE] = k < depth ? a[start[i] + step(k, image, taps)] : 0.0f;
    for (int i = 0; i < EACH; i++) {
      const int e = item + i * SIDE * SIDE, d = e / TILE;
      columns_tile[d][e % TILE] = k0 + d < depth ? w[(size_t)(k0 + d) * TILE + e % TILE] : 0.0f;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int d = 0; d < DEPTH; d++) {
      float own[EACH];
      for (int j = 0; j < EACH; j++) own[j] = columns_tile[d][j * SIDE + x];
      for (int i = 0; i < EACH; i++) {
        const float value = rows_tile[d][i * SIDE + y];
        for (int j = 0; j < EACH; j++) sum[i][j] = fma(value, own[j], sum[i][j]);
      }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (int i = 0; i < EACH; i++) {
    const int m = m0 + i * SIDE + y;
    if (m >= rows) continue;
    for (int j = 0; j < EACH; j++) {
      const int n = block * TILE + j * SIDE + x;
      if (n >= columns) continue;
      const size_t o = (size_t)z * zo + (size_t)m * ldo + n;
      float value = sum[i][j];
#ifdef RESIDUAL
      value += residual[o];
#endif
      out[o] = ACTIVATE(value);
    }
  }
}
