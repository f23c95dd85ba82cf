#include "candidate.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpCandidate candidate, again;
  char text[RP_CANDIDATE_MAX_TEXT_BYTES], text2[RP_CANDIDATE_MAX_TEXT_BYTES];
  g_autoptr (GError) error = NULL;
  gboolean is_end = rp_candidate_is_end ((const char *) data, size);
  if (!rp_candidate_parse ((const char *) data, size, &candidate, &error)) {
    g_assert_nonnull (error);
    return 0;
  }
  g_assert_false (is_end);
  g_assert_true (candidate.port > 0 && candidate.priority > 0 && candidate.component == 1);
  g_assert_true (candidate.address[0] != '\0');
  /* What we write is read back as the same, and the buffer's stated size is enough. */
  gsize len = rp_candidate_write (&candidate, text, sizeof text);
  g_assert_cmpuint (len, >, 0);
  g_assert_true (rp_candidate_parse (text, len, &again, NULL));
  g_assert_cmpuint (rp_candidate_write (&again, text2, sizeof text2), ==, len);
  g_assert_cmpstr (text2, ==, text);
  return 0;
}
