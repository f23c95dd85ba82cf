/* For libFuzzer, which saves the input of an abort but not that of a trap, as GLib ends a process
 * with after a fatal warning. */
#include <signal.h>
#include <stdlib.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);

static void
on_trap (int number)
{
  abort ();
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  signal (SIGTRAP, on_trap);
  return 0;
}
