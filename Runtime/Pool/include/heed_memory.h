// Memory that kernels work in: aligned to 64 bytes, on huge pages where it is large.
#pragma once
#include <stddef.h>

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
