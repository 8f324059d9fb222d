// Convolution of any kind, one output element at a time: for what the fast kernels do not take (weights that are not
// constant, three spatial dimensions, odd groups).
//
//   ACTIVATE(x)   applied to scalars
//   BIAS, RESIDUAL   when given
//
// in_shape, in_strides and so on are of [n, channels, d, h, w]; w is row-major [outputs][channels / groups][kd][kh][kw].

#ifndef ACTIVATE
#define ACTIVATE(x) (x)
#endif

__kernel void convolution_any(
    __global const float *restrict in, __global const float *restrict w, __global const float *restrict bias,
    __global const float *restrict residual, __global float *restrict out, int in_offset, int8 in_shape, int8 in_strides,
    int8 out_shape, int8 out_strides, int8 kernel_shape, int8 stride, int8 dilation, int8 pads, int groups) {
  const int count = out_shape.s0 * out_shape.s1 * out_shape.s2 * out_shape.s3 * out_shape.s4;
  const int channels = in_shape.s1 / groups, outputs = out_shape.s1 / groups;
  FOR_EACH(i, count) {
    int r = i;
    const int ow = r % out_shape.s4; r /= out_shape.s4;
    const int oh = r % out_shape.s3; r /= out_shape.s3;
    const int od = r % out_shape.s2; r /= out_shape.s2;
    const int oc = r % out_shape.s1;
    const int n = r / out_shape.s1;
    const int group = oc / outputs;
#ifdef BIAS
    float sum = bias[oc];
#else
    float sum = 0.0f;
#endif
    for (int kd = 0; kd < kernel_shape.s0; kd++) {
      const int d = od * stride.s0 - pads.s0 + kd * dilation.s0;
      if (d < 0 || d >= in_shape.s2) continue;
      for (int kh = 0; kh < kernel_shape.s1; kh++) {
        const int h = oh * stride.s1 - pads.s1 + kh * dilation.s1;
        if (h < 0 || h >= in_shape.s3) continue;
        for (int kw = 0; kw < kernel_shape.s2; kw++) {
          const int x = ow * stride.s2 - pads.s2 + kw * dilation.s2;
          if (x < 0 || x >= in_shape.s4) continue;
          __global const float *p = in + in_offset + n * in_strides.s0 + group * channels * in_strides.s1 +
                                    d * in_strides.s2 + h * in_strides.s3 + x * in_strides.s4;
          __global const float *q =
              w + ((size_t)oc * channels * kernel_shape.s0 + kd) * kernel_shape.s1 * kernel_shape.s2 + kh * kernel_shape.s2 + kw;
          const int filter = kernel_shape.s0 * kernel_shape.s1 * kernel_shape.s2;
          for (int c = 0; c < channels; c++) sum = fma(p[c * in_strides.s1], q[c * filter], sum);
        }
      }
    }
    const int o = n * out_strides.s0 + oc * out_strides.s1 + od * out_strides.s2 + oh * out_strides.s3 + ow * out_strides.s4;
#ifdef RESIDUAL
    sum += residual[o];
#endif
    out[o] = ACTIVATE(sum);
  }
}
