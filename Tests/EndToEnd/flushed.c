/* Writes down what is flushed and what is named, in the order in which that happens, into the file FLUSHED. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *what, const char *path) {
  const char *file = getenv("FLUSHED");
  int out = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
  if (out < 0) return;
  char line[8192];
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  if (write(out, line, (size_t)length) < 0) abort();
  close(out);
}

int fsync(int descriptor) {
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  if (readlink(link, path, sizeof path - 1) > 0) note("flush", path);
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  return real(descriptor);
}

int link(const char *from, const char *to) {
  int (*real)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "link");
  int status = real(from, to);
  note("name", to);
  return status;
}
