// Elementary functions for float, for vectors and (where the device has it) for double, put before every kernel after
// common.cl. Overloaded, so that the same text applies to all; without branches, so that loops over floats vectorise. Not
// a number stays not a number.
//
// Largest errors for float, in units of the last place: exponential, error_function 1.1, hyperbolic_tangent 1.3,
// sigmoid 2, exponential_below_0 1.1, exponential_less_1 and softplus 2. The polynomials are minimax fits of our own.

#define OVERLOADED __attribute__((overloadable)) static inline

// T: the type; I: the integers of its width and lanes.
#define TYPED_MATH(T, I, ...)                                                                                      \
  OVERLOADED T below(T x, T limit) { return x > limit ? limit : x; }                                               \
  OVERLOADED T above(T x, T limit) { return x < limit ? limit : x; }                                               \
  /* e^x = 2^n (1 + p), p = e^r - 1, |r| <= ln 2 / 2. n is in the low bits of x / ln 2 + 1.5 * 2^23. */            \
  OVERLOADED T exponential_parts(T x, I *n) {                                                                      \
    const T shifted = fma(x, (T)(1.44269502f), (T)(12582912.0f)), whole = shifted - 12582912.0f;                   \
    const T r = fma(whole, (T)(2.12194440e-4f), fma(whole, (T)(-0.693359375f), x));                                \
    T p = fma(r, (T)(1.395171508e-3f), (T)(8.369598538e-3f));                                                      \
    p = fma(p, r, (T)(4.166618735e-2f));                                                                           \
    p = fma(p, r, (T)(1.666651219e-1f));                                                                           \
    p = fma(p, r, (T)(0.5f));                                                                                      \
    *n = as_##I(shifted) - 0x4B400000;                                                                             \
    return fma(p, r * r, r);                                                                                       \
  }                                                                                                                \
  /* Scaled twice, so that the ends of the range hold. */                                                          \
  OVERLOADED T exponential(T x) {                                                                                  \
    I n;                                                                                                           \
    const T p = exponential_parts(below(above(x, (T)(-104.0f)), (T)(89.0f)), &n) + 1.0f;                           \
    return p * as_##T(((n >> 1) + 127) << 23) * as_##T((n - (n >> 1) + 127) << 23);                                \
  }                                                                                                                \
  /* For x <= 0; 0 below -87. */                                                                                    \
  OVERLOADED T exponential_below_0(T x) {                                                                          \
    I n;                                                                                                           \
    const T p = exponential_parts(above(x, (T)(-87.0f)), &n) + 1.0f, result = p * as_##T((n + 127) << 23);         \
    return x < -87.0f ? (T)(0.0f) : result;                                                                        \
  }                                                                                                                \
  /* For x <= 0. */                                                                                                \
  OVERLOADED T exponential_less_1(T x) {                                                                           \
    I n;                                                                                                           \
    const T p = exponential_parts(below(above(x, (T)(-80.0f)), (T)(0.0f)), &n), power = as_##T((n + 127) << 23);   \
    return fma(power, p, power - 1.0f);                                                                            \
  }                                                                                                                \
  OVERLOADED T sigmoid(T x) { return 1.0f / (1.0f + exponential(-x)); }                                            \
  /* x + x^3 P(x^2) below 0.625, else 1 - 2 / (e^2x + 1). */                                                       \
  OVERLOADED T hyperbolic_tangent(T x) {                                                                           \
    const T size = fabs(x), square = x * x;                                                                        \
    T p = fma(square, (T)(-5.714667495e-3f), (T)(2.064855583e-2f));                                                \
    p = fma(p, square, (T)(-5.374290794e-2f));                                                                     \
    p = fma(p, square, (T)(1.333148479e-1f));                                                                      \
    p = fma(p, square, (T)(-3.333328366e-1f));                                                                     \
    const T near = fma(p * square, x, x);                                                                          \
    const T far = copysign(1.0f - 2.0f / (exponential(size + size) + 1.0f), x);                                    \
    return size < 0.625f ? near : far;                                                                             \
  }                                                                                                                \
  /* x + x P(x^2) below 1, else 1 - e^(-x - x Q(x)). */                                                            \
  OVERLOADED T error_function(T x) {                                                                               \
    const T square = x * x, size = below(fabs(x), (T)(4.0f));                                                      \
    T p = fma(square, (T)(7.885843661e-5f), (T)(-8.019942325e-4f));                                                \
    p = fma(p, square, (T)(5.189443473e-3f));                                                                      \
    p = fma(p, square, (T)(-2.685440145e-2f));                                                                     \
    p = fma(p, square, (T)(1.128359959e-1f));                                                                      \
    p = fma(p, square, (T)(-3.761262596e-1f));                                                                     \
    p = fma(p, square, (T)(1.283791661e-1f));                                                                      \
    const T near = fma(p, x, x);                                                                                   \
    T q = fma(size, (T)(1.393303410e-5f), (T)(-3.502869824e-4f));                                                  \
    q = fma(q, size, (T)(3.756188089e-3f));                                                                        \
    q = fma(q, size, (T)(-2.400722913e-2f));                                                                       \
    q = fma(q, size, (T)(1.065274179e-1f));                                                                        \
    q = fma(q, size, (T)(6.349717379e-1f));                                                                        \
    q = fma(q, size, (T)(1.286937743e-1f));                                                                        \
    const T far = copysign(1.0f - exponential(-fma(q, size, size)), x);                                            \
    return size < 1.0f ? near : far;                                                                               \
  }                                                                                                                \
  /* x P(x^2) / Q(x^2) up to 4: half the work of error_function, and an absolute error of 4e-7. */                 \
  OVERLOADED T error_function_near(T x) {                                                                          \
    const T inside = below(above(x, (T)(-4.0f)), (T)(4.0f)), square = inside * inside;                             \
    T p = fma(square, (T)(1.9868452e-6f), (T)(2.84559433e-4f));                                                    \
    p = fma(p, square, (T)(3.88302444e-3f));                                                                       \
    p = fma(p, square, (T)(5.31007495e-2f));                                                                       \
    p = fma(p, square, (T)(1.93537455e-1f));                                                                       \
    p = fma(p, square, (T)(1.12837914f));                                                                          \
    T q = fma(square, (T)(3.74205017e-5f), (T)(1.18549539e-3f));                                                   \
    q = fma(q, square, (T)(1.52066062e-2f));                                                                       \
    q = fma(q, square, (T)(1.15346864e-1f));                                                                       \
    q = fma(q, square, (T)(5.04850661e-1f));                                                                       \
    q = fma(q, square, (T)(1.0f));                                                                                 \
    return inside * p / q;                                                                                         \
  }                                                                                                                \
  /* max(x, 0) + log(1 + e^-|x|); log(1 + z) = 2 artanh(s) = 2 (s + s^3 P(s^2)) with s = z / (2 + z) <= 1/3. */    \
  OVERLOADED T softplus(T x) {                                                                                     \
    const T z = exponential(-fabs(x)), s = z / (2.0f + z), square = s * s;                                         \
    T p = fma(square, (T)(1.215416566e-1f), (T)(1.071292460e-1f));                                                 \
    p = fma(p, square, (T)(1.430851817e-1f));                                                                      \
    p = fma(p, square, (T)(1.999943703e-1f));                                                                      \
    p = fma(p, square, (T)(3.333333731e-1f));                                                                      \
    return above(x, (T)(0.0f)) + 2.0f * fma(p * square, s, s);                                                     \
  }

// What activations are made of those; R: the type of their parameters.
#define ACTIVATIONS(T, R)                                                                                          \
  OVERLOADED T relu(T x) { return above(x, (T)((R)0)); }                                                           \
  OVERLOADED T clip(T x, R low, R high) { return below(above(x, (T)(low)), (T)(high)); }                           \
  OVERLOADED T leaky_relu(T x, R slope) { return x < (T)((R)0) ? slope * x : x; }                                  \
  OVERLOADED T hard_sigmoid(T x, R a, R b) { return clip(fma((T)(a), x, (T)(b)), (R)0, (R)1); }                    \
  OVERLOADED T hard_swish(T x, R a, R b) { return x * hard_sigmoid(x, a, b); }                                     \
  OVERLOADED T silu(T x) { return x * sigmoid(x); }                                                                \
  OVERLOADED T gelu(T x) { return (R)0.5 * x * ((R)1 + error_function_near(x * (R)0.70710678118654752)); }         \
  OVERLOADED T gelu_tanh(T x) {                                                                                    \
    return (R)0.5 * x * ((R)1 + hyperbolic_tangent((R)0.79788456080286536 * fma((R)0.044715 * x, x * x, x)));      \
  }                                                                                                                \
  OVERLOADED T elu(T x, R alpha) { return x < (T)((R)0) ? alpha * exponential_less_1(x) : x; }                     \
  OVERLOADED T mish(T x) { return x * hyperbolic_tangent(softplus(x)); }

TYPED_MATH(float, int)
ACTIVATIONS(float, float)
#define as_vec JOIN(as_float, VW)
#define as_ivec JOIN(as_int, VW)
TYPED_MATH(vec, ivec)
ACTIVATIONS(vec, float)

#ifdef cl_khr_fp64
OVERLOADED double below(double x, double limit) { return x > limit ? limit : x; }
OVERLOADED double above(double x, double limit) { return x < limit ? limit : x; }
OVERLOADED double exponential(double x) { return exp(x); }
OVERLOADED double exponential_less_1(double x) { return expm1(x); }
OVERLOADED double sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
OVERLOADED double hyperbolic_tangent(double x) { return tanh(x); }
OVERLOADED double error_function(double x) { return erf(x); }
OVERLOADED double error_function_near(double x) { return erf(x); }
OVERLOADED double softplus(double x) { return above(x, 0.0) + log1p(exp(-fabs(x))); }
ACTIVATIONS(double, double)
#endif
