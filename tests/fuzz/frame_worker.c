/* What the server may send to a worker: messages of u16 length and bytes, received in order, their
 * payloads taken apart. What is accepted is written back to the same bytes. */
#include "frame.h"
#include "input.h"
#include "start.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_audio_in (const RpFrame *frame, RpInput *input)
{
  RpAudioIn audio;
  guint8 again[RP_FRAME_AUDIO_IN_BYTES (RP_FRAME_MAX_AUDIO_SAMPLES)];
  if (!rp_frame_parse_audio_in (frame, &audio, NULL))
    return;
  gsize len =
      rp_frame_write_audio_in (again, audio.pos_samples, audio.kind, audio.pcm, audio.n_samples);
  g_assert_cmpmem (again, len, frame->payload, frame->len);
  RpInputChunk chunk;
  gint64 pos = rp_input_end (input);
  if (rp_input_push (input, &audio, frame->time_us))
    g_assert_cmpint (rp_input_end (input), ==, audio.pos_samples + audio.n_samples);
  else
    g_assert_cmpint (rp_input_end (input), ==, pos);
  while (rp_input_poll (input, &chunk))
    g_assert_cmpint (chunk.pos_samples + RP_INPUT_CHUNK_SAMPLES, <=, rp_input_end (input));
}

static void
check_data (GHashTable *values)
{
  GHashTableIter iter;
  gpointer value = NULL;
  if (values == NULL)
    return;
  g_assert_cmpuint (g_hash_table_size (values), <=, RP_START_MAX_VALUES);
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    g_assert_cmpuint (strlen (value), <=, RP_START_MAX_VALUE_BYTES);
    g_assert_true (g_utf8_validate (value, -1, NULL) && strpbrk (value, "\r\n\t") == NULL);
  }
}

static void
check_json (const RpFrame *frame)
{
  RpStart start;
  RpClientMessage message;
  const char *json = (const char *) frame->payload;
  if (rp_start_parse (json, frame->len, &start, NULL)) {
    g_assert_cmpuint (start.n_played, <=, RP_START_MAX_UTTERANCES);
    check_data (start.data);
    rp_start_clear (&start);
  }
  if (rp_client_parse (json, frame->len, &message, NULL)) {
    g_assert_true (
        message.type != RP_CLIENT_TOOL_RESULT ||
        (message.id != NULL && message.text != NULL && (message.failed || *message.text == '{')));
    rp_client_message_clear (&message);
  }
}

static void
check_payload (const RpFrame *frame, RpInput *input)
{
  RpInputState state;
  RpPlayout playout;
  RpEncoderSettings encoder;
  guint32 number;
  guint8 again[RP_FRAME_PLAYOUT_BYTES];
  if (frame->type == RP_FRAME_AUDIO_IN)
    check_audio_in (frame, input);
  else if (frame->type == RP_FRAME_INPUT && rp_frame_parse_input (frame, &state, NULL))
    g_assert_cmpmem (again, rp_frame_write_input (again, &state), frame->payload, frame->len);
  else if (frame->type == RP_FRAME_PLAYOUT && rp_frame_parse_playout (frame, &playout, NULL))
    g_assert_cmpmem (again, rp_frame_write_playout (again, &playout), frame->payload, frame->len);
  else if (frame->type == RP_FRAME_ENCODER && rp_frame_parse_encoder (frame, &encoder, NULL))
    g_assert_cmpmem (again, rp_frame_write_encoder (again, &encoder), frame->payload, frame->len);
  else if (frame->type == RP_FRAME_START || frame->type == RP_FRAME_CLIENT)
    check_json (frame);
  else if (frame->type == RP_FRAME_PING)
    g_assert_true (rp_frame_parse_u32 (frame, &number, NULL));
  else if (frame->type == RP_FRAME_END)
    g_free (rp_frame_parse_text (frame, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  RpFrameReceiver receiver;
  rp_frame_receiver_init (&receiver, RP_FRAME_TO_WORKER);
  while (size >= 2) {
    gsize len = MIN ((gsize) data[0] | (gsize) data[1] << 8, size - 2);
    g_autofree guint8 *message = g_memdup2 (data + 2, len);
    RpFrame frame;
    if (!rp_frame_receive (&receiver, message, len, &frame, NULL))
      return 0;
    check_payload (&frame, input);
    data += 2 + len;
    size -= 2 + len;
  }
  return 0;
}
