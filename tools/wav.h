/* WAV files for the tools and tests: 16-bit PCM. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_WAV_ERROR (rp_wav_error_quark ())
GQuark rp_wav_error_quark (void);

/**
 * RpWavError:
 * @RP_WAV_ERROR_FORMAT: not a WAV file, or a damaged one
 * @RP_WAV_ERROR_UNSUPPORTED: a WAV file of another kind than 16-bit PCM with 1 or 2 channels at 8
 *   to 192 kHz
 */
typedef enum {
  RP_WAV_ERROR_FORMAT,
  RP_WAV_ERROR_UNSUPPORTED,
} RpWavError;

/**
 * RpWav:
 * @rate_hz: samples per second and channel
 * @n_channels: 1 or 2
 * @n_frames: samples per channel
 * @pcm: (transfer full): @n_frames * @n_channels samples, interleaved
 */
typedef struct {
  guint rate_hz;
  guint n_channels;
  gsize n_frames;
  gint16 *pcm;
} RpWav;

/**
 * rp_wav_parse:
 * @data: @size bytes, of any content
 * @wav: (out caller-allocates): written on success only; free with rp_wav_clear()
 *
 * Unknown chunks are skipped. A data chunk that claims more than there is (as of a recording
 * that was not closed) ends with the bytes.
 *
 * Returns: FALSE with an RpWavError
 */
gboolean rp_wav_parse (const guint8 *data, gsize size, RpWav *wav, GError **error);

/** rp_wav_read: rp_wav_parse() of a file; also FALSE with a G_FILE_ERROR. */
gboolean rp_wav_read (const char *path, RpWav *wav, GError **error);

/**
 * rp_wav_write:
 * @pcm: @n_frames * @n_channels samples, interleaved; at most 2 GB
 *
 * Returns: FALSE with a G_FILE_ERROR
 */
gboolean rp_wav_write (const char *path, guint rate_hz, guint n_channels, const gint16 *pcm,
                       gsize n_frames, GError **error);

/**
 * rp_wav_mono:
 * @rate_hz: rate wanted, 8 to 192 kHz
 * @out_n: number of samples
 *
 * The mean of the channels at another rate.
 *
 * Returns: (transfer full): samples in [-1, 1]
 */
float *rp_wav_mono (const RpWav *wav, guint rate_hz, gsize *out_n);

/** rp_wav_clear: frees the samples. */
void rp_wav_clear (RpWav *wav);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RpWav, rp_wav_clear)

G_END_DECLS
