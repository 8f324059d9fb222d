// Runs many steps of a plan in one launch. Put after the kernels of all steps, which ``StepQueueSource`` has made plain
// functions; CALL(variant) runs one of them for the task `task` of `size` with the arguments at `a`.
//
// Tasks (the work-items that the steps would have been launched with) are numbered in the order of steps. A work-group
// claims the next number, waits until the step before is complete, runs the task, and claims again. Whatever a
// work-group waits for has been claimed by one that is running already, so nothing can hang, not even when the device
// runs the work-groups one after another; and no worker goes to sleep between two steps.
//
//   steps     of HEADER longs each: variant, offset of arguments in `arguments`, extents x y z, tasks, tasks before it,
//             its watch in `watches` counted from 1, or 0
//   counters  [0] the next number; [16] the bell that the host sleeps on; [16 * (2 + step)] tasks of the step that were
//             ever completed
//   watches   of WATCH longs each, written by the host before every run: what the host wants to know of the end of a step.
//             [0] NOTHING, ANYTHING, or whether a row of scores says that its item may leave the model, by ONE_MINUS_TOP1
//             or NORMALISED_ENTROPY; [1] the scores, [2] rows, [3] columns, [4] what errors must be below, [5] a mark for
//             each row that needs no more looking at
//   base      what counters[0] was before this launch; round: how often the steps have run with this launch

#define HEADER 8
#define WATCH 8
#define NOTHING 0
#define ANYTHING 1
#define ONE_MINUS_TOP1 2
#define NORMALISED_ENTROPY 3
#if defined(__x86_64__) || defined(__i386__)
#define PAUSE __asm__ volatile("pause")
#else
#define PAUSE
#endif
// FUTEX_WAKE of all that sleep on a word in this process's memory.
#if defined(__x86_64__) && defined(__linux__)
#define WAKE(word) \
  { \
    long result_; \
    __asm__ volatile("syscall" : "=a"(result_) : "a"(202L), "D"(word), "S"(129L), "d"(0x7FFFFFFFL) : "rcx", "r11", "memory"); \
  }
#else
#define WAKE(word)
#endif
#define ACQUIRE __atomic_thread_fence(2)
#define RELEASE __atomic_thread_fence(3)

// Whether the host has something to do at the end of a step. It decides itself, and exactly: this only saves waking it
// for nothing.
static inline int has_news(__global const long *watch) {
  if (watch[0] < ONE_MINUS_TOP1) return watch[0] == ANYTHING;
  __global const float *scores = (__global const float *)watch[1];
  volatile __global uchar *marks = (volatile __global uchar *)watch[5];
  const int rows = (int)watch[2], columns = (int)watch[3];
  const float limit = as_float((int)watch[4]);
  int news = 0;
  for (int row = 0; row < rows; row++, scores += columns) {
    if (marks[row]) continue;
    float top = scores[0];
    for (int i = 1; i < columns; i++) top = fmax(top, scores[i]);
    float sum = 0.0f, moment = 0.0f;
    for (int i = 0; i < columns; i++) {
      const float distance = scores[i] - top, power = exponential(distance);
      sum += power;
      moment = fma(power, distance, moment);
    }
    const float error = watch[0] == NORMALISED_ENTROPY
                            ? (log(sum) - moment / sum) / log((float)max(2, columns))
                            : 1.0f - 1.0f / sum;
    if (error < limit) marks[row] = news = 1;
  }
  return news;
}

kernel __attribute__((reqd_work_group_size(1, 1, 1))) void run_steps(
    __global const long *steps, __global const long *arguments, volatile __global uint *counters, int first, int last,
    uint base, uint round, __global const long *watches) {
  const uint start = (uint)steps[first * HEADER + 6];
  int step = first;
  for (;;) {
    const uint number = start + (atomic_inc(counters) - base);
    while (step < last && number - (uint)steps[step * HEADER + 6] >= (uint)steps[step * HEADER + 5]) step++;
    if (step >= last) return;
    __global const long *header = steps + step * HEADER;
    if (step > first) {
      const uint wanted = (uint)header[5 - HEADER] * round;
      while ((int)(counters[16 * (1 + step)] - wanted) < 0) PAUSE;
    }
    ACQUIRE;
    const uint4 size = (uint4)((uint)header[2], (uint)header[3], (uint)header[4], 1);
    const uint place = number - (uint)header[6];
    const uint4 task = (uint4)(place % size.s0, place / size.s0 % size.s1, place / size.s0 / size.s1, 0);
    __global const long *a = arguments + header[1];
    switch ((int)header[0]) { CALLS }
    RELEASE;
    const uint completed = atomic_inc(counters + 16 * (2 + step)) + 1;
    if (header[7] && completed == (uint)header[5] * round && has_news(watches + WATCH * (header[7] - 1))) {
      atomic_inc(counters + 16);
      WAKE(counters + 16);
    }
  }
}

// Where buffers are in the device's memory, for `arguments`.
kernel void address_of(__global char *buffer, __global long *result, int place) { result[place] = (long)buffer; }
