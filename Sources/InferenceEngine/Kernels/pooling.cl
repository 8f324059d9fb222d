// Maximum and average over sliding windows of channels-last images of one to three spatial dimensions (fewer: leading
// ones), [n][D][H][W][C] -> [n][OD][OH][OW][C].
//
//   T                 element type
//   MAXIMUM | AVERAGE
//   LOWEST            of T, for MAXIMUM
//   COUNT_PADDING     the average divides by the taps inside the padded image, else by those inside the image
//
// Sums run over the taps in row-major order. Arguments: size = (D, H, W, C, OD, OH, OW), window = (KD, KH, KW, strides
// SD, SH, SW), spread = (dilations DD, DH, DW), padding = (before: D, H, W, after: D, H, W).

typedef JOIN(T, VW) tvec;

#ifdef MAXIMUM
#define START LOWEST
#define COMBINE(a, b) ((((a) < (b)) | ((b) != (b))) ? (b) : (a))  // not a number wins
#define FINISH(x, taps) (x)
#else
#define START 0
#define COMBINE(a, b) ((a) + (b))
#define FINISH(x, taps) ((x) / (T)(taps))
#endif

// The taps [first, last) of one dimension that fall inside the image, and how many count for the average.
typedef struct {
  int origin, first, last, counted;
} Taps;

static inline Taps taps_at(int o, int stride, int taps, int dilation, int before, int after, int extent) {
  Taps t;
  t.origin = o * stride - before;
  t.first = t.origin < 0 ? (-t.origin + dilation - 1) / dilation : 0;
  t.last = t.origin < extent ? min(taps, (extent - t.origin + dilation - 1) / dilation) : 0;
#ifdef COUNT_PADDING
  t.counted = min(taps, (extent + after - t.origin + dilation - 1) / dilation);
#else
  t.counted = max(0, t.last - t.first);
#endif
  return t;
}

#define TAPS_D(od) taps_at(od, window.s3, window.s0, spread.s0, padding.s0, padding.s3, size.s0)
#define TAPS_H(oh) taps_at(oh, window.s4, window.s1, spread.s1, padding.s1, padding.s4, size.s1)
#define TAPS_W(ow) taps_at(ow, window.s5, window.s2, spread.s2, padding.s2, padding.s5, size.s2)

// One output, or one per lane of V; `x` is the first channel of the image.
#define POOL(V, GET, PUT)                                                                                   \
  V value = (V)(T)(START);                                                                                  \
  for (int kd = d.first; kd < d.last; kd++)                                                                 \
    for (int kh = h.first; kh < h.last; kh++) {                                                             \
      const int line = (d.origin + kd * spread.s0) * size.s1 + h.origin + kh * spread.s1;                   \
      __global const T *row = x + (size_t)line * row_size;                                                  \
      for (int kw = w.first; kw < w.last; kw++) {                                                           \
        const V tap = GET(row + (w.origin + kw * spread.s2) * size.s3);                                     \
        value = COMBINE(value, tap);                                                                        \
      }                                                                                                     \
    }                                                                                                       \
  PUT(FINISH(value, d.counted * h.counted * w.counted), y);

static inline tvec load_some(__global const T *x, int count) {
  T lane[VW];
  for (int l = 0; l < VW; l++) lane[l] = l < count ? x[l] : (T)0;
  return JOIN(vload, VW)(0, lane);
}

static inline void store_some(tvec value, __global T *y, int count) {
  T lane[VW];
  JOIN(vstore, VW)(value, 0, lane);
  for (int l = 0; l < count; l++) y[l] = lane[l];
}

#define GET_ONE(pointer) (*(pointer))
#define PUT_ONE(value, pointer) (*(pointer) = (value))
#define GET_VECTOR(pointer) JOIN(vload, VW)(0, pointer)
#define PUT_VECTOR(value, pointer) JOIN(vstore, VW)(value, 0, pointer)
#define GET_SOME(pointer) load_some(pointer, size.s3 - c)
#define PUT_SOME(value, pointer) store_some(value, pointer, size.s3 - c)

// `chunk` output pixels per work-item on a CPU, one output element at a time on a GPU.
ONE_ITEM __kernel void pool(
    __global const T *restrict in, __global T *restrict out, int8 size, int8 window, int8 spread, int8 padding,
    int pixels, int chunk) {
  const int row_size = size.s2 * size.s3;
#ifdef TARGET_CPU
  const int first = get_global_id(0) * chunk, last = min(pixels, first + chunk);
  Taps d, h;
  __global const T *image = in;
  for (int pixel = first, ow = first % size.s6; pixel < last; pixel++) {
    if (pixel == first || ow == size.s6) {
      const int row = pixel / size.s6, slice = row / size.s5;
      ow = pixel % size.s6;
      d = TAPS_D(slice % size.s4);
      h = TAPS_H(row % size.s5);
      image = in + (size_t)(slice / size.s4) * size.s0 * size.s1 * row_size;
    }
    const Taps w = TAPS_W(ow);
    for (int c = 0; c < size.s3; c += VW) {
      __global const T *x = image + c;
      __global T *y = out + (size_t)pixel * size.s3 + c;
      if (c + VW <= size.s3) {
        POOL(tvec, GET_VECTOR, PUT_VECTOR)
      } else {
        POOL(tvec, GET_SOME, PUT_SOME)
      }
    }
    ow++;
  }
#else
  FOR_EACH(i, pixels * size.s3) {
    const int pixel = i / size.s3, row = pixel / size.s6, slice = row / size.s5;
    const Taps d = TAPS_D(slice % size.s4), h = TAPS_H(row % size.s5), w = TAPS_W(pixel % size.s6);
    __global const T *x = in + (size_t)(slice / size.s4) * size.s0 * size.s1 * row_size + i % size.s3;
    __global T *y = out + i;
    POOL(T, GET_ONE, PUT_ONE)
  }
#endif
}
