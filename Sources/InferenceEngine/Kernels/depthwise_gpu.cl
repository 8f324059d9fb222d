// The depthwise convolution of depthwise.cl for GPUs: neighbouring work-items compute neighbouring channels of a pixel.
// Defines and layouts are those of depthwise.cl; PIXELS is not used.

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

__kernel void depthwise_gpu(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global float *restrict out, int rows, int8 image) {
  const int H = image.s0, W = image.s1, OH = image.s2, OW = image.s3, PT = image.s4, PL = image.s5, C = image.s6;
  FOR_EACH(i, rows * OW * C) {
    const int c = i % C, ow = i / C % OW, r = i / C / OW, n = r / OH, oh = r % OH;
    float sum = bias[c];
    for (int kh = 0; kh < KH; kh++) {
      const int h = oh * SH - PT + kh * DH;
      if (h < 0 || h >= H) continue;
      for (int kw = 0; kw < KW; kw++) {
        const int x = ow * SW - PL + kw * DW;
        if (x < 0 || x >= W) continue;
        sum = fma(in[((size_t)(n * H + h) * W + x) * C + c], w[(kh * KW + kw) * C + c], sum);
      }
    }
    out[i] = ACTIVATE(sum);
  }
}
