/* Any words: every finder stays inside them and gives canonical values. */
#include "slots.h"
#include "completeness.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size > 4096)
    return 0;
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr (RpWords) words = rp_words_split (text);
  RpSlotMoment moment;
  rp_slot_moment_init (&moment, size > 0 ? 1746450000 + data[0] * G_GINT64_CONSTANT (86400) : 0,
                       NULL);
  for (guint type = RP_SLOT_DATE; type <= RP_SLOT_TEXT; type++)
    for (guint wanted = 0; wanted < 2; wanted++) {
      g_autofree gboolean *used = g_new0 (gboolean, words->n + 1);
      g_autoptr (RpSlot) slot = rp_slot_new ("slot", (RpSlotType) type);
      g_ptr_array_add (slot->units, g_strdup ("people"));
      RpChoice *choice = rp_choice_new ("small one");
      g_ptr_array_add (slot->choices, choice);
      RpSlotMatch match = {0};
      if (!rp_slot_find (slot, words, used, &moment, wanted == 1, &match))
        continue;
      g_assert_true (match.first < match.end && match.end <= words->n);
      g_assert_true (match.value != NULL && g_utf8_validate (match.value, -1, NULL));
      if (type == RP_SLOT_DATE)
        g_assert_cmpuint (strlen (match.value), ==, 10);
      if (type == RP_SLOT_TIME)
        g_assert_true (strlen (match.value) == 5 && match.value[0] <= '2');
      g_autofree char *said = rp_say_slot (slot, match.value, &moment);
      g_assert_nonnull (said);
      g_free (match.value);
    }
  rp_yes_no (words);
  rp_completeness (text, size > 1 ? (RpExpect) (data[1] % 6) : RP_EXPECT_ANYTHING);
  rp_is_backchannel (text);
  return 0;
}
