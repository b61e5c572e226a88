#define _GNU_SOURCE
#include "heed_build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

typedef struct search {
  char *text;
  size_t capacity;
  size_t length;
} search;

static int holds_this_code(const struct dl_phdr_info *object) {
  uintptr_t here = (uintptr_t)&heed_build_id;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + segment->p_vaddr;
    if (segment->p_type == PT_LOAD && here >= start && here - start < segment->p_memsz) return 1;
  }
  return 0;
}

static size_t aligned(size_t size, size_t alignment) { return alignment > 1 ? (size + alignment - 1) / alignment * alignment : size; }

// Writes the build id among the notes of one segment in hexadecimal.
static void read_notes(search *result, const char *notes, size_t size, size_t alignment) {
  if (alignment < 4) alignment = 4;
  size_t at = 0;
  while (at + sizeof(ElfW(Nhdr)) <= size) {
    const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)(notes + at);
    size_t name = at + sizeof *note, id = aligned(name + note->n_namesz, alignment);
    if (id > size || note->n_descsz > size - id) return;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && memcmp(notes + name, "GNU", 4) == 0) {
      for (size_t i = 0; i < note->n_descsz && result->length + 3 <= result->capacity; i++) {
        result->length += (size_t)snprintf(result->text + result->length, 3, "%02x", (unsigned char)notes[id + i]);
      }
      return;
    }
    at = aligned(id + note->n_descsz, alignment);
  }
}

static int visit(struct dl_phdr_info *object, size_t size, void *context) {
  (void)size;
  search *result = context;
  if (!holds_this_code(object)) return 0;
  for (int i = 0; i < object->dlpi_phnum && result->length == 0; i++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
    if (segment->p_type != PT_NOTE) continue;
    read_notes(result, (const char *)(object->dlpi_addr + segment->p_vaddr), segment->p_memsz, segment->p_align);
  }
  struct stat file;
  const char *path = object->dlpi_name != NULL && object->dlpi_name[0] != 0 ? object->dlpi_name : "/proc/self/exe";
  if (result->length == 0 && stat(path, &file) == 0) {
    int length = snprintf(
        result->text, result->capacity, "%lld-%lld.%09ld", (long long)file.st_size, (long long)file.st_mtim.tv_sec,
        (long)file.st_mtim.tv_nsec);
    if (length > 0) result->length = (size_t)length < result->capacity ? (size_t)length : result->capacity - 1;
  }
  return 1;
}

size_t heed_build_id(char *text, size_t capacity) {
  if (capacity == 0) return 0;
  search result = {text, capacity, 0};
  text[0] = 0;
  dl_iterate_phdr(visit, &result);
  return result.length;
}
