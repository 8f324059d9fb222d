// Matrix product and convolution over channels-last images, one micro-kernel:
//
//   out[m][n] = ACTIVATE(bias[n] + sum_k a(m, k) * w[k][n] + residual[m][n])
//
// A work-item computes ROWS x COLUMNS tiles of `out`, all accumulators in registers, for a chunk of rows and one block
// of columns. The sum of an element always runs over k in order, whatever the tile, the chunk or KBLOCK: partial sums
// that go through memory are stored exactly.
//
//   ROWS     rows of a tile, 1...14
//   V        vectors of a tile, 1...8; COLUMNS = V * VW
//   KBLOCK   elements of k whose packed weights stay in cache while the rows of a chunk pass (product only)
//   ACTIVATE(x)   applied to vectors
//   RESIDUAL      adds residual[m][n], same place as out
//   CONVOLUTION   rows are output pixels, see below
//   AHEAD         how many blocks of columns further to fetch weights from memory, 1...; none without
//   STREAM        the result is larger than caches and written past them; out and its rows lie at whole vectors
//
// Layouts (floats):
//   a        product: row m starts at m * lda. Convolution: [n][HP][WP][PIXEL], already padded.
//   w        [ceil(N / COLUMNS)][K][COLUMNS], zero in the columns past N
//   bias     [ceil(N / COLUMNS) * COLUMNS]
//   out      row m starts at m * ldo
//
// Convolution geometry: image = (OH, OW, SH, SW, HP, WP, PIXEL, -), output size, strides, padded input size, elements from a
// pixel to the next; taps = (KH, TAPS, RUN, DH, DW, -, -, -), kernel rows, contiguous runs per kernel row, elements of a run
// (KW * C when a kernel row is contiguous, else C), dilations.

#if defined(STREAM) && !__has_builtin(__builtin_nontemporal_store)
#undef STREAM
#endif
#ifdef AHEAD
#define PRODUCT(rows, length) ACCUMULATE_AHEAD(rows, length)
#else
#define PRODUCT(rows, length) ACCUMULATE_RANGE(rows, 0, length, COLUMNS)
#endif
#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

// One tile of `count` rows, ROWS or one less: rows of both heights fill most chunks without waste. `count` is constant once
// this is inlined.
__attribute__((always_inline))
static inline void dense_tile(
    const int count, int m, int rows, int last, int k0, int length, bool start, bool end, int valid, int lda, int ldo,
    __global const float *a, __global const float *w, __global const float *bias, __global const float *residual,
    __global float *out, int8 image, int8 taps, __global const float *ahead, int lines) {
  __global const float *row[ROWS];
#ifdef CONVOLUTION
  const int OH = image.s0, OW = image.s1, SH = image.s2, SW = image.s3, HP = image.s4, WP = image.s5, PIXEL = image.s6;
  int n = m / (OH * OW), oh = m / OW % OH, ow = m % OW;
#pragma unroll
  for (int i = 0; i < count; i++) {
    row[i] = a + ((size_t)(n * HP + oh * SH) * WP + ow * SW) * PIXEL;
    if (m + i + 1 < rows) {  // rows past the end repeat the last one
      ow++;
      if (ow == OW) ow = 0, oh++;
      if (oh == OH) oh = 0, n++;
    }
  }
#else
#pragma unroll
  for (int i = 0; i < count; i++)
    row[i] = i == 0 ? a + (size_t)m * lda + k0 : row[i - 1] + (m + i < rows ? lda : 0);  // the last row is repeated
#endif
  vec sum[ROWS][V];
  if (start) {
#pragma unroll
    for (int i = 0; i < count; i++)
#pragma unroll
      for (int v = 0; v < V; v++) sum[i][v] = LOAD(v, bias);
  } else {
    float part[ROWS * COLUMNS];
    for (int i = 0; i < count; i++) {
      __global const float *o = out + (size_t)min(m + i, rows - 1) * ldo;
      for (int column = 0; column < valid; column += VW)
        STORE(column + VW <= valid ? LOAD(0, o + column) : load_part(o + column, valid - column), 0, part + i * COLUMNS + column);
    }
#pragma unroll
    for (int i = 0; i < count; i++)
#pragma unroll
      for (int v = 0; v < V; v++) sum[i][v] = LOAD(i * V + v, part);
  }
#ifdef CONVOLUTION
  __global const float *wk = w;
  const int KH = taps.s0, TAPS = taps.s1, RUN = taps.s2, DH = taps.s3, DW = taps.s4;
  for (int kh = 0; kh < KH; kh++) {
    for (int kw = 0; kw < TAPS; kw++) {
      PRODUCT(count, RUN)
#pragma unroll
      for (int i = 0; i < count; i++) row[i] += DW * PIXEL;
    }
#pragma unroll
    for (int i = 0; i < count; i++) row[i] += (DH * WP - TAPS * DW) * PIXEL;
  }
#else
  __global const float *wk = w + (size_t)k0 * COLUMNS;
  PRODUCT(count, length)
#endif
  if (end && valid % VW == 0 && m + count <= last) {
    __global float *o = out + (size_t)m * ldo;
#ifdef RESIDUAL
    __global const float *r = residual + (size_t)m * ldo;
#endif
#pragma unroll
    for (int v = 0; v < V; v++) {
      if (v * VW < valid) {
#pragma unroll
        for (int i = 0; i < count; i++) {
#ifdef RESIDUAL
          sum[i][v] += LOAD(v, r + (size_t)i * ldo);
#endif
#ifdef STREAM
          __builtin_nontemporal_store(ACTIVATE(sum[i][v]), (__global vec *)(o + (size_t)i * ldo) + v);
#else
          STORE(ACTIVATE(sum[i][v]), v, o + (size_t)i * ldo);
#endif
        }
      }
    }
    return;
  }
  // At the end of the rows or columns, and between blocks of k.
  float part[ROWS * COLUMNS];
#pragma unroll
  for (int i = 0; i < count; i++)
#pragma unroll
    for (int v = 0; v < V; v++) STORE(sum[i][v], i * V + v, part);
  for (int i = 0; i < min(count, last - m); i++) {
    for (int column = 0; column < valid; column += VW) {
      const size_t place = (size_t)(m + i) * ldo + column;
      const int lanes = valid - column;
      vec value = LOAD(0, part + i * COLUMNS + column);
      if (end) {
#ifdef RESIDUAL
        value += lanes >= VW ? LOAD(0, residual + place) : load_part(residual + place, lanes);
#endif
        value = ACTIVATE(value);
      }
      if (lanes >= VW) STORE(value, 0, out + place);
      else store_part(value, out + place, lanes);
    }
  }
}

// columns: N of this launch. strides of the third grid dimension (groups, Winograd points): za, zw, zb, zo.
ONE_ITEM __kernel void dense(
    __global const float *restrict a, __global const float *restrict w, __global const float *restrict bias,
    __global const float *restrict residual, __global float *restrict out, int rows, int depth, int columns, int lda,
    int ldo, int chunk, int za, int zw, int zb, int zo, int8 image, int8 taps) {
  const int block = get_global_id(0), first = get_global_id(1) * chunk, z = get_global_id(2);
  const int last = min(rows, first + chunk);
  a += (size_t)z * za;
  w += (size_t)z * zw + (size_t)block * depth * COLUMNS;
  bias += (size_t)z * zb + block * COLUMNS;
  out += (size_t)z * zo + block * COLUMNS;
#ifdef RESIDUAL
  residual += (size_t)z * zo + block * COLUMNS;
#endif
  const int valid = min(COLUMNS, columns - block * COLUMNS);
  const int tiles = (last - first + ROWS - 1) / ROWS, whole = last - first - tiles * (ROWS - 1);
#ifndef CONVOLUTION
  for (int k0 = 0; k0 < depth; k0 += KBLOCK) {
    const int length = min(KBLOCK, depth - k0);
    const bool start = k0 == 0, end = k0 + KBLOCK >= depth;
#else
  {
    const int k0 = 0, length = depth;
    const bool start = true, end = true;
#endif
    int m = first, tile = 0;
#ifdef AHEAD
    // The tiles share in asking for the block that this thread will probably claim next.
    __global const float *next = w + ((size_t)AHEAD * depth + k0) * COLUMNS;
    const int share = (COLUMNS / 2 + tiles - 1) / tiles;
#define NEXT next + (size_t)tile * share * 2 * length, tile * share < COLUMNS / 2 ? share : 0
#else
#define NEXT 0, 0
#endif
    for (; tile < tiles && (ROWS == 1 || tile < whole); tile++, m += ROWS)
      dense_tile(ROWS, m, rows, last, k0, length, start, end, valid, lda, ldo, a, w, bias, residual, out, image, taps,
                 NEXT);
#if ROWS > 1
    for (; tile < tiles; tile++, m += ROWS - 1)
      dense_tile(ROWS - 1, m, rows, last, k0, length, start, end, valid, lda, ldo, a, w, bias, residual, out, image, taps,
                 NEXT);
#endif
  }
#ifdef STREAM
  __atomic_thread_fence(5);
#endif
}
