// Local response normalisation over neighbouring channels of channels-last images, [pixels][C]:
//
//   y[c] = x[c] / (bias + scale * sum x[i]^2)^beta,   i from c - BEFORE to c + AFTER inside the image
//
//   T               float or double
//   BEFORE AFTER    channels of the window on either side
//   BETA_075        beta is 3/4: roots instead of powers
//
// Sums run over i upwards.

typedef JOIN(T, VW) tvec;

#ifdef BETA_075
#define POWER(x) (sqrt(x) * sqrt(sqrt(x)))
#else
#define POWER(x) exp(beta * log(x))
#endif

// `chunk` pixels per work-item on a CPU, one output element at a time on a GPU.
ONE_ITEM __kernel void lrn(
    __global const T *restrict in, __global T *restrict out, int pixels, int channels, T bias, T scale, T beta,
    int chunk) {
#ifdef TARGET_CPU
  const int first = get_global_id(0) * chunk, last = min(pixels, first + chunk);
  for (int pixel = first; pixel < last; pixel++) {
    __global const T *x = in + (size_t)pixel * channels;
    __global T *y = out + (size_t)pixel * channels;
    for (int c = 0; c < channels; c += VW) {
      tvec sum = (tvec)(T)0, centre;
      if (c >= BEFORE && c + VW + AFTER <= channels) {
        for (int i = -(BEFORE); i <= AFTER; i++) {
          const tvec neighbour = JOIN(vload, VW)(0, x + c + i);
          sum = fma(neighbour, neighbour, sum);
        }
        centre = JOIN(vload, VW)(0, x + c);
      } else {
        T around[BEFORE + VW + AFTER];
        for (int i = 0; i < BEFORE + VW + AFTER; i++) {
          const int channel = c + i - (BEFORE);
          around[i] = channel >= 0 && channel < channels ? x[channel] : (T)0;
        }
        for (int i = 0; i <= BEFORE + AFTER; i++) {
          const tvec neighbour = JOIN(vload, VW)(0, around + i);
          sum = fma(neighbour, neighbour, sum);
        }
        centre = JOIN(vload, VW)(0, around + BEFORE);
      }
      const tvec base = bias + scale * sum;
      const tvec result = centre / POWER(base);
      if (c + VW <= channels) {
        JOIN(vstore, VW)(result, 0, y + c);
      } else {
        T lane[VW];
        JOIN(vstore, VW)(result, 0, lane);
        for (int l = 0; c + l < channels; l++) y[c + l] = lane[l];
      }
    }
  }
#else
  FOR_EACH(i, pixels * channels) {
    const int c = i % channels;
    T sum = 0;
    for (int j = max(0, c - (BEFORE)); j <= min(channels - 1, c + AFTER); j++) {
      const T neighbour = in[i - c + j];
      sum = fma(neighbour, neighbour, sum);
    }
    const T base = bias + scale * sum;
    out[i] = in[i] / POWER(base);
  }
#endif
}
