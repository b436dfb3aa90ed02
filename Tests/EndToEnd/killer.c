/* Loaded before the tested program (LD_PRELOAD): ends it with SIGKILL right after the Nth flush of the journal's log.
   SQLite in WAL mode with synchronous=FULL flushes the -wal file once a commit, so each N is one commit further. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int flushes;

static void count(int file) {
  const char *wanted = getenv("KILL_AFTER_FLUSH");
  if (!wanted) return;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 4 || memcmp(path + length - 4, "-wal", 4) != 0) return;
  if (atomic_fetch_add(&flushes, 1) + 1 == atoi(wanted)) kill(getpid(), SIGKILL);
}

int fdatasync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int result = real(file);
  count(file);
  return result;
}

int fsync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int result = real(file);
  count(file);
  return result;
}
