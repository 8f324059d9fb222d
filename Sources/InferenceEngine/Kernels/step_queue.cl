// Runs many steps of a plan in one launch. Put after the kernels of all steps, which ``StepQueueSource`` has made plain
// functions; CALL(variant) runs one of them for the task `task` of `size` with the arguments at `a`.
//
// Tasks (the work-items that the steps would have been launched with) are numbered within their step, and the numbers cut
// into as many contiguous shares as there are work-groups, or eight. A work-group claims the tasks of its own share one by
// one, then what is left of the others', and goes on to the next step. Neighbouring tasks touch neighbouring rows, so a
// core mostly reads what it wrote itself in the step before. Before its first task of a step a work-group waits until the
// step before is complete. Whatever it waits for has been claimed by one that is running already, so nothing can hang, not
// even when the device runs the work-groups one after another; and no worker goes to sleep between two steps.
//
//   steps     of HEADER longs each: variant, offset of arguments in `arguments`, extents x y z, tasks, shares, its watch in
//             `watches` counted from 1, or 0
//   counters  of LINE each: the bell that the host sleeps on, then `lines` for each step: tasks of it that were ever
//             completed, and for each share how often it was asked for a task. Every work-group asks every share of
//             every step until there is none, so what a counter was when a run began follows from the number of the run
//   watches   of WATCH longs each, written by the host before every run: what the host wants to know of the end of a step.
//             [0] NOTHING, ANYTHING, or whether a row of scores says that its item may leave the model, by ONE_MINUS_TOP1
//             or NORMALISED_ENTROPY; [1] the scores, [2] rows, [3] columns, [4] what errors must be below, [5] a mark for
//             each row that needs no more looking at
//   round     how often the steps have run with this launch

#undef get_global_id
#undef get_global_size
#define LINE 16
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
    int lines, uint round, __global const long *watches) {
  const uint worker = get_global_id(0), workers = get_global_size(0);
  for (int step = first; step < last; step++) {
    __global const long *header = steps + step * HEADER;
    const uint4 size = (uint4)((uint)header[2], (uint)header[3], (uint)header[4], 1);
    const uint tasks = (uint)header[5], shares = (uint)header[6];
    volatile __global uint *own = counters + LINE * (1 + step * lines);
    bool waits = step > first;
    for (uint turn = 0; turn < shares; turn++) {
      const uint share = (worker + turn) % shares, rest = tasks % shares;
      const uint from = tasks / shares * share + min(share, rest), count = tasks / shares + (share < rest);
      const uint before = (round - 1) * (count + workers);
      for (;;) {
        const uint place = atomic_inc(own + LINE * (1 + share)) - before;
        if (place >= count) break;
        if (waits) {
          const uint wanted = (uint)header[5 - HEADER] * round;
          while ((int)(*(own - LINE * lines) - wanted) < 0) PAUSE;
          waits = false;
        }
        ACQUIRE;
        const uint number = from + place;
        const uint4 task = (uint4)(number % size.s0, number / size.s0 % size.s1, number / size.s0 / size.s1, 0);
        __global const long *a = arguments + header[1];
        switch ((int)header[0]) { CALLS }
        RELEASE;
        const uint completed = atomic_inc(own) + 1;
        if (header[7] && completed == tasks * round && has_news(watches + WATCH * (header[7] - 1))) {
          atomic_inc(counters);
          WAKE(counters);
        }
      }
    }
  }
}

// Where buffers are in the device's memory, for `arguments`.
kernel void address_of(__global char *buffer, __global long *result, int place) { result[place] = (long)buffer; }
