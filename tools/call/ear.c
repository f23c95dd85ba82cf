#include "ear.h"

#include "mic.h"
#include "wav.h"

#include <gio/gio.h>
#include <opus/opus.h>
#include <string.h>

#define MAX_SAMPLES (RP_JBUF_MAX_ITEM_SAMPLES / 3)
/* An hour of recording is more than any call here; a sender's jumping clock must not fill the
 * memory. */
#define MAX_RECORD_SAMPLES (3600 * RP_CALL_RATE_HZ)

struct _RpCallEar {
  RpJbuf *jbuf;
  OpusDecoder *decoder;
  RpCallEarFunc func;
  gpointer user_data;
  gboolean has_ssrc;
  guint32 ssrc;
  gint64 start_us; /* of the recording; 0 = not yet */
  GArray *pcm;     /* of gint16 */
  gboolean anchored;
  gint64 offset; /* recording sample = timeline sample + offset */
};

RpCallEar *
rp_call_ear_new (RpCallEarFunc func, gpointer user_data, gint64 now_us, GError **error)
{
  int status = 0;
  OpusDecoder *decoder = opus_decoder_create (RP_CALL_RATE_HZ, 1, &status);
  if (!decoder) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Opus decoder: %s", opus_strerror (status));
    return NULL;
  }
  RpCallEar *ear = g_new0 (RpCallEar, 1);
  ear->decoder = decoder;
  ear->jbuf = rp_jbuf_new (NULL, now_us);
  ear->func = func;
  ear->user_data = user_data;
  ear->pcm = g_array_new (FALSE, TRUE, sizeof (gint16));
  return ear;
}

void
rp_call_ear_free (RpCallEar *ear)
{
  if (!ear)
    return;
  opus_decoder_destroy (ear->decoder);
  rp_jbuf_free (ear->jbuf);
  g_array_unref (ear->pcm);
  g_free (ear);
}

void
rp_call_ear_record_from (RpCallEar *ear, gint64 start_us)
{
  ear->start_us = start_us;
}

/* Puts audio where the jitter buffer's timeline says, which is tied to the caller's by the first
 * packet's arrival. */
static void
record (RpCallEar *ear, guint64 position, const gint16 *pcm, guint n, gint64 now_us)
{
  if (ear->start_us == 0)
    return;
  if (!ear->anchored) {
    gint64 at = (now_us - ear->start_us) * RP_CALL_RATE_HZ / G_USEC_PER_SEC;
    ear->offset = at - (gint64) position;
    ear->anchored = TRUE;
  }
  gint64 at = (gint64) position + ear->offset;
  if (at < 0 || at + n > MAX_RECORD_SAMPLES)
    return;
  if ((gint64) ear->pcm->len < at + n)
    g_array_set_size (ear->pcm, (guint) (at + n));
  memcpy (&g_array_index (ear->pcm, gint16, at), pcm, n * sizeof *pcm);
}

static void
handle (RpCallEar *ear, const RpJbufItem *item, gint64 now_us)
{
  gint16 pcm[MAX_SAMPLES] = {0};
  guint64 position = item->position / 3;
  guint n = (guint) ((item->position + item->samples) / 3 - position);
  int decoded = 0;

  switch (item->type) {
  case RP_JBUF_DECODE:
    decoded = opus_decode (ear->decoder, item->payload, (opus_int32) item->payload_bytes, pcm,
                           MAX_SAMPLES, 0);
    ear->func (item->arrival_us, rp_call_level_dbfs (pcm, decoded > 0 ? (gsize) decoded : 0),
               ear->user_data);
    break;
  case RP_JBUF_FEC:
    decoded = opus_decode (ear->decoder, item->payload, (opus_int32) item->payload_bytes, pcm,
                           (int) n, 1);
    break;
  case RP_JBUF_PLC:
    decoded = opus_decode (ear->decoder, NULL, 0, pcm, (int) n, 0);
    break;
  case RP_JBUF_DISCONTINUITY:
    opus_decoder_ctl (ear->decoder, OPUS_RESET_STATE);
    ear->anchored = FALSE;
    return;
  case RP_JBUF_STALLED:
  case RP_JBUF_RESUMED:
    return;
  case RP_JBUF_SILENCE:
    break;
  }
  record (ear, position, pcm, n, now_us);
}

void
rp_call_ear_input (RpCallEar *ear, gint64 now_us, guint32 ssrc, guint16 sequence, guint32 timestamp,
                   gboolean marker, const guint8 *payload, gsize len, guint8 red_of)
{
  if (ear->has_ssrc && ear->ssrc != ssrc)
    rp_jbuf_reset (ear->jbuf, now_us);
  ear->has_ssrc = TRUE;
  ear->ssrc = ssrc;
  if (red_of != 0 && len > 0)
    rp_jbuf_input_red (ear->jbuf, now_us, sequence, timestamp, marker, payload, len, red_of);
  else
    rp_jbuf_input (ear->jbuf, now_us, sequence, timestamp, marker, payload, len);
  rp_call_ear_poll (ear, now_us);
}

void
rp_call_ear_poll (RpCallEar *ear, gint64 now_us)
{
  RpJbufItem item;
  while (rp_jbuf_poll (ear->jbuf, now_us, &item))
    handle (ear, &item, now_us);
}

void
rp_call_ear_stats (const RpCallEar *ear, RpJbufStats *out)
{
  rp_jbuf_stats (ear->jbuf, out);
}

double
rp_call_ear_seconds (const RpCallEar *ear)
{
  return (double) ear->pcm->len / RP_CALL_RATE_HZ;
}

gboolean
rp_call_ear_write (RpCallEar *ear, gint64 end_us, const char *path, GError **error)
{
  gint64 n = ear->start_us > 0 ? (end_us - ear->start_us) * RP_CALL_RATE_HZ / G_USEC_PER_SEC : 0;
  n = CLAMP (n, 0, MAX_RECORD_SAMPLES);
  if (n > (gint64) ear->pcm->len)
    g_array_set_size (ear->pcm, (guint) n);
  return rp_wav_write (path, RP_CALL_RATE_HZ, 1, (const gint16 *) ear->pcm->data, ear->pcm->len,
                       error);
}
