#define _GNU_SOURCE
#include "heed_fork.h"

#include <pthread.h>
#include <stdatomic.h>

// Held for reading by threads that a fork waits for, for writing by a fork. One that waits goes before new readers: threads that call all
// the time would keep it out for ever.
static pthread_rwlock_t gate = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static _Thread_local int depth;
static _Atomic(uint32_t) fork_count;
static pthread_once_t handlers = PTHREAD_ONCE_INIT;

// A thread that forks from within a call would wait for itself, so it does not wait.
static void before_fork(void) {
  if (depth == 0) pthread_rwlock_wrlock(&gate);
}

static void after_fork_in_parent(void) {
  if (depth == 0) pthread_rwlock_unlock(&gate);
}

// The lock knows its holder by a number that the child's thread does not have, so it is made anew.
static void after_fork_in_child(void) {
  pthread_rwlockattr_t attributes;
  pthread_rwlockattr_init(&attributes);
  pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
  pthread_rwlock_init(&gate, &attributes);
  pthread_rwlockattr_destroy(&attributes);
  if (depth > 0) pthread_rwlock_rdlock(&gate);
  atomic_fetch_add(&fork_count, 1);
}

static void add_handlers(void) { pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child); }

void heed_fork_hold(void) {
  pthread_once(&handlers, add_handlers);
  if (depth++ == 0) pthread_rwlock_rdlock(&gate);
}

void heed_fork_release(void) {
  if (--depth == 0) pthread_rwlock_unlock(&gate);
}

uint32_t heed_fork_count(void) { return atomic_load_explicit(&fork_count, memory_order_acquire); }
