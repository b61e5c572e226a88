// How a run goes. The caller writes the job, opens it, raises `epoch` and works. A worker that sees a new epoch enters the open
// job by counting itself into `state`, takes ranges from `next` until none is left, and counts itself out. The caller, once no
// range is left, closes the job and waits until the count is 0. So only workers that entered are waited for: one that wakes late,
// or not at all on a crowded machine, delays nothing.
#define _GNU_SOURCE
#include "heed_pool.h"
#include "heed_fork.h"
#include "heed_memory.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Bits of `state`: the job may be entered; its caller is parked; the number of workers inside.
#define JOB_OPEN 0x80000000u
#define JOB_AWAITED 0x40000000u
#define JOB_WORKERS 0x3fffffffu

// How long to watch for the next event before parking, in nanoseconds: above the gap between two phases of a program and in the
// order of what waking a parked thread costs, so that a wait is never more than about twice as dear as the best choice.
#define SPIN_NANOSECONDS 50000

// A range is at most this fraction of the tiles left, divided by the threads: few ranges for many tiny tiles, single tiles for
// a few huge ones, and a tail that evens out tiles of unequal cost.
#define RANGE_DIVISOR 4

struct heed_scratch {
  struct heed_scratch *next;
  heed_memory memory;
};

typedef struct worker {
  _Alignas(64) struct heed_pool *pool;
  pthread_t thread;
  heed_memory scratch;
} worker;

struct heed_pool {
  worker *workers;
  int worker_count;
  int most_workers;        // as many as were asked for
  _Atomic(uint32_t) forks;  // heed_fork_count() of the process that the workers are threads of
  int64_t spin_nanoseconds;  // 0 where threads outnumber cores
  cpu_set_t cores;           // those that the creator may be scheduled on
  int avoided_core;          // the core that workers keep off: where the last caller ran; -1 for none

  // The job: written by the caller that holds `busy` while no worker is inside.
  _Alignas(64) heed_run_function run;
  const heed_arguments *arguments;
  uint64_t count;
  size_t scratch_bytes;

  _Alignas(64) _Atomic(uint64_t) next;   // the first tile that nobody has taken
  _Alignas(64) _Atomic(uint32_t) state;  // JOB_...
  _Alignas(64) _Atomic(uint32_t) epoch;  // raised by each job, and to stop
  _Atomic(uint32_t) parked;              // workers that wait for `epoch` in the kernel
  atomic_bool stop;
  _Alignas(64) atomic_bool busy;  // a caller owns the workers

  pthread_mutex_t lock;  // held while scratch is taken or given back, and while workers are started
  heed_scratch *idle_scratch;
};

static void futex_wait(_Atomic(uint32_t) *word, uint32_t expected) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic(uint32_t) *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline void pause_core(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static int64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Watches `*word` until `(*word & mask) == value` is `wanted` or the pool's spin time is over; returns the word.
static uint32_t spin_until(const heed_pool *pool, _Atomic(uint32_t) *word, uint32_t mask, uint32_t value, bool wanted) {
  uint32_t seen = atomic_load_explicit(word, memory_order_acquire);
  if (((seen & mask) == value) == wanted || pool->spin_nanoseconds == 0) return seen;
  const int64_t end = now_nanoseconds() + pool->spin_nanoseconds;
  do {
    for (int i = 0; i < 32; i++) {
      pause_core();
      seen = atomic_load_explicit(word, memory_order_acquire);
      if (((seen & mask) == value) == wanted) return seen;
    }
  } while (now_nanoseconds() < end);
  return seen;
}

// Takes ranges and runs them until none is left.
static void run_ranges(heed_pool *pool, void *scratch) {
  const heed_run_function run = pool->run;
  const heed_arguments *arguments = pool->arguments;
  const uint64_t count = pool->count;
  const uint64_t divisor = (uint64_t)(pool->worker_count + 1) * RANGE_DIVISOR;
  uint64_t next = atomic_load_explicit(&pool->next, memory_order_relaxed);
  while (next < count) {
    uint64_t size = (count - next) / divisor;
    if (size == 0) size = 1;
    uint64_t begin = atomic_fetch_add_explicit(&pool->next, size, memory_order_relaxed);
    if (begin >= count) return;
    uint64_t end = size < count - begin ? begin + size : count;
    run(arguments, (int64_t)begin, (int64_t)end, scratch);
    next = atomic_load_explicit(&pool->next, memory_order_relaxed);
  }
}

static bool enter_job(heed_pool *pool) {
  uint32_t state = atomic_load_explicit(&pool->state, memory_order_relaxed);
  while (state & JOB_OPEN) {
    if (atomic_compare_exchange_weak_explicit(&pool->state, &state, state + 1, memory_order_acquire, memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

static void leave_job(heed_pool *pool) {
  uint32_t before = atomic_fetch_sub_explicit(&pool->state, 1, memory_order_acq_rel);
  if (before == (JOB_AWAITED | 1)) futex_wake(&pool->state, 1);
}

// Waits for an epoch other than `seen` and returns it.
static uint32_t next_epoch(heed_pool *pool, uint32_t seen) {
  uint32_t epoch = spin_until(pool, &pool->epoch, ~0u, seen, false);
  if (epoch != seen) return epoch;
  atomic_fetch_add(&pool->parked, 1);
  while ((epoch = atomic_load(&pool->epoch)) == seen) futex_wait(&pool->epoch, seen);
  atomic_fetch_sub(&pool->parked, 1);
  return epoch;
}

static void *work(void *context) {
  worker *self = context;
  heed_pool *pool = self->pool;
  uint32_t epoch = 0;
  for (;;) {
    epoch = next_epoch(pool, epoch);
    if (atomic_load_explicit(&pool->stop, memory_order_acquire)) return NULL;
    if (!enter_job(pool)) continue;
    // Without memory for scratch this worker leaves its share to the others.
    if (heed_memory_reserve(&self->scratch, pool->scratch_bytes) == 0) run_ranges(pool, self->scratch.base);
    leave_job(pool);
  }
}

static void raise_epoch(heed_pool *pool, int64_t wake) {
  atomic_fetch_add(&pool->epoch, 1);
  if (atomic_load(&pool->parked) > 0) futex_wake(&pool->epoch, wake < pool->worker_count ? (int)wake : pool->worker_count);
}

// Keeps the workers off the core that the caller is on. Left to itself the scheduler likes to wake a thread beside the one that
// wakes it, where it waits for milliseconds until the load is balanced, which is longer than most jobs take.
static void leave_callers_core(heed_pool *pool) {
  int core = sched_getcpu();
  if (core == pool->avoided_core || pool->spin_nanoseconds == 0 || core < 0 || core >= CPU_SETSIZE) return;
  pool->avoided_core = core;
  cpu_set_t others = pool->cores;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) < pool->worker_count) return;
  for (int i = 0; i < pool->worker_count; i++) pthread_setaffinity_np(pool->workers[i].thread, sizeof others, &others);
}

static void run_with_workers(
    heed_pool *pool, heed_run_function run, const heed_arguments *arguments, int64_t count, size_t scratch_bytes, void *scratch) {
  pool->run = run;
  pool->arguments = arguments;
  pool->count = (uint64_t)count;
  pool->scratch_bytes = scratch_bytes;
  atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
  atomic_store_explicit(&pool->state, JOB_OPEN, memory_order_release);
  leave_callers_core(pool);
  raise_epoch(pool, count - 1);
  run_ranges(pool, scratch);

  atomic_fetch_and_explicit(&pool->state, ~JOB_OPEN, memory_order_acq_rel);
  uint32_t state = spin_until(pool, &pool->state, JOB_WORKERS, 0, true);
  if (state & JOB_WORKERS) {
    state = atomic_fetch_or_explicit(&pool->state, JOB_AWAITED, memory_order_acq_rel) | JOB_AWAITED;
    while (state & JOB_WORKERS) {
      futex_wait(&pool->state, state);
      state = atomic_load_explicit(&pool->state, memory_order_acquire);
    }
  }
}

static bool belongs_to_this_process(heed_pool *pool) {
  return atomic_load_explicit(&pool->forks, memory_order_acquire) == heed_fork_count();
}

// Starts one worker, which leaves the signals of the process to others but keeps those that its own faults raise.
static bool start_worker(heed_pool *pool, int index) {
  worker *self = &pool->workers[index];
  self->pool = pool;
  sigset_t blocked, before;
  sigfillset(&blocked);
  const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&blocked, faults[i]);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  bool started = !heed_memory_fails() && pthread_create(&self->thread, NULL, work, self) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!started) return false;
  char name[16];
  snprintf(name, sizeof name, "heed-%d", index + 1);
  pthread_setname_np(self->thread, name);
  return true;
}

// Starts as many workers as were asked for and the system grants.
static void start_workers(heed_pool *pool) {
  pool->worker_count = 0;
  while (pool->worker_count < pool->most_workers && start_worker(pool, pool->worker_count)) pool->worker_count++;
}

// Makes the pool this process's after a fork, which took the caller along and not the workers. No job was under way then, as fork waits for
// calls (heed_fork.h); a worker that was looking for one may have counted itself.
static void adopt(heed_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  if (!belongs_to_this_process(pool)) {
    atomic_store(&pool->state, 0);
    atomic_store(&pool->parked, 0);
    atomic_store(&pool->busy, false);
    pool->avoided_core = -1;
    start_workers(pool);
    atomic_store_explicit(&pool->forks, heed_fork_count(), memory_order_release);
  }
  pthread_mutex_unlock(&pool->lock);
}

heed_scratch *heed_pool_take_scratch(heed_pool *pool, size_t bytes) {
  pthread_mutex_lock(&pool->lock);
  heed_scratch *scratch = pool->idle_scratch;
  if (scratch != NULL) pool->idle_scratch = scratch->next;
  pthread_mutex_unlock(&pool->lock);
  if (scratch == NULL) scratch = heed_memory_fails() ? NULL : calloc(1, sizeof *scratch);
  if (scratch == NULL) return NULL;
  if (heed_memory_reserve(&scratch->memory, bytes) == 0) return scratch;
  free(scratch);
  return NULL;
}

void heed_pool_give_scratch(heed_pool *pool, heed_scratch *scratch) {
  pthread_mutex_lock(&pool->lock);
  scratch->next = pool->idle_scratch;
  pool->idle_scratch = scratch;
  pthread_mutex_unlock(&pool->lock);
}

int heed_pool_run(
    heed_pool *pool, heed_run_function run, const heed_arguments *arguments, int64_t count, size_t scratch_bytes,
    heed_scratch *given) {
  if (count <= 0) return 0;
  if (!belongs_to_this_process(pool)) adopt(pool);
  heed_scratch *scratch = given;
  if (scratch == NULL) scratch = heed_pool_take_scratch(pool, scratch_bytes);
  if (scratch == NULL || heed_memory_reserve(&scratch->memory, scratch_bytes) != 0) return ENOMEM;
  bool alone = count == 1 || pool->worker_count == 0 || atomic_exchange_explicit(&pool->busy, true, memory_order_acquire);
  if (alone) {
    run(arguments, 0, count, scratch->memory.base);
  } else {
    run_with_workers(pool, run, arguments, count, scratch_bytes, scratch->memory.base);
    atomic_store_explicit(&pool->busy, false, memory_order_release);
  }
  if (given == NULL) heed_pool_give_scratch(pool, scratch);
  return 0;
}

heed_pool *heed_pool_create(int threads) {
  if (threads < 1 || heed_memory_fails()) return NULL;
  heed_pool *pool = NULL;
  if (posix_memalign((void **)&pool, 64, sizeof *pool) != 0) return NULL;
  memset(pool, 0, sizeof *pool);
  if (pthread_mutex_init(&pool->lock, NULL) != 0) {
    free(pool);
    return NULL;
  }
  // Where threads outnumber cores, one that spins takes the core of one that works.
  pool->spin_nanoseconds = threads <= heed_affinity_cores() ? SPIN_NANOSECONDS : 0;
  pool->avoided_core = -1;
  if (sched_getaffinity(0, sizeof pool->cores, &pool->cores) != 0) CPU_ZERO(&pool->cores);
  pool->most_workers = threads - 1;
  atomic_init(&pool->forks, heed_fork_count());
  const size_t bytes = sizeof(worker) * (size_t)pool->most_workers;
  if (bytes > 0 && (heed_memory_fails() || posix_memalign((void **)&pool->workers, 64, bytes) != 0)) {
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return NULL;
  }
  if (bytes > 0) memset(pool->workers, 0, bytes);
  start_workers(pool);
  return pool;
}

void heed_pool_destroy(heed_pool *pool) {
  if (pool == NULL) return;
  // After a fork that nothing ran since, the workers are not there to be ended.
  if (belongs_to_this_process(pool)) {
    atomic_store_explicit(&pool->stop, true, memory_order_release);
    raise_epoch(pool, pool->worker_count);
    for (int i = 0; i < pool->worker_count; i++) pthread_join(pool->workers[i].thread, NULL);
  }
  for (int i = 0; i < pool->most_workers; i++) heed_memory_free(&pool->workers[i].scratch);
  for (heed_scratch *scratch = pool->idle_scratch; scratch != NULL;) {
    heed_scratch *next = scratch->next;
    heed_memory_free(&scratch->memory);
    free(scratch);
    scratch = next;
  }
  pthread_mutex_destroy(&pool->lock);
  free(pool->workers);
  free(pool);
}

int heed_pool_threads(const heed_pool *pool) { return pool->worker_count + 1; }

int heed_pool_is_callers(heed_pool *pool) {
  if (!belongs_to_this_process(pool)) return 0;
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) CPU_ZERO(&cores);
  return CPU_EQUAL(&cores, &pool->cores);
}

int heed_affinity_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
  long online = sysconf(_SC_NPROCESSORS_ONLN);  // more than 1024 cores do not fit a cpu_set_t
  return online > 0 ? (int)online : 1;
}

void heed_thread_name(char *name, size_t size) {
  if (pthread_getname_np(pthread_self(), name, size) != 0 && size > 0) name[0] = 0;
}
