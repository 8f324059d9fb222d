// Batch normalisation with given moments, for inference:
//
//   y = (x - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + bias[c]
//
//   T    float or double

typedef JOIN(T, VW) tvec;

// [planes / channels][channels][count]; a work-item takes `chunk` planes. CPU.
ONE_ITEM __kernel void batch_normalization_planes(
    __global const T *restrict in, __global const T *restrict scale, __global const T *restrict bias,
    __global const T *restrict mean, __global const T *restrict variance, __global T *restrict out, int planes,
    int channels, int count, T epsilon, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(planes, first + chunk);
  for (int plane = first; plane < last; plane++) {
    const int c = plane % channels;
    const T a = scale[c] / sqrt(variance[c] + epsilon), b = bias[c], m = mean[c];
    __global const T *x = in + (size_t)plane * count;
    __global T *y = out + (size_t)plane * count;
    int r = 0;
    for (; r + VW <= count; r += VW)
      JOIN(vstore, VW)(fma(JOIN(vload, VW)(0, x + r) - m, (tvec)a, (tvec)b), 0, y + r);
    for (; r < count; r++) y[r] = fma(x[r] - m, a, b);
  }
}

// [pixels][channels]; a work-item takes `chunk` pixels. CPU.
ONE_ITEM __kernel void batch_normalization_pixels(
    __global const T *restrict in, __global const T *restrict scale, __global const T *restrict bias,
    __global const T *restrict mean, __global const T *restrict variance, __global T *restrict out, int pixels,
    int channels, T epsilon, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(pixels, first + chunk);
  int c = 0;
  for (; c + VW <= channels; c += VW) {
    const tvec a = JOIN(vload, VW)(0, scale + c) / sqrt(JOIN(vload, VW)(0, variance + c) + epsilon);
    const tvec b = JOIN(vload, VW)(0, bias + c), m = JOIN(vload, VW)(0, mean + c);
    for (int pixel = first; pixel < last; pixel++) {
      const size_t at = (size_t)pixel * channels + c;
      JOIN(vstore, VW)(fma(JOIN(vload, VW)(0, in + at) - m, a, b), 0, out + at);
    }
  }
  for (; c < channels; c++) {
    const T a = scale[c] / sqrt(variance[c] + epsilon);
    for (int pixel = first; pixel < last; pixel++) {
      const size_t at = (size_t)pixel * channels + c;
      out[at] = fma(in[at] - mean[c], a, bias[c]);
    }
  }
}

// Either of the above (count = 1 for pixels), one element at a time.
__kernel void batch_normalization_any(
    __global const T *restrict in, __global const T *restrict scale, __global const T *restrict bias,
    __global const T *restrict mean, __global const T *restrict variance, __global T *restrict out, int elements,
    int channels, int count, T epsilon) {
  FOR_EACH(i, elements) {
    const int c = i / count % channels;
    out[i] = fma(in[i] - mean[c], scale[c] / sqrt(variance[c] + epsilon), bias[c]);
  }
}
