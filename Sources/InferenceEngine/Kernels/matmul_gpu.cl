// The product of matmul.cl for GPUs: a work-group computes a 16 x 16 tile through local memory. Arguments and the order
// of every sum are those of matmul.cl; ROWS and V are not used.

#define SIDE 16

__attribute__((reqd_work_group_size(SIDE, SIDE, 1))) __kernel void matmul_gpu(
    __global const float *restrict a, __global const float *restrict w, __global const float *restrict c,
    __global float *restrict out, int rows, int depth, int columns, int lda, int ldw, int8 batch_shape, int8 a_strides,
    int8 w_strides, float alpha, float beta, int c_row, int c_column, int chunk) {
  __local float rows_tile[SIDE][SIDE + 1];
  __local float columns_tile[SIDE][SIDE];
  const int x = get_local_id(0), y = get_local_id(1), n = get_group_id(0) * SIDE + x, m = get_group_id(1) * SIDE + y;
  const int b = get_global_id(2);
  int r = b;
  size_t a_offset = 0, w_offset = 0;
#define AXIS(s) { const int i = r % batch_shape.s; r /= batch_shape.s; a_offset += (size_t)i * a_strides.s; w_offset += (size_t)i * w_strides.s; }
  AXIS(s7) AXIS(s6) AXIS(s5) AXIS(s4) AXIS(s3) AXIS(s2) AXIS(s1) AXIS(s0)
  float sum = 0.0f;
  for (int k0 = 0; k0 < depth; k0 += SIDE) {
    rows_tile[y][x] = m < rows && k0 + x < depth ? a[a_offset + (size_t)m * lda + k0 + x] : 0.0f;
    columns_tile[y][x] = n < columns && k0 + y < depth ? w[w_offset + (size_t)(k0 + y) * ldw + n] : 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int d = 0; d < SIDE; d++) sum = fma(rows_tile[y][d], columns_tile[d][x], sum);
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (m < rows && n < columns) {
    float value = alpha * sum;
#ifdef ADDEND
    value += beta * c[m * c_row + n * c_column];
#endif
    out[((size_t)b * rows + m) * columns + n] = value;
  }
}
