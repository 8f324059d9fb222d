// Depthwise convolution over channels-last images: every channel has a filter of its own. A work-item computes a vector
// of channels of some rows, so that its filter stays in the first-level cache.
//
//   KH KW SH SW DH DW   kernel, strides, dilations
//   PIXELS        outputs of a tile along a row
//   ACTIVATE(x)   applied to vectors
//
// image = (H, W, OH, OW, PT, PL, C, -): input and output size, padding above and left, channels, at least VW; the last
// vector overlaps its neighbour when C is no multiple of VW.
//
// Layouts (floats): in [n][H][W][C], w [KH][KW][C], bias [C], out [n][OH][OW][C]. Rows of taps outside the image are
// skipped and columns outside of it are zero, by the place of an output in its image alone.

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif
#define SPAN ((PIXELS - 1) * SW + (KW - 1) * DW + 1)

// PIXELS outputs of a row; GUARDED where some of their columns, or some of them, are not there.
#define TILE(GUARDED)                                                                                    \
  {                                                                                                      \
    vec sum[PIXELS];                                                                                     \
    _Pragma("unroll") for (int i = 0; i < PIXELS; i++) sum[i] = b;                                       \
    for (int kh = 0; kh < KH; kh++) {                                                                    \
      const int h = h0 + kh * DH;                                                                        \
      if (h < 0 || h >= H) continue;                                                                     \
      __global const float *p = in + ((long)(n * H + h) * W + x0) * C + c;                               \
      __global const float *wk = w + kh * KW * C + c;                                                    \
      vec x[SPAN];                                                                                       \
      _Pragma("unroll") for (int i = 0; i < SPAN; i++) {                                                 \
        if (!(GUARDED) || (x0 + i >= 0 && x0 + i < W)) x[i] = LOAD(0, p + (long)i * C);                  \
        else x[i] = (vec)(0);                                                                            \
      }                                                                                                  \
      _Pragma("unroll") for (int kw = 0; kw < KW; kw++) {                                                \
        const vec weight = LOAD(0, wk + kw * C);                                                         \
        _Pragma("unroll") for (int i = 0; i < PIXELS; i++) sum[i] = fma(x[i * SW + kw * DW], weight, sum[i]); \
      }                                                                                                  \
    }                                                                                                    \
    __global float *o = out + ((size_t)r * OW + ow) * C + c;                                             \
    _Pragma("unroll") for (int i = 0; i < PIXELS; i++)                                                   \
      if (!(GUARDED) || ow + i < OW) STORE(ACTIVATE(sum[i]), 0, o + i * C);                              \
  }

ONE_ITEM __kernel void depthwise(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int rows, int chunk, int8 image) {
  const int H = image.s0, W = image.s1, OH = image.s2, OW = image.s3, PT = image.s4, PL = image.s5, C = image.s6;
  const int c = min((int)get_global_id(0) * VW, C - VW);
  const int first = get_global_id(1) * chunk, last = min(rows, first + chunk);
  const vec b = LOAD(0, bias + c);
  for (int r = first; r < last; r++) {
    const int n = r / OH, oh = r % OH, h0 = oh * SH - PT;
    for (int ow = 0; ow < OW; ow += PIXELS) {
      const int x0 = ow * SW - PL;
      if (x0 >= 0 && x0 + SPAN <= W && ow + PIXELS <= OW) TILE(0)
      else TILE(1)
    }
  }
}
