/* The caller's microphone: WAV clips as 20 ms Opus packets, silence between them. */
#pragma once

#include <glib.h>

#define RP_CALL_RATE_HZ 16000
#define RP_CALL_FRAME_SAMPLES 320 /* 20 ms */
#define RP_CALL_FRAME_US 20000

/* A frame counts as speech when its RMS is at most 30 dB below that of the clip's loudest frame;
 * the threshold stays between these two, so that neither a loud clip's breath nor a faint clip's
 * noise is speech. */
#define RP_CALL_SPEECH_BELOW_PEAK_DB 30.0
#define RP_CALL_SPEECH_MIN_DBFS (-60.0)
#define RP_CALL_SPEECH_MAX_DBFS (-45.0)

/* RMS of n samples against a full-scale square wave; -120 for silence. */
double rp_call_level_dbfs (const gint16 *pcm, gsize n);

typedef struct {
  char *path;
  gint16 *pcm; /* at RP_CALL_RATE_HZ, whole frames */
  guint n_frames;
  guint first_speech; /* frame */
  guint last_speech;
  double threshold_dbfs;
} RpCallClip;

/* Reads a 16-bit WAV file of any rate, mono or stereo. Returns: (transfer full) (nullable): NULL
 * with an error when it cannot be read or has no sound in it. */
RpCallClip *rp_call_clip_load (const char *path, GError **error);
/* The same of samples at RP_CALL_RATE_HZ, copied; name stands for the path. */
RpCallClip *rp_call_clip_from_pcm (const char *name, const gint16 *pcm, gsize n_samples,
                                   GError **error);
void rp_call_clip_free (RpCallClip *clip);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallClip, rp_call_clip_free)

typedef enum {
  RP_CALL_FRAME_SPEECH_START = 1 << 0,
  RP_CALL_FRAME_SPEECH_END = 1 << 1, /* the last speech frame of the clip */
  RP_CALL_FRAME_CLIP_END = 1 << 2,   /* its last frame */
} RpCallFrameFlags;

typedef struct _RpCallMic RpCallMic;

/* loss_percent: what the encoder's redundancy is made for; at least 10, below which it would make
 * none. */
RpCallMic *rp_call_mic_new (guint loss_percent, GError **error);
void rp_call_mic_free (RpCallMic *mic);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallMic, rp_call_mic_free)

/* Starts a clip, which must outlive it, with the next frame; one that is playing is cut off. */
void rp_call_mic_play (RpCallMic *mic, const RpCallClip *clip);
gboolean rp_call_mic_busy (const RpCallMic *mic);

/* The next 20 ms: an Opus packet of *out_len bytes in out, of size bytes. Returns:
 * RpCallFrameFlags. */
guint rp_call_mic_frame (RpCallMic *mic, guint8 *out, gsize size, gsize *out_len);
