#include "heed_address_checks.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_ADDRESSES 1
#endif
#endif

#ifdef CHECKS_ADDRESSES
void __asan_poison_memory_region(void const volatile *start, size_t bytes);
void __asan_unpoison_memory_region(void const volatile *start, size_t bytes);

int heed_checks_addresses(void) { return 1; }
void heed_close_memory(const void *start, size_t bytes) { __asan_poison_memory_region(start, bytes); }
void heed_open_memory(const void *start, size_t bytes) { __asan_unpoison_memory_region(start, bytes); }
#else
int heed_checks_addresses(void) { return 0; }
void heed_close_memory(const void *start, size_t bytes) { (void)start, (void)bytes; }
void heed_open_memory(const void *start, size_t bytes) { (void)start, (void)bytes; }
#endif
