/* The end of the HTTP server; all else of it is asked from outside (tests/integ/http-test.py). */
#include "http.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST "GET /count HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void
count (RpHttpRequest *request, gpointer user_data)
{
  guint *n = user_data;
  ++*n;
  rp_http_reply_json (request, 200, g_strdup ("{}\n"));
}

static void
keep (RpHttpRequest *request, gpointer user_data)
{
  RpHttpRequest **kept = user_data;
  *kept = request;
}

static int
dial (guint16 port)
{
  const struct timeval patience = {.tv_sec = 10};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons (port)};
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), ==, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

static void
ask (int fd)
{
  g_assert_cmpint (send (fd, REQUEST, strlen (REQUEST), 0), ==, strlen (REQUEST));
}

/* What the handlers use is gone before the server is. */
static void
test_requests_that_come_too_late (void)
{
  static const RpHttpRoute routes[] = {{"GET", "/count", 0, count}};
  const RpHttpConfig config = {.host = "127.0.0.1"};
  g_autoptr (GError) error = NULL;
  guint n = 0;
  char answer[1024];
  RpHttp *http = rp_http_new (&config, routes, G_N_ELEMENTS (routes), &n, &error);
  g_assert_no_error (error);
  int fd = dial (rp_http_port (http));
  ask (fd);
  while (n == 0 || g_main_context_pending (NULL))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (recv (fd, answer, sizeof answer, 0), >, 0);

  ask (fd);
  rp_http_free (http);
  g_assert_cmpuint (n, ==, 1);
  /* Refused, or not heard at all. */
  gssize len = recv (fd, answer, sizeof answer - 1, 0);
  answer[MAX (len, 0)] = '\0';
  g_assert_true (len <= 0 || g_str_has_prefix (answer, "HTTP/1.1 503 "));
  close (fd);
}

/* Whoever still waits for a reply gets one. */
static void
test_requests_that_still_wait (void)
{
  static const RpHttpRoute routes[] = {{"GET", "/count", 0, keep}};
  const RpHttpConfig config = {.host = "127.0.0.1"};
  g_autoptr (GError) error = NULL;
  RpHttpRequest *kept = NULL;
  char answer[1024];
  RpHttp *http = rp_http_new (&config, routes, G_N_ELEMENTS (routes), &kept, &error);
  g_assert_no_error (error);
  int fd = dial (rp_http_port (http));
  ask (fd);
  while (kept == NULL)
    g_main_context_iteration (NULL, TRUE);
  rp_http_free (http);
  gssize len = recv (fd, answer, sizeof answer - 1, 0);
  answer[MAX (len, 0)] = '\0';
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 503 "));
  close (fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http/requests-that-come-too-late", test_requests_that_come_too_late);
  g_test_add_func ("/http/requests-that-still-wait", test_requests_that_still_wait);
  return g_test_run ();
}
