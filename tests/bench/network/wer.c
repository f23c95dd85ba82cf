#include "wer.h"

/* Lower case; apostrophes belong to a word, all else between letters and digits parts words. */
static char **
split (const char *text)
{
  g_autofree char *folded = g_utf8_casefold (text, -1);
  GString *plain = g_string_new (NULL);
  for (const char *p = folded; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (g_unichar_isalnum (c))
      g_string_append_unichar (plain, c);
    else if (c != '\'' && c != 0x2019)
      g_string_append_c (plain, ' ');
  }
  GStrvBuilder *words = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (plain->str, " ", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (parts[i][0] != '\0')
      g_strv_builder_add (words, parts[i]);
  char **result = g_strv_builder_end (words);
  g_strv_builder_unref (words);
  g_string_free (plain, TRUE);
  return result;
}

void
rp_wer_add (RpWer *wer, const char *reference, const char *text)
{
  g_auto (GStrv) a = split (reference);
  g_auto (GStrv) b = split (text);
  guint n = g_strv_length (b);
  g_autofree guint *row = g_new (guint, n + 1);
  for (guint j = 0; j <= n; j++)
    row[j] = j;
  guint i = 0;
  for (; a[i] != NULL; i++) {
    guint diagonal = row[0]++;
    for (guint j = 0; j < n; j++) {
      guint substituted = diagonal + (g_str_equal (a[i], b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = MIN (MIN (row[j], row[j + 1]) + 1, substituted);
    }
  }
  wer->words += i;
  wer->errors += row[n];
}
