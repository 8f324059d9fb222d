// Elementary functions for float and for vectors, put before every kernel after common.cl. Overloaded, so that the same
// text applies to both. Errors are within a few units in the last place of single precision; NaN stays NaN.

#define OVERLOADED __attribute__((overloadable)) static inline
#define TYPED_MATH(T, I, AS_T, TO_I)                                                                          \
  OVERLOADED T below(T x, T limit) { return x > limit ? limit : x; }                                         \
  OVERLOADED T above(T x, T limit) { return x < limit ? limit : x; }                                         \
  /* 2^t * (1 + r + r^2/2 + ...), r = x - t ln 2 in two parts; scaled twice so that the ends of the range hold. */ \
  OVERLOADED T exponential(T x) {                                                                            \
    const T c = below(above(x, (T)-104.0f), (T)89.0f);                                                       \
    const T t = rint(c * (T)1.44269504f);                                                                    \
    const T r = fma(t, (T)-1.42860677e-6f, fma(t, (T)-0.693145752f, c));                                     \
    T p = (T)1.9875691500e-4f;                                                                               \
    p = fma(p, r, (T)1.3981999507e-3f);                                                                      \
    p = fma(p, r, (T)8.3334519073e-3f);                                                                      \
    p = fma(p, r, (T)4.1665795894e-2f);                                                                      \
    p = fma(p, r, (T)1.6666665459e-1f);                                                                      \
    p = fma(p, r, (T)5.0000001201e-1f);                                                                      \
    p = fma(p, r * r, r + (T)1.0f);                                                                          \
    const I whole = TO_I(c != c ? (T)0.0f : t), part = whole >> 1;                                           \
    return p * AS_T((part + 127) << 23) * AS_T((whole - part + 127) << 23);                                  \
  }                                                                                                          \
  OVERLOADED T sigmoid(T x) { return (T)1.0f / ((T)1.0f + exponential(-x)); }                                \
  /* Rational minimax approximation on [-9, 9]. */                                                           \
  OVERLOADED T hyperbolic_tangent(T x) {                                                                     \
    const T c = below(above(x, (T)-9.0f), (T)9.0f), s = c * c;                                               \
    T p = (T)-2.76076847742355e-16f;                                                                         \
    p = fma(p, s, (T)2.00018790482477e-13f);                                                                 \
    p = fma(p, s, (T)-8.60467152213735e-11f);                                                                \
    p = fma(p, s, (T)5.12229709037114e-08f);                                                                 \
    p = fma(p, s, (T)1.48572235717979e-05f);                                                                 \
    p = fma(p, s, (T)6.37261928875436e-04f);                                                                 \
    p = fma(p, s, (T)4.89352455891786e-03f);                                                                 \
    T q = (T)1.19825839466702e-06f;                                                                          \
    q = fma(q, s, (T)1.18534705686654e-04f);                                                                 \
    q = fma(q, s, (T)2.26843463243900e-03f);                                                                 \
    q = fma(q, s, (T)4.89352518554385e-03f);                                                                 \
    return c * p / q;                                                                                        \
  }                                                                                                          \
  /* Rational minimax approximation on [-4, 4]. */                                                           \
  OVERLOADED T error_function(T x) {                                                                         \
    const T c = below(above(x, (T)-4.0f), (T)4.0f), s = c * c;                                               \
    T p = (T)-2.72614225801306e-10f;                                                                         \
    p = fma(p, s, (T)2.77068142495902e-08f);                                                                 \
    p = fma(p, s, (T)-2.10102402082508e-06f);                                                                \
    p = fma(p, s, (T)-5.69250639462346e-05f);                                                                \
    p = fma(p, s, (T)-7.34990630326855e-04f);                                                                \
    p = fma(p, s, (T)-2.95459980854025e-03f);                                                                \
    p = fma(p, s, (T)-1.60960333262415e-02f);                                                                \
    T q = (T)-1.45660718464996e-05f;                                                                         \
    q = fma(q, s, (T)-2.13374055278905e-04f);                                                                \
    q = fma(q, s, (T)-1.68282697438203e-03f);                                                                \
    q = fma(q, s, (T)-7.37332916720468e-03f);                                                                \
    q = fma(q, s, (T)-1.42647390514189e-02f);                                                                \
    return c * p / q;                                                                                        \
  }                                                                                                          \
  OVERLOADED T relu(T x) { return above(x, (T)0.0f); }                                                       \
  OVERLOADED T clip(T x, float low, float high) { return below(above(x, (T)low), (T)high); }                 \
  OVERLOADED T leaky_relu(T x, float slope) { return x < (T)0.0f ? (T)slope * x : x; }                       \
  OVERLOADED T hard_sigmoid(T x, float a, float b) { return clip(fma((T)a, x, (T)b), 0.0f, 1.0f); }          \
  OVERLOADED T hard_swish(T x, float a, float b) { return x * hard_sigmoid(x, a, b); }                       \
  OVERLOADED T silu(T x) { return x * sigmoid(x); }                                                          \
  OVERLOADED T gelu(T x) { return (T)0.5f * x * ((T)1.0f + error_function(x * (T)0.70710678f)); }            \
  OVERLOADED T gelu_tanh(T x) {                                                                              \
    return (T)0.5f * x * ((T)1.0f + hyperbolic_tangent((T)0.79788456f * fma((T)0.044715f * x, x * x, x)));   \
  }

TYPED_MATH(float, int, as_float, convert_int)
TYPED_MATH(vec, ivec, JOIN(as_float, VW), JOIN(convert_int, VW))
