/*
 * What a worker sends, through its socket: messages of u16 length and bytes; the lengths 0xfff0 to
 * 0xffff have no bytes and let the server do something before the next. Nothing blocks, the worker
 * is lost once, and nothing comes from it after that.
 */
#include "worker-link-private.h"

#include <json-glib/json-glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
  RpWorkerLink *link;
  guint n_lost;
  guint n_started;
  gboolean started; /* by the server */
  guint32 utterance;
} State;

static void
check_alive (State *s)
{
  g_assert_true (s->n_lost == 0 && !rp_worker_link_is_lost (s->link));
}

static void
on_started (gpointer data)
{
  State *s = data;
  check_alive (s);
  s->n_started++;
}

static void
on_audio (const RpAudioOut *audio, gpointer data)
{
  State *s = data;
  check_alive (s);
  g_assert_true (audio->utterance >= s->utterance && audio->utterance > 0);
  g_assert_true (audio->len > 0 && audio->len <= RP_FRAME_MAX_OPUS_BYTES);
  s->utterance = audio->utterance;
}

static void
on_flush (guint32 utterance, gpointer data)
{
  check_alive (data);
}

/* The owner of a link answers nonsense so. */
static void
on_event (const char *json, gsize len, gpointer data)
{
  State *s = data;
  check_alive (s);
  g_assert_cmpuint (len, <=, RP_FRAME_MAX_PAYLOAD_BYTES);
  if (len == 0 || json[0] != '{')
    rp_worker_link_fail (s->link, "no object");
}

static void
on_checkpoint (GBytes *checkpoint, gpointer data)
{
  check_alive (data);
  g_assert_cmpuint (g_bytes_get_size (checkpoint), <=, RP_FRAME_MAX_PAYLOAD_BYTES);
}

static void
on_hangup (const char *reason, gpointer data)
{
  check_alive (data);
  g_assert_true (g_utf8_validate (reason, -1, NULL));
}

static void
on_lost (RpWorkerLost reason, const char *text, gpointer data)
{
  State *s = data;
  g_assert_cmpuint (++s->n_lost, ==, 1);
  g_assert_true (g_utf8_validate (text, -1, NULL));
}

static const RpWorkerLinkEvents events = {
    .started = on_started,
    .audio_out = on_audio,
    .flush = on_flush,
    .event = on_event,
    .checkpoint = on_checkpoint,
    .hangup = on_hangup,
    .lost = on_lost,
};

static void
act (State *s, guint what)
{
  static const gint16 pcm[RP_FRAME_MAX_AUDIO_SAMPLES];
  const RpPlayout playout = {.utterance = s->utterance};
  /* Before START the server has nothing to say but that, and it says it once. */
  if (what < 5 && s->started == (what == 0))
    return;
  switch (what) {
  case 0:
    rp_worker_link_start (s->link, "{}", NULL);
    s->started = TRUE;
    break;
  case 1:
    rp_worker_link_end (s->link, "end");
    break;
  case 2:
    for (guint i = 0; i < 300; i++) /* more than the socket takes */
      rp_worker_link_audio_in (s->link, i * RP_FRAME_MAX_AUDIO_SAMPLES, RP_AUDIO_DECODED, pcm,
                               RP_FRAME_MAX_AUDIO_SAMPLES, 0);
    break;
  case 3:
    rp_worker_link_playout (s->link, &playout);
    break;
  case 4:
    rp_worker_link_client (s->link, "{\"type\":\"text\"}");
    break;
  default:
    rp_worker_link_service (s->link);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fds[2];
  State s = {0};
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), ==, 0);
  s.link = rp_worker_link_new (fds[0], -1, 1, 60000);
  rp_worker_link_set_events (s.link, &events, &s);
  while (size >= 2) {
    gsize len = (gsize) data[0] | (gsize) data[1] << 8;
    data += 2, size -= 2;
    if (len >= 0xfff0) {
      act (&s, len & 0x0f);
      continue;
    }
    len = MIN (len, size);
    /* An empty message looks like the end of the socket. */
    if (len > 0 && send (fds[1], data, len, MSG_NOSIGNAL) < 0)
      rp_worker_link_service (s.link);
    data += len, size -= len;
  }
  rp_worker_link_service (s.link);
  close (fds[1]);
  for (guint i = 0; i < 20 && s.n_lost == 0; i++)
    rp_worker_link_service (s.link);
  g_assert_cmpuint (s.n_lost, ==, 1);
  rp_worker_link_free (s.link);
  return 0;
}
