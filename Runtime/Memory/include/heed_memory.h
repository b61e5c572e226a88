// Memory that arrays are in and that kernels work in: aligned to 64 bytes, on huge pages where it is large.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A block of memory. `base` is null where the block is empty.
typedef struct heed_memory {
  void *base;
  /// Bytes at `base`, at least as many as were asked for.
  size_t capacity;
} heed_memory;

/// Makes `memory` hold at least `bytes` bytes aligned to 64. What it held before may be lost, and stays where it is large enough.
/// From 2 MiB on the memory is aligned to 2 MiB and advised to use huge pages. The contents are unspecified.
/// Returns 0, or ENOMEM; then `memory` is empty.
int heed_memory_reserve(heed_memory *memory, size_t bytes);

/// Frees the block and makes it empty.
void heed_memory_free(heed_memory *memory);

/// `bytes` bytes aligned to `alignment`, a power of two of at least 8, contents unspecified; null where memory lacks.
void *heed_memory_allocate(size_t bytes, size_t alignment);

/// Frees what `heed_memory_allocate` returned. Null is let pass.
void heed_memory_release(void *base);

/// The number of blocks that are held now: by `heed_memory_reserve` and `heed_memory_allocate`.
int64_t heed_memory_block_count(void);

/// For tests: makes one of the next requests for memory or a thread fail, the `number`-th of the process from now on, counted from 1; none
/// where `number` is 0. Returns what was left to count of the number before: above 0 where that request did not come.
int64_t heed_memory_fail_at(int64_t number);

/// Counts a request; returns whether it is the one that is to fail.
bool heed_memory_fails(void);
