// Depthwise convolution over channels-last images: every channel has a filter of its own. A work-item computes a group of
// channels of some rows: as many channels as let the rows that a row of outputs reads stay in the first-level cache, and
// whole cache lines of the result, which no other core writes to.
//
//   KH KW SH SW DH DW   kernel, strides, dilations
//   PIXELS        outputs of a tile along a row, at most OW
//   ACTIVATE(x)   applied to vectors
//
// group: channels of a work-item, a multiple of VW, or C. image = (H, W, OH, OW, PT, PL, C, -): input and output size,
// padding above and left, channels, at least VW; the last vector overlaps its neighbour when C is no multiple of VW.
//
// Layouts (floats): in [n][H][W][C], w [KH][KW][C], bias [C], out [n][OH][OW][C]. Rows of taps outside the image are
// skipped and columns outside of it are zero, by the place of an output in its image alone. The last tile of a row is moved
// back to end with the row and computes some outputs again.

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif
#define SPAN ((PIXELS - 1) * SW + (KW - 1) * DW + 1)

// PIXELS outputs of a row for the channels from `from` to `to`, their inputs read by X, with the
// taps of some kernel rows.
#define TILE(X, FIRST, LAST)                                                                                          \
  for (int next = from; next < to; next += VW) {                                                         \
    const int c = min(next, C - VW);                                                                     \
    vec sum[PIXELS];                                                                                     \
    const vec b = LOAD(0, bias + c);                                                                     \
    _Pragma("unroll") for (int i = 0; i < PIXELS; i++) sum[i] = b;                                       \
    _Pragma("unroll") for (int kh = FIRST; kh < LAST; kh++) {                                           \
      __global const float *p = corner + (long)kh * DH * W * C + c;                                      \
      __global const float *wk = w + kh * KW * C + c;                                                    \
      vec x[SPAN];                                                                                       \
      _Pragma("unroll") for (int i = 0; i < SPAN; i++) x[i] = X;                                         \
      _Pragma("unroll") for (int kw = 0; kw < KW; kw++) {                                                \
        const vec weight = LOAD(0, wk + kw * C);                                                         \
        _Pragma("unroll") for (int i = 0; i < PIXELS; i++) sum[i] = fma(x[i * SW + kw * DW], weight, sum[i]); \
      }                                                                                                  \
    }                                                                                                    \
    _Pragma("unroll") for (int i = 0; i < PIXELS; i++) STORE(ACTIVATE(sum[i]), 0, o + i * C + c);        \
  }

ONE_ITEM __kernel void depthwise(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int rows, int group, int chunk, int8 image) {
  const int H = image.s0, W = image.s1, OH = image.s2, OW = image.s3, PT = image.s4, PL = image.s5, C = image.s6;
  const int from = (int)get_global_id(0) * group, to = min(C, from + group);
  const int first = get_global_id(1) * chunk, last = min(rows, first + chunk);
  for (int r = first; r < last; r++) {
    const int n = r / OH, h0 = r % OH * SH - PT;
    const int top = h0 < 0 ? (DH - 1 - h0) / DH : 0, bottom = min(KH, (H - h0 + DH - 1) / DH);
    for (int tile = 0; tile < OW; tile += PIXELS) {
      const int ow = min(tile, OW - PIXELS), x0 = ow * SW - PL;
      __global const float *corner = in + ((long)(n * H + h0) * W + x0) * C;
      __global float *o = out + ((size_t)r * OW + ow) * C;
      if (top == 0 && bottom == KH && x0 >= 0 && x0 + SPAN <= W) {
        TILE(LOAD(0, p + (long)i * C), 0, KH)
      } else {
        // Columns outside the image are read from one inside, and not used.
        int place[SPAN];
        ivec used[SPAN];
#pragma unroll
        for (int i = 0; i < SPAN; i++) {
          const int column = clamp(x0 + i, 0, W - 1);
          place[i] = (column - x0) * C;
          used[i] = (ivec)(column == x0 + i ? -1 : 0);
        }
        TILE(JOIN(as_float, VW)(JOIN(as_int, VW)(LOAD(0, p + place[i])) & used[i]), top, bottom)
      }
    }
  }
}
