// Lets calls of the system fail, in a process that preloads this library (LD_PRELOAD).
//
// HEED_FAULT=CALL:NUMBER:EFFECT: the call of that number, counted from 1, has the effect: the name of an error; `half`, which writes a part;
// `kill`, which ends the process before the call; `half-kill`, which writes a part before it does. With NUMBER+ all later ones have it too.
// HEED_FAULT_MARK names a file that is made when that happens.
// HEED_CLOCK=SECONDS is added to the time of day; with HEED_CLOCK=back it goes back by a second each time that it is read.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static char fault_call[16], fault_effect[16];
static long fault_number;
static int fault_stays;
static atomic_long fault_count;

__attribute__((constructor)) static void read_fault(void) {
  const char *text = getenv("HEED_FAULT");
  if (text == NULL) return;
  const char *number = strchr(text, ':');
  const char *effect = number ? strchr(number + 1, ':') : NULL;
  if (effect == NULL || number - text >= (long)sizeof fault_call) abort();
  memcpy(fault_call, text, (size_t)(number - text));
  fault_number = atol(number + 1);
  fault_stays = effect[-1] == '+';
  strncpy(fault_effect, effect + 1, sizeof fault_effect - 1);
}

// Whether this call is the one.
static int is_hit(const char *call) {
  if (fault_number == 0 || strcmp(call, fault_call) != 0) return 0;
  long number = atomic_fetch_add(&fault_count, 1) + 1;
  if (number != fault_number && !(fault_stays && number > fault_number)) return 0;
  const char *mark = getenv("HEED_FAULT_MARK");
  if (mark != NULL) {
    int file = (int)syscall(SYS_openat, AT_FDCWD, mark, O_CREAT | O_WRONLY, 0600);
    if (file >= 0) syscall(SYS_close, file);
  }
  if (strcmp(fault_effect, "kill") == 0) raise(SIGKILL);
  return 1;
}

static int failure(void) {
  static const struct { const char *name; int code; } errors[] = {
    {"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EINTR", EINTR}, {"EMFILE", EMFILE}, {"ENOMEM", ENOMEM}, {"EAGAIN", EAGAIN}, {"EDQUOT", EDQUOT},
  };
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (strcmp(errors[i].name, fault_effect) == 0) return errors[i].code;
  }
  abort();
}

// Whether writing to the file is counted: files, and standard output.
static int is_counted(int file) {
  struct stat status;
  return file == 1 || (file > 2 && fstat(file, &status) == 0 && S_ISREG(status.st_mode));
}

ssize_t write(int file, const void *bytes, size_t count) {
  if (!is_counted(file) || !is_hit("write")) return REAL(write)(file, bytes, count);
  if (strncmp(fault_effect, "half", 4) != 0) return errno = failure(), -1;
  ssize_t written = REAL(write)(file, bytes, count > 1 ? count / 2 : count);
  if (strcmp(fault_effect, "half-kill") == 0) raise(SIGKILL);
  return written;
}

static int opened(const char *name, int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
  (void)name;
  if ((flags & O_CREAT) && is_hit("create")) return errno = failure(), -1;
  return real(path, flags, mode);
}

#define OPEN(name)                                                  \
  int name(const char *path, int flags, ...) {                      \
    va_list rest;                                                   \
    va_start(rest, flags);                                          \
    mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;     \
    va_end(rest);                                                   \
    return opened(#name, REAL(name), path, flags, mode);            \
  }
OPEN(open)
OPEN(open64)

// The file is closed all the same, as Linux does it.
int close(int file) {
  int hit = is_counted(file) && file != 1 && (fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY && is_hit("close");
  int result = REAL(close)(file);
  return hit ? (errno = failure(), -1) : result;
}

int fsync(int file) { return is_hit("fsync") ? (errno = failure(), -1) : REAL(fsync)(file); }

int rename(const char *from, const char *to) { return is_hit("rename") ? (errno = failure(), -1) : REAL(rename)(from, to); }

int ftruncate(int file, off_t size) { return is_hit("ftruncate") ? (errno = failure(), -1) : REAL(ftruncate)(file, size); }

int mkdir(const char *path, mode_t mode) { return is_hit("mkdir") ? (errno = failure(), -1) : REAL(mkdir)(path, mode); }

void *mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  return is_hit("mmap") ? (errno = failure(), MAP_FAILED) : REAL(mmap)(at, size, protection, flags, file, offset);
}

void *mmap64(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  return mmap(at, size, protection, flags, file, offset);
}

int mprotect(void *at, size_t size, int protection) {
  return is_hit("mprotect") ? (errno = failure(), -1) : REAL(mprotect)(at, size, protection);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
  return is_hit("thread") ? failure() : REAL(pthread_create)(thread, attributes, run, context);
}

static long shift(void) {
  static atomic_long back;
  const char *text = getenv("HEED_CLOCK");
  if (text == NULL) return 0;
  return strcmp(text, "back") == 0 ? -(atomic_fetch_add(&back, 2) + 2) : atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int result = REAL(clock_gettime)(clock, now);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += shift();
  return result;
}

int gettimeofday(struct timeval *now, void *zone) {
  int result = REAL(gettimeofday)(now, zone);
  if (result == 0) now->tv_sec += shift();
  return result;
}

time_t time(time_t *now) {
  time_t result = REAL(time)(NULL) + shift();
  if (now != NULL) *now = result;
  return result;
}
