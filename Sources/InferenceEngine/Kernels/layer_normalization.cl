// Normalisation of dense sets of elements by their own mean and variance:
//
//   y = (x - mean) / sqrt(variance + epsilon) * scale + bias,   variance = sum (x - mean)^2 / count
//
//   T          float or double
//   BIAS       there is a bias (layer_normalization)
//   MOMENTS    also writes each set's mean and 1 / sqrt(variance + epsilon) (layer_normalization)
//
// Order: both sums run over element r in lane r % 32; lanes combine pairwise, 16 apart, 8, 4, 2, 1. A work-item takes
// `chunk` whole sets.

typedef JOIN(T, 16) T16;

static inline T16 load_some(__global const T *x, int count) {
  T lane[16];
  for (int l = 0; l < 16; l++) lane[l] = l < count ? x[l] : (T)0;
  return vload16(0, lane);
}

static inline T combine_lanes(T16 a, T16 b) {
  T16 sum = a + b;
  sum += sum.s89abcdef01234567;
  sum += sum.s456789abcdef0123;
  sum += sum.s23456789abcdef01;
  return sum.s0 + sum.s1;
}

static inline T16 squared_distance(T16 x, T mean, int count) {
  const T16 d = x - mean;
  T lane[16];
  vstore16(d * d, 0, lane);
  for (int l = count; l < 16; l++) lane[l] = 0;
  return vload16(0, lane);
}

// Mean and 1 / sqrt(variance + epsilon) of `count` elements.
static inline void moments(__global const T *x, int count, T epsilon, T *mean, T *scale) {
  T16 a = 0, b = 0;
  int r = 0;
  for (; r + 32 <= count; r += 32) {
    a += vload16(0, x + r);
    b += vload16(1, x + r);
  }
  const int left = count - r;
  if (left > 0) a += load_some(x + r, left);
  if (left > 16) b += load_some(x + r + 16, left - 16);
  const T m = combine_lanes(a, b) / (T)count;
  a = 0, b = 0;
  for (r = 0; r + 32 <= count; r += 32) {
    const T16 d = vload16(0, x + r) - m, e = vload16(1, x + r) - m;
    a = fma(d, d, a);
    b = fma(e, e, b);
  }
  if (left > 0) a += squared_distance(load_some(x + r, left), m, left);
  if (left > 16) b += squared_distance(load_some(x + r + 16, left - 16), m, left - 16);
  *mean = m;
  *scale = (T)1 / sqrt(combine_lanes(a, b) / (T)count + epsilon);
}

// `scale` and `bias` [count]; `means` and `deviations` [sets].
ONE_ITEM __kernel void layer_normalization(
    __global const T *restrict in, __global const T *restrict scale, __global const T *restrict bias,
    __global T *restrict out, __global T *restrict means, __global T *restrict deviations, int sets, int count,
    T epsilon, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    __global const T *x = in + (size_t)set * count;
    __global T *y = out + (size_t)set * count;
    T mean, by;
    moments(x, count, epsilon, &mean, &by);
    int r = 0;
#ifdef BIAS
    for (; r + 16 <= count; r += 16)
      vstore16(fma((vload16(0, x + r) - mean) * by, vload16(0, scale + r), vload16(0, bias + r)), 0, y + r);
    for (; r < count; r++) y[r] = fma((x[r] - mean) * by, scale[r], bias[r]);
#else
    for (; r + 16 <= count; r += 16) vstore16((vload16(0, x + r) - mean) * by * vload16(0, scale + r), 0, y + r);
    for (; r < count; r++) y[r] = (x[r] - mean) * by * scale[r];
#endif
#ifdef MOMENTS
    means[set] = mean;
    deviations[set] = by;
#endif
  }
}

// in and out [n][groups][channels][count]; `scale` and `bias` [groups * channels]. Sets are the groups of an image.
ONE_ITEM __kernel void group_normalization(
    __global const T *restrict in, __global const T *restrict scale, __global const T *restrict bias,
    __global T *restrict out, int sets, int groups, int channels, int count, T epsilon, int chunk) {
  const int first = get_global_id(0) * chunk, last = min(sets, first + chunk);
  for (int set = first; set < last; set++) {
    T mean, by;
    moments(in + (size_t)set * channels * count, channels * count, epsilon, &mean, &by);
    for (int c = 0; c < channels; c++) {
      const int channel = set % groups * channels + c;
      const size_t at = ((size_t)set * channels + c) * count;
      __global const T *x = in + at;
      __global T *y = out + at;
      const T s = scale[channel], b = bias[channel];
      int r = 0;
      for (; r + 16 <= count; r += 16) vstore16(fma((vload16(0, x + r) - mean) * by, (T16)s, (T16)b), 0, y + r);
      for (; r < count; r++) y[r] = fma((x[r] - mean) * by, s, b);
    }
  }
}
