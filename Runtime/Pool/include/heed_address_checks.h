// What AddressSanitizer is told of memory that it takes for one block. Without it, nothing.
#pragma once
#include <stddef.h>

/// Whether this code was built with AddressSanitizer.
int heed_checks_addresses(void);

/// Closes bytes: who touches them is reported.
void heed_close_memory(const void *start, size_t bytes);

/// Opens bytes again.
void heed_open_memory(const void *start, size_t bytes);
