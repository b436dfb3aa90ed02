/* Loaded before the tested program (LD_PRELOAD): stops it (SIGSTOP) after each flush of the journal's log for as long as
   the file PAUSE_FILE is there, having added a byte to it, so that whoever watches knows which flush this is. */
#include "flushes.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

static void flushed(void) {
  const char *wanted = getenv("PAUSE_FILE");
  if (!wanted) return;
  int count = open(wanted, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (count < 0) return;
  ssize_t told = write(count, ".", 1);
  close(count);
  if (told == 1) kill(getpid(), SIGSTOP);
}
