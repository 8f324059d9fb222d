// Convolution with few input channels over channels-last images, as at the start of a network: the inputs of an output are
// a few short runs, so all of a tile's addresses are constants from one place. A work-item computes all channels of some
// rows of outputs.
//
//   ROWS V        tile: outputs along a row, at most OW; vectors of channels
//   KH RUN        kernel rows, floats of one
//   SH DH         stride and dilation of rows
//   STEP          floats from the inputs of an output to those of the next
//   ACTIVATE(x)   applied to vectors
//
// image = (OH, OW, HP, WIDTH, -): output size, input rows, floats of an input row.
//
// Layouts (floats): a [n][HP][WIDTH], already padded; w [ceil(N / COLUMNS)][KH][RUN][COLUMNS], zero in the columns past N;
// bias [ceil(N / COLUMNS) * COLUMNS]; out [n][OH][OW][N]. The sum of an element runs over KH and RUN in order, as in
// dense.cl. The last tile of a row is moved back to end with the row and computes some outputs again.

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

ONE_ITEM __kernel void convolution_row(
    __global const float *restrict a, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int rows, int columns, int8 image, int chunk) {
  const int OH = image.s0, OW = image.s1, HP = image.s2, WIDTH = image.s3;
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int r = first; r < last; r++) {
    __global const float *line = a + (size_t)(r / OH * HP + r % OH * SH) * WIDTH;
    for (int tile = 0; tile < OW; tile += ROWS) {
      const int ow = min(tile, OW - ROWS);
      __global const float *wk = w;
      for (int column = 0; column < columns; column += COLUMNS) {
        vec sum[ROWS][V];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
          for (int v = 0; v < V; v++) sum[i][v] = LOAD(v, bias + column);
        for (int kh = 0; kh < KH; kh++) {
          __global const float *p = line + kh * DH * WIDTH + ow * STEP;
#pragma unroll 3
          for (int k = 0; k < RUN; k++, p++, wk += COLUMNS) {
            vec weight[V];
#pragma unroll
            for (int v = 0; v < V; v++) weight[v] = LOAD(v, wk);
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
              const vec x = (vec)(p[i * STEP]);
#pragma unroll
              for (int v = 0; v < V; v++) sum[i][v] = fma(x, weight[v], sum[i][v]);
            }
          }
        }
        __global float *o = out + ((size_t)r * OW + ow) * columns + column;
#pragma unroll
        for (int i = 0; i < ROWS; i++)
#pragma unroll
          for (int v = 0; v < V; v++) {
            const int lanes = columns - column - v * VW;
            const vec value = ACTIVATE(sum[i][v]);
            if (lanes >= VW) STORE(value, v, o + i * columns);
            else if (lanes > 0) store_part(value, o + i * columns + v * VW, lanes);
          }
      }
    }
  }
}
