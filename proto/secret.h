/* Memory that held a key, a token or somebody's words is wiped before it is given back: what is
 * read out of a process later (a leak, a core, a heap that was reused) is not to hold it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In a way that no compiler takes for useless. NULL is legal. */
void rp_secret_clear (gpointer bytes, gsize len);
/* Wipes a string and frees it, for g_free () otherwise. NULL is legal. */
void rp_secret_free (char *text);
/* The same for what a GString or a GByteArray holds, at its whole size. NULL is legal. */
void rp_secret_string_free (GString *string);
void rp_secret_array_free (GByteArray *array);

/* A copy that is wiped with its last reference. Returns: (transfer full) */
GBytes *rp_secret_bytes_new (gconstpointer data, gsize len);

/* g_autofree that wipes: `rp_autosecret char *key = …` */
static inline void
rp_secret_cleanup (char **text)
{
  rp_secret_free (*text);
}
#define rp_autosecret __attribute__ ((cleanup (rp_secret_cleanup)))

G_END_DECLS
