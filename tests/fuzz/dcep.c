#include "dcep.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpDcepMessage message, again;
  guint8 wire[RP_DCEP_MAX_BYTES];
  g_autoptr (GError) error = NULL;
  if (!rp_dcep_parse (data, size, &message, &error)) {
    g_assert_nonnull (error);
    return 0;
  }
  gsize len = rp_dcep_write (&message, wire, sizeof wire);
  g_assert_cmpuint (len, ==, size);
  g_assert_true (rp_dcep_parse (wire, len, &again, NULL));
  g_assert_cmpstr (again.label, ==, message.label);
  g_assert_cmpstr (again.protocol, ==, message.protocol);
  g_assert_cmpuint (again.reliability, ==, message.reliability);
  return 0;
}
