/* Loaded before the tested program (LD_PRELOAD): stops it (SIGSTOP) after each flush of the journal's log for as long as
   the file PAUSE_FILE is there, having added a byte to it, so that whoever watches knows which flush this is. What was
   just flushed is on the disk, and the program does not know it yet. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void rest(int file) {
  const char *wanted = getenv("PAUSE_FILE");
  if (!wanted) return;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 4 || memcmp(path + length - 4, "-wal", 4) != 0) return;
  int count = open(wanted, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (count < 0) return;
  ssize_t told = write(count, ".", 1);
  close(count);
  if (told == 1) kill(getpid(), SIGSTOP);
}

int fdatasync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  int result = real(file);
  rest(file);
  return result;
}

int fsync(int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  int result = real(file);
  rest(file);
  return result;
}
