// Scaled dot-product attention, one head of one item after another:
//
//   out[n][q][h] = softmax(scale * Q[n][q][h] . K[n][.][h] + mask[n][h][q][.]) . V[n][.][h]
//
//   HEAD          elements of a head
//   ROWS V        tile of the products, see dense.cl
//   MASK          adds a mask, by strides (0 repeats)
//
// Layouts (floats): Q, K, V and out [n][sequence][heads * HEAD] with row strides ldq, ldk, ldv, ldo.
// `keys` and `values` are packed for the micro-kernel: keys [n * heads][ceil(keys / COLUMNS)][HEAD][COLUMNS], values
// [n * heads][ceil(HEAD / COLUMNS)][keys][COLUMNS], zero past the end.
// `scores`: ROWS rows of ceil(keys / COLUMNS) * COLUMNS floats for each work-item.

#define HEAD_BLOCKS ((HEAD + COLUMNS - 1) / COLUMNS)

ONE_ITEM __kernel void attention_pack(
    __global const float *restrict k, __global const float *restrict v, __global float *restrict keys,
    __global float *restrict values, int length, int heads, int ldk, int ldv) {
  const int head = get_global_id(0) % heads, n = get_global_id(0) / heads;
  const int blocks = (length + COLUMNS - 1) / COLUMNS;
  k += (size_t)n * length * ldk + head * HEAD;
  v += (size_t)n * length * ldv + head * HEAD;
  keys += (size_t)get_global_id(0) * blocks * HEAD * COLUMNS;
  values += (size_t)get_global_id(0) * HEAD_BLOCKS * length * COLUMNS;
  for (int block = 0; block < blocks; block++) {
    __global float *o = keys + (size_t)block * HEAD * COLUMNS;
    const int valid = min(COLUMNS, length - block * COLUMNS);
    for (int j = 0; j < COLUMNS; j++)
      for (int d = 0; d < HEAD; d++) o[d * COLUMNS + j] = j < valid ? k[(size_t)(block * COLUMNS + j) * ldk + d] : 0.0f;
  }
  for (int block = 0; block < HEAD_BLOCKS; block++)
    for (int j = 0; j < length; j++)
      for (int d = 0; d < COLUMNS; d++)
        values[((size_t)block * length + j) * COLUMNS + d] =
            block * COLUMNS + d < HEAD ? v[(size_t)j * ldv + block * COLUMNS + d] : 0.0f;
}

ONE_ITEM __kernel void attention(
    __global const float *restrict q, __global const float *restrict keys, __global const float *restrict values,
    __global const float *restrict mask, __global float *restrict scores, __global float *restrict out, int queries,
    int length, int heads, int ldq, int ldo, float scale, int chunk, int mask_offset, int mask_n, int mask_h, int mask_q,
    int mask_k) {
  const int head = get_global_id(0) % heads, n = get_global_id(0) / heads;
  const int first = get_global_id(1) * chunk, last = min(queries, first + chunk);
  const int blocks = (length + COLUMNS - 1) / COLUMNS, width = blocks * COLUMNS;
  q += (size_t)n * queries * ldq + head * HEAD;
  out += (size_t)n * queries * ldo + head * HEAD;
  keys += (size_t)get_global_id(0) * width * HEAD;
  values += (size_t)get_global_id(0) * HEAD_BLOCKS * length * COLUMNS;
  scores += ((size_t)get_global_id(1) * get_global_size(0) + get_global_id(0)) * ROWS * width;
  for (int m = first; m < last; m += ROWS) {
    vec sum[ROWS][V];
    for (int block = 0; block < blocks; block++) {
      __global const float *row[ROWS];
      __global const float *wk = keys + (size_t)block * HEAD * COLUMNS;
#pragma unroll
      for (int i = 0; i < ROWS; i++) {
        row[i] = q + (size_t)min(m + i, queries - 1) * ldq;
#pragma unroll
        for (int v = 0; v < V; v++) sum[i][v] = (vec)0.0f;
      }
      ACCUMULATE(HEAD)
#pragma unroll
      for (int i = 0; i < ROWS; i++)
#pragma unroll
        for (int v = 0; v < V; v++) STORE(sum[i][v] * scale, v, scores + i * width + block * COLUMNS);
    }
    float inverse[ROWS];
    for (int i = 0; i < ROWS; i++) {
      __global float *s = scores + i * width;
      for (int j = length; j < width; j++) s[j] = -INFINITY;
      vec top = (vec)-INFINITY;
#ifdef MASK
      __global const float *bias =
          mask + mask_offset + (size_t)n * mask_n + head * mask_h + min(m + i, queries - 1) * mask_q;
      int j = 0;
      if (mask_k == 1)
        for (; j + VW <= length; j += VW) {
          const vec x = LOAD(0, s + j) + LOAD(0, bias + j);
          STORE(x, 0, s + j);
          top = fmax(top, x);
        }
      for (int rest = j; rest < length; rest++) s[rest] += bias[rest * mask_k];
      for (; j < width; j += VW) top = fmax(top, LOAD(0, s + j));
#else
      for (int j = 0; j < width; j += VW) top = fmax(top, LOAD(0, s + j));
#endif
      float lanes[VW];
      STORE(top, 0, lanes);
      float highest = lanes[0];
      for (int lane = 1; lane < VW; lane++) highest = fmax(highest, lanes[lane]);
      vec total = (vec)0.0f;
      for (int j = 0; j < width; j += VW) {
        const vec e = exponential_below_0(LOAD(0, s + j) - highest);
        total += e;
        STORE(e, 0, s + j);
      }
      STORE(total, 0, lanes);
      float all = lanes[0];
      for (int lane = 1; lane < VW; lane++) all += lanes[lane];
      inverse[i] = 1.0f / all;
    }
    for (int block = 0; block < HEAD_BLOCKS; block++) {
      __global const float *row[ROWS];
      __global const float *wk = values + (size_t)block * length * COLUMNS;
#pragma unroll
      for (int i = 0; i < ROWS; i++) {
        row[i] = scores + i * width;
#pragma unroll
        for (int v = 0; v < V; v++) sum[i][v] = (vec)0.0f;
      }
      ACCUMULATE(length)
#pragma unroll
      for (int i = 0; i < ROWS; i++)
        if (m + i < last) {
          __global float *o = out + (size_t)(m + i) * ldo + block * COLUMNS;
#pragma unroll
          for (int v = 0; v < V; v++) {
            const int count = HEAD - block * COLUMNS - v * VW;
            if (count >= VW) STORE(sum[i][v] * inverse[i], v, o);
            else if (count > 0) store_part(sum[i][v] * inverse[i], o + v * VW, count);
          }
        }
    }
  }
}
