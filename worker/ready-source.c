#include "ready-source.h"

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  (void) source;
  return callback (user_data);
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

GSource *
rp_ready_source_new (GMainContext *context, GSourceFunc func, gpointer user_data)
{
  GSource *source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, context);
  return source;
}

void
rp_ready_source_clear (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}
