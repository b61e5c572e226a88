#define _GNU_SOURCE
#include "heed_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static const size_t line_bytes = 64;
static const size_t huge_page_bytes = (size_t)2 << 20;

// Requests until the one that fails; 0 where none is to.
static _Atomic(int64_t) requests_left;
static _Atomic(int64_t) block_count;

int64_t heed_memory_fail_at(int64_t number) { return atomic_exchange(&requests_left, number); }

bool heed_memory_fails(void) {
  return atomic_load_explicit(&requests_left, memory_order_relaxed) != 0 && atomic_fetch_sub(&requests_left, 1) == 1;
}

int64_t heed_memory_block_count(void) { return atomic_load_explicit(&block_count, memory_order_relaxed); }

static void count_blocks(int64_t more) { atomic_fetch_add_explicit(&block_count, more, memory_order_relaxed); }

// A mapping of `bytes` (a multiple of the huge page) that starts on a huge page: map one page more, give back what is over.
static void *map_huge(size_t bytes) {
  size_t mapped = bytes + huge_page_bytes;
  char *start = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) return NULL;
  size_t before = (size_t)(-(uintptr_t)start) & (huge_page_bytes - 1);
  if (before > 0) munmap(start, before);
  munmap(start + before + bytes, huge_page_bytes - before);
  madvise(start + before, bytes, MADV_HUGEPAGE);
  return start + before;
}

static size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

int heed_memory_reserve(heed_memory *memory, size_t bytes) {
  if (bytes <= memory->capacity && memory->base != NULL) return 0;
  heed_memory_free(memory);
  if (bytes > SIZE_MAX / 2 || heed_memory_fails()) return ENOMEM;
  void *base = NULL;
  // heed_memory_free tells by the capacity what kind of memory it is: so does this.
  size_t capacity = bytes == 0 ? line_bytes : round_up(bytes, line_bytes);
  if (capacity >= huge_page_bytes) {
    capacity = round_up(capacity, huge_page_bytes);
    base = map_huge(capacity);
  } else if (posix_memalign(&base, line_bytes, capacity) != 0) {
    base = NULL;
  }
  if (base == NULL) return ENOMEM;
  memory->base = base;
  memory->capacity = capacity;
  count_blocks(1);
  return 0;
}

void heed_memory_free(heed_memory *memory) {
  if (memory->base == NULL) return;
  count_blocks(-1);
  if (memory->capacity >= huge_page_bytes) {
    munmap(memory->base, memory->capacity);
  } else {
    free(memory->base);
  }
  memory->base = NULL;
  memory->capacity = 0;
}

void *heed_memory_allocate(size_t bytes, size_t alignment) {
  void *base = NULL;
  if (bytes > SIZE_MAX / 2 || heed_memory_fails() || posix_memalign(&base, alignment, bytes) != 0) return NULL;
  count_blocks(1);
  return base;
}

void heed_memory_release(void *base) {
  if (base == NULL) return;
  count_blocks(-1);
  free(base);
}
