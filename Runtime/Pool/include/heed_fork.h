// What a fork may not cut in two.
#pragma once
#include <stdint.h>

/// Makes fork wait, in other threads, until heed_fork_release is called as often on this thread. So no lock of a call, a compilation or the
/// memory of arrays is held in a child by a thread that the child does not have.
void heed_fork_hold(void);

/// Undoes one heed_fork_hold of this thread.
void heed_fork_release(void);

/// How many forks lie between this process and the one that was not forked, as far as it used this library before.
uint32_t heed_fork_count(void);
