// 3x3 stride-1 convolution over channels-last images by Winograd's F(m x m, 3x3) (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015): tiles of m x m outputs from (m + 2) x (m + 2) inputs. m = 4 needs 36 products
// instead of 144, m = 2 needs 16 instead of 36 with smaller filters.
//
//   SIDE          m + 2: 6 or 4
//   ROWS V        tile of the product, see dense.cl
//   AHEAD         as in dense.cl
//   STAGE_INPUT, STAGE_OUTPUT, STAGE_ALL   which kernel
//   RESIDUAL ACTIVATE(x)   as in dense.cl
//
// image = (H, W, OH, OW, TH, TW, PT, PL): input and output size, tiles per column and row of an image, padding above and
// left. C and OC, the channels, are multiples of VW.
//
// Layouts (floats): in [n][H][W][C], out and residual [n][OH][OW][OC], u [POINTS][ceil(OC / COLUMNS)][C][COLUMNS], transformed
// input [POINTS][tiles][C], products [POINTS][tiles][OC].

#ifdef AHEAD
#define PRODUCT(rows, length) ACCUMULATE_AHEAD(rows, length)
#else
#define PRODUCT(rows, length) ACCUMULATE_RANGE(rows, 0, length, COLUMNS)
#endif
#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

#define STEP (SIDE - 2)
#define POINTS (SIDE * SIDE)

// One dimension of the input transform, and of the output transform.
#if SIDE == 6
#define INPUT_TRANSFORM(d, s)                          \
  {                                                    \
    const vec a = fma((vec)-4.0f, d[2], d[4]), b = fma((vec)-4.0f, d[1], d[3]); \
    const vec c = d[4] - d[2], e = 2.0f * (d[3] - d[1]); \
    s[0] = fma((vec)4.0f, d[0], fma((vec)-5.0f, d[2], d[4])); \
    s[1] = a + b;                                      \
    s[2] = a - b;                                      \
    s[3] = c + e;                                      \
    s[4] = c - e;                                      \
    s[5] = fma((vec)4.0f, d[1], fma((vec)-5.0f, d[3], d[5])); \
  }
#define OUTPUT_TRANSFORM(m, s)                         \
  {                                                    \
    const vec a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], e = m[3] - m[4]; \
    s[0] = m[0] + a + c;                               \
    s[1] = fma((vec)2.0f, e, b);                       \
    s[2] = fma((vec)4.0f, c, a);                       \
    s[3] = fma((vec)8.0f, e, b) + m[5];                \
  }
#else
#define INPUT_TRANSFORM(d, s)                          \
  {                                                    \
    s[0] = d[0] - d[2];                                \
    s[1] = d[1] + d[2];                                \
    s[2] = d[2] - d[1];                                \
    s[3] = d[1] - d[3];                                \
  }
#define OUTPUT_TRANSFORM(m, s)                         \
  {                                                    \
    s[0] = m[0] + m[1] + m[2];                         \
    s[1] = m[1] - m[2] - m[3];                         \
  }
#endif

// Transforms tile t into row `at` of the POINTS matrices, `plane` floats apart.
static inline void transform_input(__global const float *restrict in, __global float *restrict v, int t, int at, int plane, int C, int8 image_size) {
  const int H = image_size.s0, W = image_size.s1, TH = image_size.s4, TW = image_size.s5, PT = image_size.s6, PL = image_size.s7;
  const int n = t / (TH * TW), r = t % (TH * TW), h0 = r / TW * STEP - PT, w0 = r % TW * STEP - PL;
  __global const float *image = in + (size_t)n * H * W * C;
  const bool inner = h0 >= 0 && w0 >= 0 && h0 + SIDE <= H && w0 + SIDE <= W;
  for (int c = 0; c < C; c += VW) {
    vec half_way[SIDE][SIDE];
#pragma unroll
    for (int x = 0; x < SIDE; x++) {
      vec d[SIDE], s[SIDE];
#pragma unroll
      for (int y = 0; y < SIDE; y++) {
        if (inner || (h0 + y >= 0 && h0 + y < H && w0 + x >= 0 && w0 + x < W))
          d[y] = LOAD(0, image + ((h0 + y) * W + w0 + x) * C + c);
        else
          d[y] = (vec)0.0f;
      }
      INPUT_TRANSFORM(d, s)
#pragma unroll
      for (int y = 0; y < SIDE; y++) half_way[y][x] = s[y];
    }
    __global float *o = v + at * C + c;
#pragma unroll
    for (int y = 0; y < SIDE; y++) {
      vec s[SIDE];
      INPUT_TRANSFORM(half_way[y], s)
#pragma unroll
      for (int x = 0; x < SIDE; x++) STORE(s[x], 0, o + (size_t)(y * SIDE + x) * plane);
    }
  }
}

// Transforms row `at` of the POINTS products back to the outputs of tile t.
static inline void transform_output(
    __global const float *restrict p, __global const float *restrict bias, __global const float *restrict residual,
    __global float *restrict out, int t, int at, int plane, int OC, int8 image_size) {
  const int OH = image_size.s2, OW = image_size.s3, TH = image_size.s4, TW = image_size.s5;
  const int n = t / (TH * TW), r = t % (TH * TW), h0 = r / TW * STEP, w0 = r % TW * STEP;
  const size_t corner = ((size_t)(n * OH + h0) * OW + w0) * OC;
  for (int c = 0; c < OC; c += VW) {
    __global const float *q = p + at * OC + c;
    vec half_way[STEP][SIDE];
#pragma unroll
    for (int x = 0; x < SIDE; x++) {
      vec m[SIDE], s[STEP];
#pragma unroll
      for (int y = 0; y < SIDE; y++) m[y] = LOAD(0, q + (size_t)(y * SIDE + x) * plane);
      OUTPUT_TRANSFORM(m, s)
#pragma unroll
      for (int y = 0; y < STEP; y++) half_way[y][x] = s[y];
    }
    const vec b = LOAD(0, bias + c);
#pragma unroll
    for (int y = 0; y < STEP; y++) {
      if (h0 + y < OH) {
        vec s[STEP];
        OUTPUT_TRANSFORM(half_way[y], s)
#pragma unroll
        for (int x = 0; x < STEP; x++) {
          if (w0 + x < OW) {
            const size_t o = corner + (size_t)(y * OW + x) * OC + c;
            vec value = s[x] + b;
#ifdef RESIDUAL
            value += LOAD(0, residual + o);
#endif
            STORE(ACTIVATE(value), 0, out + o);
          }
        }
      }
    }
  }
}

#ifdef STAGE_INPUT
ONE_ITEM __kernel void winograd_input(
    __global const float *restrict in, __global float *restrict v, int tiles, int chunk, int C, int8 image) {
  const int first = get_global_id(0) * chunk, last = min(tiles, first + chunk);
  for (int t = first; t < last; t++) transform_input(in, v, t, t, tiles * C, C, image);
}
#endif

#ifdef STAGE_OUTPUT
ONE_ITEM __kernel void winograd_output(
    __global const float *restrict p, __global const float *restrict bias, __global const float *restrict residual,
    __global float *restrict out, int tiles, int chunk, int OC, int8 image) {
  const int first = get_global_id(0) * chunk, last = min(tiles, first + chunk);
  for (int t = first; t < last; t++) transform_output(p, bias, residual, out, t, t, tiles * OC, OC, image);
}
#endif

#ifdef STAGE_ALL
// All three stages for chunks of TILES tiles, in a slice of scratch of the work-item's own that stays in its core's cache:
// POINTS * TILES * (C + OC) floats.
ONE_ITEM __kernel void winograd(
    __global const float *restrict in, __global const float *restrict u, __global const float *restrict bias,
    __global const float *restrict residual, __global float *restrict out, __global float *restrict scratch, int tiles,
    int chunks, int TILES, int C, int OC, int8 image) {
  __global float *v = scratch + (size_t)get_global_id(0) * POINTS * TILES * (C + OC);
  __global float *p = v + POINTS * TILES * C;
  const int items = get_global_size(0), item = get_global_id(0);
  for (int chunk = item * chunks / items; chunk < (item + 1) * chunks / items; chunk++) {
    const int first = chunk * TILES, count = min(TILES, tiles - first);
    for (int t = 0; t < count; t++) transform_input(in, v, first + t, t, TILES * C, C, image);
    for (int point = 0; point < POINTS; point++) {
      __global const float *a = v + point * TILES * C;
      __global const float *wk = u + (size_t)point * ((OC + COLUMNS - 1) / COLUMNS) * C * COLUMNS;
      for (int column = 0; column < OC; column += COLUMNS) {
        __global const float *panel = wk + (size_t)column * C;
#ifdef AHEAD
        __global const float *ahead = panel + (size_t)AHEAD * C * COLUMNS;
        const int lines = (COLUMNS / 2 * ROWS + count - 1) / count;
#endif
        for (int m = 0; m < count; m += ROWS) {
          __global const float *row[ROWS];
          vec sum[ROWS][V];
#pragma unroll
          for (int i = 0; i < ROWS; i++) {
            row[i] = a + min(m + i, count - 1) * C;
#pragma unroll
            for (int v = 0; v < V; v++) sum[i][v] = (vec)0.0f;
          }
          __global const float *wk = panel;
          PRODUCT(ROWS, C)
#pragma unroll
          for (int i = 0; i < ROWS; i++)
            if (m + i < count) {
              __global float *o = p + (point * TILES + m + i) * OC + column;
#pragma unroll
              for (int v = 0; v < V; v++)
                if (column + v * VW < OC) STORE(sum[i][v], v, o);
            }
        }
      }
    }
    for (int t = 0; t < count; t++) transform_output(p, bias, residual, out, first + t, t, TILES * OC, OC, image);
  }
}
#endif
