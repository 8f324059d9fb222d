// Matrix product of two computed tensors (nothing packed), batched with broadcasting:
//
//   out[b][m][n] = alpha * sum_k a[b][m][k] * w[b][k][n] + beta * c[m][n]
//
//   ROWS V        tile, see dense.cl
//   ADDEND        adds c, by strides (0 repeats)
//
// a and w have rows of contiguous elements (row strides lda, ldw); a batch's matrices start at the offsets that
// batch_shape and the strides give.

ONE_ITEM __kernel void matmul(
    __global const float *restrict a, __global const float *restrict w, __global const float *restrict c,
    __global float *restrict out, int rows, int depth, int columns, int lda, int ldw, int8 batch_shape, int8 a_strides,
    int8 w_strides, float alpha, float beta, int c_row, int c_column, int chunk) {
  const int column = get_global_id(0) * COLUMNS, first = get_global_id(1) * chunk, b = get_global_id(2);
  const int last = min(rows, first + chunk), valid = min(COLUMNS, columns - column);
  int r = b;
  size_t a_offset = 0, w_offset = 0;
#define AXIS(s) { const int i = r % batch_shape.s; r /= batch_shape.s; a_offset += (size_t)i * a_strides.s; w_offset += (size_t)i * w_strides.s; }
  AXIS(s7) AXIS(s6) AXIS(s5) AXIS(s4) AXIS(s3) AXIS(s2) AXIS(s1) AXIS(s0)
  a += a_offset;
  w += w_offset + column;
  out += (size_t)b * rows * columns + column;
  for (int m = first; m < last; m += ROWS) {
    __global const float *row[ROWS];
    vec sum[ROWS][V];
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
      row[i] = a + (size_t)min(m + i, rows - 1) * lda;
#pragma unroll
      for (int v = 0; v < V; v++) sum[i][v] = (vec)0.0f;
    }
    __global const float *wk = w;
    if (valid == COLUMNS) {
      ACCUMULATE_STRIDED(depth, ldw)
    } else {
      for (int k = 0; k < depth; k++) {
        vec weight[V];
#pragma unroll
        for (int v = 0; v < V; v++) weight[v] = load_part(wk + v * VW, clamp(valid - v * VW, 0, VW));
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
          for (int v = 0; v < V; v++) sum[i][v] = fma((vec)(row[i][k]), weight[v], sum[i][v]);
        wk += ldw;
      }
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++)
      if (m + i < last) {
        __global float *o = out + (size_t)(m + i) * columns;
#pragma unroll
        for (int v = 0; v < V; v++) {
          float lanes[VW];
          STORE(sum[i][v], 0, lanes);
          for (int lane = 0; lane < min(VW, valid - v * VW); lane++) {
            float value = alpha * lanes[lane];
#ifdef ADDEND
            value += beta * c[(m + i) * c_row + (column + v * VW + lane) * c_column];
#endif
            o[v * VW + lane] = value;
          }
        }
      }
  }
}
