// The attention of attention.cl for GPUs: a work-group of 64 takes one query of one head; its scores stay in local memory.
//
//   HEAD   elements of a head
//   MASK   adds a mask, by strides (0 repeats)
//
// `scores` is local memory of length + 64 floats.

#define ITEMS 64

__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void attention_gpu(
    __global const float *restrict q, __global const float *restrict k, __global const float *restrict v,
    __global const float *restrict mask, __global float *restrict out, __local float *scores, int queries, int length,
    int heads, int ldq, int ldk, int ldv, int ldo, float scale, int mask_offset, int mask_n, int mask_h, int mask_q,
    int mask_k) {
  const int item = get_local_id(0), m = get_group_id(0), head = get_group_id(1), n = get_group_id(2);
  __local float *partial = scores + length;
  q += ((size_t)n * queries + m) * ldq + head * HEAD;
  k += (size_t)n * length * ldk + head * HEAD;
  v += (size_t)n * length * ldv + head * HEAD;
  float highest = -INFINITY;
  for (int j = item; j < length; j += ITEMS) {
    float sum = 0.0f;
    for (int d = 0; d < HEAD; d++) sum = fma(q[d], k[(size_t)j * ldk + d], sum);
    sum *= scale;
#ifdef MASK
    sum += mask[mask_offset + (size_t)n * mask_n + head * mask_h + m * mask_q + j * mask_k];
#endif
    scores[j] = sum;
    highest = fmax(highest, sum);
  }
  partial[item] = highest;
  barrier(CLK_LOCAL_MEM_FENCE);
  for (int i = 0; i < ITEMS; i++) highest = fmax(highest, partial[i]);
  barrier(CLK_LOCAL_MEM_FENCE);
  float total = 0.0f;
  for (int j = item; j < length; j += ITEMS) {
    const float e = exp(scores[j] - highest);
    scores[j] = e;
    total += e;
  }
  partial[item] = total;
  barrier(CLK_LOCAL_MEM_FENCE);
  total = 0.0f;
  for (int i = 0; i < ITEMS; i++) total += partial[i];
  const float inverse = 1.0f / total;
  for (int d = item; d < HEAD; d += ITEMS) {
    float sum = 0.0f;
    for (int j = 0; j < length; j++) sum = fma(scores[j] * inverse, v[(size_t)j * ldv + d], sum);
    out[((size_t)n * queries + m) * ldo + head * HEAD + d] = sum;
  }
}
