// What generated code and the runtime agree on: flat arrays of pointers and 64-bit integers, nothing else.
#pragma once
#include <stdint.h>

/// Version of this interface; part of the object cache's key. Raise it whenever a declaration here changes.
#define HEED_ABI_VERSION 1

/// The arguments of one kernel call.
typedef struct heed_arguments {
  /// The base address of each of the kernel's buffers, in the order in which the kernel declares them (parameters, then workspaces).
  void *const *buffers;
  /// The value of each of the kernel's symbols, in the kernel's order.
  const int64_t *symbols;
} heed_arguments;

/// The number of tiles of one phase. Generated as `<kernel>.<phase>.count`.
typedef int64_t (*heed_count_function)(const heed_arguments *arguments);

/// Runs the tiles `begin ..< end` of one phase. `scratch` is this thread's own memory, aligned to 64 bytes, of at least the
/// kernel's scratch size. Generated as `<kernel>.<phase>.run`.
typedef void (*heed_run_function)(const heed_arguments *arguments, int64_t begin, int64_t end, void *scratch);

_Static_assert(sizeof(heed_arguments) == 16, "generated code addresses the fields of heed_arguments by offset");
_Static_assert(__builtin_offsetof(heed_arguments, buffers) == 0, "buffers come first");
_Static_assert(__builtin_offsetof(heed_arguments, symbols) == 8, "symbols come second");
