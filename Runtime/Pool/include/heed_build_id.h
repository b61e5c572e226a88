// What the running code was built from, as a short text.
#pragma once
#include <stddef.h>

/// Writes to `text` an id, in ASCII, of the executable or shared object that holds this very function: its GNU build id where the linker
/// made one, otherwise the size and the time of modification of its file. Another build has another id. Returns the length of
/// the id, which is cut where it does not fit into `capacity` bytes with its closing 0; 0 where nothing could be found out.
size_t heed_build_id(char *text, size_t capacity);
