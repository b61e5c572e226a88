// The threads that run the tiles of kernels.
#pragma once
#include "heed_abi.h"
#include <stddef.h>

typedef struct heed_pool heed_pool;
/// The scratch of one caller.
typedef struct heed_scratch heed_scratch;

/// A pool of `threads` threads, the caller of `heed_pool_run` being one of them: `threads - 1` workers are started, or as many
/// as the system grants. Returns null where memory lacks or `threads` is below 1.
heed_pool *heed_pool_create(int threads);

/// Ends the workers and frees the pool. No call of `heed_pool_run` may be in progress. Null is let pass.
void heed_pool_destroy(heed_pool *pool);

/// The number of threads that a run may use: the workers that were started, and the caller.
int heed_pool_threads(const heed_pool *pool);

/// Whether the calling thread may be scheduled on the cores that the thread which made the pool could be, and on no others, and the pool's
/// workers are threads of this process.
int heed_pool_is_callers(heed_pool *pool);

/// Calls `run` for ranges that together hold each tile of `0 ..< count` once, on the calling thread and on workers, and returns
/// when all are done. Every thread passes memory of its own as scratch: at least `scratch_bytes` bytes aligned to 64, contents
/// unspecified.
///
/// Any number of threads may call at once, a running tile too: while the workers serve one call, others run their tiles on the
/// calling thread alone. `scratch` is the caller's, from heed_pool_take_scratch, or null. Returns 0, or ENOMEM where the caller's scratch
/// could not be had; then no tile has run.
///
/// In a process that was forked from the pool's the first run starts workers anew.
int heed_pool_run(
    heed_pool *pool, heed_run_function run, const heed_arguments *arguments, int64_t count, size_t scratch_bytes,
    heed_scratch *scratch);

/// Scratch of at least `bytes` bytes for the runs of one caller, so that none of them lacks memory. Null where memory lacks.
heed_scratch *heed_pool_take_scratch(heed_pool *pool, size_t bytes);

/// Gives scratch back to the pool that it was taken from.
void heed_pool_give_scratch(heed_pool *pool, heed_scratch *scratch);

/// The number of cores that the calling thread may be scheduled on, at least 1.
int heed_affinity_cores(void);

/// Writes the calling thread's name to `name`, which holds at least 16 bytes, ended by a zero: `heed-1` and so on for workers.
void heed_thread_name(char *name, size_t size);
