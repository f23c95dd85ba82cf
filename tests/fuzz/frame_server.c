/* What a worker may send to the server: messages of u16 length and bytes, received in order, their
 * payloads taken apart. What is accepted is written back to the same bytes. */
#include "frame.h"
#include "worker-event.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_audio_out (const RpFrame *frame)
{
  RpAudioOut audio;
  guint8 again[RP_FRAME_AUDIO_OUT_BYTES (RP_FRAME_MAX_OPUS_BYTES)];
  if (!rp_frame_parse_audio_out (frame, &audio, NULL))
    return;
  g_assert_true (audio.utterance > 0 && audio.len > 0 && audio.len <= RP_FRAME_MAX_OPUS_BYTES);
  gsize len = rp_frame_write_audio_out (again, &audio);
  g_assert_cmpmem (again, len, frame->payload, frame->len);
}

static void
check_load (const RpFrame *frame)
{
  RpLoad load;
  guint8 again[RP_FRAME_PAIR_BYTES];
  if (!rp_frame_parse_load (frame, &load, NULL))
    return;
  g_assert_cmpmem (again, rp_frame_write_load (again, &load), frame->payload, frame->len);
}

static void
check_payload (const RpFrame *frame)
{
  guint32 number;
  if (frame->type == RP_FRAME_AUDIO_OUT) {
    check_audio_out (frame);
  } else if (frame->type == RP_FRAME_EVENT) {
    g_auto (RpWorkerEvent) event = {0};
    if (rp_worker_event_parse ((const char *) frame->payload, frame->len, &event, NULL))
      g_assert_cmpuint (event.type, <, RP_WORKER_N_EVENTS);
  } else if (frame->type == RP_FRAME_HANGUP) {
    g_autofree char *text = rp_frame_parse_text (frame, NULL);
    g_assert_true (text == NULL || g_utf8_validate (text, (gssize) frame->len, NULL));
  } else if (frame->type == RP_FRAME_LOAD) {
    check_load (frame);
  } else if (frame->type != RP_FRAME_STARTED && frame->type != RP_FRAME_CHECKPOINT) {
    g_assert_true (rp_frame_parse_u32 (frame, &number, NULL));
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpFrameReceiver receiver;
  rp_frame_receiver_init (&receiver, RP_FRAME_FROM_WORKER);
  while (size >= 2) {
    gsize len = MIN ((gsize) data[0] | (gsize) data[1] << 8, size - 2);
    g_autofree guint8 *message = g_memdup2 (data + 2, len);
    RpFrame frame;
    if (!rp_frame_receive (&receiver, message, len, &frame, NULL))
      return 0;
    check_payload (&frame);
    data += 2 + len;
    size -= 2 + len;
  }
  return 0;
}
