#include "http-files.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH_BYTES 255

static gboolean
segment_is_good (const char *segment, gsize len)
{
  if (len == 0 || segment[0] == '.')
    return FALSE;
  for (gsize i = 0; i < len; i++)
    if ((guchar) segment[i] < 0x20 || segment[i] == 0x7f || segment[i] == '\\')
      return FALSE;
  return TRUE;
}

char *
rp_http_file_path (const char *url_path)
{
  if (url_path[0] != '/' || strlen (url_path) > MAX_PATH_BYTES)
    return NULL;
  GString *path = g_string_new (NULL);
  const char *segment = url_path + 1;
  for (;;) {
    const char *end = strchrnul (segment, '/');
    if (*end == '\0' && *segment == '\0') {
      g_string_append (path, "index.html");
      break;
    }
    if (!segment_is_good (segment, (gsize) (end - segment))) {
      g_string_free (path, TRUE);
      return NULL;
    }
    g_string_append_len (path, segment, end - segment);
    if (*end == '\0') {
      if (memchr (segment, '.', (gsize) (end - segment)) == NULL)
        g_string_append (path, ".html");
      break;
    }
    g_string_append_c (path, '/');
    segment = end + 1;
  }
  return g_string_free (path, FALSE);
}

const char *
rp_http_file_type (const char *path)
{
  static const struct {
    const char *extension;
    const char *type;
  } types[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".txt", "text/plain; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".wasm", "application/wasm"},
      {".wav", "audio/wav"},
      {".webmanifest", "application/manifest+json"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (path, types[i].extension))
      return types[i].type;
  return "application/octet-stream";
}

int
rp_http_file_open (const char *web_dir, const char *path, guint64 *out_size, gint64 *out_mtime_us)
{
  g_autofree char *full = g_build_filename (web_dir, path, NULL);
  int fd = open (full, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat st;
  if (fd < 0)
    return -1;
  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode)) {
    close (fd);
    return -1;
  }
  *out_size = (guint64) st.st_size;
  *out_mtime_us = (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
  return fd;
}
