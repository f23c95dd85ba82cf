/* A zygote without models, for the tests of server/ipc. Its --agent says how it behaves:
 *
 *   good         forks workers that answer PING and START
 *   bad-config   FAILED and exit code 2; bad-while:PATH: as long as there is such a file
 *   dies         exit code 1 before READY
 *   mute         never says READY
 *   stillborn    forks workers that exit at once
 *   silent       forks workers that never say HELLO
 *   described    says in READY what its agents "described" and "first" are
 *   misnamed     leaves itself out of them; untyped: gives one a number for a name;
 *                undue: says that its transcripts take less than no time */
#include "fake-zygote.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *behaviour = "good";
static FakeWorker control; /* only its sending half and buffer are used */

static void
work (int fd, gpointer user_data)
{
  FakeWorker worker;
  RpFrame frame;
  fake_worker_adopt (&worker, fd);
  if (g_str_equal (behaviour, "stillborn"))
    _exit (1);
  if (g_str_equal (behaviour, "silent"))
    pause ();
  fake_worker_send_u32 (&worker, RP_FRAME_HELLO, (guint32) getpid ());
  while (fake_worker_receive (&worker, &frame)) {
    if (frame.type == RP_FRAME_PING)
      fake_worker_send (&worker, RP_FRAME_PONG, frame.payload, frame.len);
    else if (frame.type == RP_FRAME_START)
      fake_worker_send (&worker, RP_FRAME_STARTED, NULL, 0);
    else if (frame.type == RP_FRAME_END)
      break;
  }
  _exit (0);
}

int
main (int argc, char **argv)
{
  int fd = -1;
  for (int i = 1; i + 1 < argc; i++) {
    if (g_str_equal (argv[i], "--control-fd"))
      fd = atoi (argv[i + 1]);
    else if (g_str_equal (argv[i], "--agent"))
      behaviour = argv[i + 1];
  }
  signal (SIGCHLD, SIG_IGN);
  fake_worker_adopt (&control, fd);
  if (g_str_equal (behaviour, "dies"))
    return 1;
  if (g_str_equal (behaviour, "mute"))
    pause ();
  gboolean is_bad = g_str_has_prefix (behaviour, "bad-while:") &&
                    g_file_test (strchr (behaviour, ':') + 1, G_FILE_TEST_EXISTS);
  if (is_bad || g_str_equal (behaviour, "bad-config")) {
    static const char why[] = "no such agent";
    fake_worker_send (&control, RP_FRAME_FAILED, why, strlen (why));
    return 2;
  }
  const char *info = "{\"agent\":\"test\"}";
  if (g_str_equal (behaviour, "described"))
    info =
        "{\"agents\":[{\"name\":\"described\",\"stt_cpu_us\":60000},{\"name\":\"first\","
        "\"title\":\"The First\",\"description\":\"Comes before the second.\",\"stt_cpu_us\":5}]}";
  else if (g_str_equal (behaviour, "misnamed"))
    info = "{\"agents\":[{\"name\":\"first\"}]}";
  else if (g_str_equal (behaviour, "untyped"))
    info = "{\"agents\":[{\"name\":7}]}";
  else if (g_str_equal (behaviour, "undue"))
    info = "{\"agents\":[{\"name\":\"undue\",\"stt_cpu_us\":-1}]}";
  fake_worker_send (&control, RP_FRAME_READY, info, strlen (info));
  return fake_zygote_serve (&control, work, NULL);
}
