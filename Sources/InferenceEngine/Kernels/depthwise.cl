// Depthwise convolution over channels-last images: every channel has a filter of its own.
//
//   KH KW SH SW DH DW   kernel, strides, dilations
//   PIXELS        outputs of a tile along a row
//   ACTIVATE(x)   applied to vectors
//
// image = (H, W, OH, OW, PT, PL, C, -): input and output size, padding above and left, channels, at least VW; the last
// vector overlaps its neighbour when C is no multiple of VW.
//
// Layouts (floats): in [n][H][W][C], w [KH][KW][C], bias [C], out [n][OH][OW][C]. Taps outside the image are skipped, so
// an output's sum runs over its taps in order whichever path computes it.

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif
#define SPAN ((PIXELS - 1) * SW + (KW - 1) * DW + 1)

static inline void edge_pixel(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int n, int oh, int ow, int8 image) {
  const int H = image.s0, W = image.s1, OH = image.s2, OW = image.s3, PT = image.s4, PL = image.s5, C = image.s6;
  for (int block = 0; block < C; block += VW) {
    const int c = min(block, C - VW);
    vec sum = LOAD(0, bias + c);
    for (int kh = 0; kh < KH; kh++) {
      const int h = oh * SH - PT + kh * DH;
      if (h < 0 || h >= H) continue;
      for (int kw = 0; kw < KW; kw++) {
        const int x = ow * SW - PL + kw * DW;
        if (x < 0 || x >= W) continue;
        sum = fma(LOAD(0, in + ((size_t)(n * H + h) * W + x) * C + c), LOAD(0, w + (kh * KW + kw) * C + c), sum);
      }
    }
    STORE(ACTIVATE(sum), 0, out + ((size_t)(n * OH + oh) * OW + ow) * C + c);
  }
}

ONE_ITEM __kernel void depthwise(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int rows, int chunk, int8 image) {
  const int H = image.s0, W = image.s1, OH = image.s2, OW = image.s3, PT = image.s4, PL = image.s5, C = image.s6;
  const int first = get_global_id(0) * chunk, last = min(rows, first + chunk);
  for (int r = first; r < last; r++) {
    const int n = r / OH, oh = r % OH, h0 = oh * SH - PT;
    int ow = 0;
    while (ow < OW) {
      const int x0 = ow * SW - PL;
      if (x0 < 0 || x0 + SPAN > W || ow + PIXELS > OW) {
        edge_pixel(in, w, bias, out, n, oh, ow, image);
        ow++;
        continue;
      }
      for (int block = 0; block < C; block += VW) {
        const int c = min(block, C - VW);
        vec sum[PIXELS];
        const vec b = LOAD(0, bias + c);
#pragma unroll
        for (int i = 0; i < PIXELS; i++) sum[i] = b;
        for (int kh = 0; kh < KH; kh++) {
          const int h = h0 + kh * DH;
          if (h < 0 || h >= H) continue;
          __global const float *p = in + ((size_t)(n * H + h) * W + x0) * C + c;
          __global const float *wk = w + kh * KW * C + c;
          vec x[SPAN];
#pragma unroll
          for (int i = 0; i < SPAN; i++) x[i] = LOAD(0, p + i * C);
#pragma unroll
          for (int kw = 0; kw < KW; kw++) {
            const vec weight = LOAD(0, wk + kw * C);
#pragma unroll
            for (int i = 0; i < PIXELS; i++) sum[i] = fma(x[i * SW + kw * DW], weight, sum[i]);
          }
        }
        __global float *o = out + ((size_t)r * OW + ow) * C + c;
#pragma unroll
        for (int i = 0; i < PIXELS; i++) STORE(ACTIVATE(sum[i]), 0, o + i * C);
      }
      ow += PIXELS;
    }
  }
}
