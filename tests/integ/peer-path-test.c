/* Generations of ICE, with the other side of each one by itself. Time is what the test says. */
#include "path.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MAX_OTHERS 64
#define WATCHDOG_S 20
#define STRANGER 0xee /* what it sends begins with this */
/* In use, the newest, and what is kept. */
#define MOST (2 + RP_PATH_KEPT_MAX)

/* What the other side has made for one generation of ours. */
typedef struct {
  RpIce *ice;
  const RpIce *ours; /* good for as long as the path has it */
  char *ufrag;       /* ours, as those below */
  char *pwd;
  RpCandidate *candidates;
  gsize n_candidates;
  gboolean connected;
  guint n_in;
} Other;

typedef struct {
  RpLoop *loop;
  RpPath *path;
  gboolean controlling; /* we are, and not the other side */
  guint n_connected;
  guint n_in[256]; /* by first byte */
  Other others[MAX_OTHERS];
  guint n_others;
} Rig;

static void
on_path_connected (gpointer user_data)
{
  Rig *rig = user_data;
  rig->n_connected++;
}

static void
on_path_datagram (guint8 *data, gsize len, gpointer user_data)
{
  Rig *rig = user_data;
  rig->n_in[data[0]]++;
}

static void
on_other_connected (RpIce *ice, gpointer user_data)
{
  Other *other = user_data;
  other->connected = TRUE;
}

static void
on_other_datagram (guint8 *data, gsize len, gpointer user_data)
{
  Other *other = user_data;
  other->n_in++;
}

static const char *const loopback[] = {"127.0.0.1", NULL};

typedef enum {
  STARTED = 1 << 0, /* the other side knows of it */
  UNHEARD = 1 << 1, /* we do not know what the other side said */
  DEAF = 1 << 2,    /* we have a wrong password of the other side: it can have a pair, we cannot */
} How;

typedef struct {
  Rig *rig;
  How how;
  guint i;
  gint64 now_us;
  gboolean ok;
  RpPathCounters counters;
} Call;

static void
start (Other *other)
{
  for (gsize i = 0; i < other->n_candidates; i++)
    g_assert_true (rp_ice_add_remote_candidate (other->ice, &other->candidates[i]));
  g_assert_true (rp_ice_set_remote (other->ice, other->ufrag, other->pwd));
}

/* The other side of the newest generation. */
static void
add_other (Rig *rig, How how)
{
  static const RpIceEvents events = {.connected = on_other_connected,
                                     .datagram = on_other_datagram};
  const RpIceConfig config = {.controlling = !rig->controlling, .local_addresses = loopback};
  g_autoptr (GError) error = NULL;
  Other *other = &rig->others[rig->n_others++];
  gsize n = 0;

  g_assert_cmpuint (rig->n_others, <=, MAX_OTHERS);
  other->ice = rp_ice_new (rig->loop, &config, &events, other, &error);
  g_assert_no_error (error);
  other->ours = rp_path_ice (rig->path);
  other->ufrag = g_strdup (rp_ice_ufrag (other->ours));
  other->pwd = g_strdup (rp_ice_pwd (other->ours));
  const RpCandidate *candidates = rp_ice_candidates (other->ours, &other->n_candidates);
  other->candidates = g_memdup2 (candidates, other->n_candidates * sizeof (RpCandidate));
  if (how & STARTED)
    start (other);
  if (how & UNHEARD)
    return;
  candidates = rp_ice_candidates (other->ice, &n);
  for (gsize i = 0; i < n; i++)
    g_assert_true (rp_path_add_remote_candidate (rig->path, &candidates[i]));
  g_assert_true (
      rp_path_set_remote (rig->path, rp_ice_ufrag (other->ice),
                          how & DEAF ? "0123456789012345678901" : rp_ice_pwd (other->ice)));
}

static void
do_new (gpointer data)
{
  Rig *rig = data;
  const RpIceConfig config = {.controlling = rig->controlling, .local_addresses = loopback};
  const RpPathEvents events = {.connected = on_path_connected, .datagram = on_path_datagram};
  g_autoptr (GError) error = NULL;
  rig->path = rp_path_new (rig->loop, &config, &events, rig, &error);
  g_assert_no_error (error);
  add_other (rig, STARTED);
}

static void
do_free (gpointer data)
{
  Rig *rig = data;
  rp_path_free (rig->path);
  for (guint i = 0; i < rig->n_others; i++) {
    rp_ice_free (rig->others[i].ice);
    g_free (rig->others[i].ufrag);
    g_free (rig->others[i].pwd);
    g_free (rig->others[i].candidates);
  }
}

static void
rig_free (Rig *rig)
{
  rp_loop_call_sync (rig->loop, do_free, rig);
  rp_loop_free (rig->loop);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static void
wait_for (Rig *rig, RpLoopFunc condition, guint i, const char *what)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  Call call = {.rig = rig, .i = i};
  while (TRUE) {
    rp_loop_call_sync (rig->loop, condition, &call);
    if (call.ok)
      return;
    if (g_get_monotonic_time () > deadline_us)
      g_error ("waited %d s for %s (%u)", WATCHDOG_S, what, i);
  }
}

static void
is_connected (gpointer data)
{
  Call *call = data;
  call->ok = call->rig->others[call->i].connected;
}

static void
has_pair (gpointer data)
{
  Call *call = data;
  g_autofree char *address = rp_ice_remote_address (call->rig->others[call->i].ours);
  call->ok = address != NULL;
}

static void
has_switched (gpointer data)
{
  Call *call = data;
  rp_path_counters (call->rig->path, &call->counters);
  call->ok = call->counters.switches >= call->i;
}

static void
has_come (gpointer data)
{
  Call *call = data;
  call->ok = call->rig->n_in[0x80 + call->i] > 0;
}

static void
has_gone_out (gpointer data)
{
  Call *call = data;
  call->ok = call->rig->others[call->i].n_in > 0;
}

/* Over the first generation. */
static Rig *
rig_new (gboolean controlling)
{
  g_autoptr (GError) error = NULL;
  Rig *rig = g_new0 (Rig, 1);
  rig->controlling = controlling;
  rig->loop = rp_loop_new ("path", &error);
  g_assert_no_error (error);
  rp_loop_call_sync (rig->loop, do_new, rig);
  wait_for (rig, is_connected, 0, "the other side's pair");
  wait_for (rig, has_pair, 0, "our pair");
  return rig;
}

static void
do_restart (gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_path_begin_restart (call->rig->path, &error));
  g_assert_no_error (error);
  add_other (call->rig, call->how);
}

/* Returns: its number */
static guint
restart (Rig *rig, How how)
{
  Call call = {.rig = rig, .how = how};
  rp_loop_call_sync (rig->loop, do_restart, &call);
  guint i = rig->n_others - 1;
  if ((how & STARTED) && !(how & UNHEARD))
    wait_for (rig, is_connected, i, "the other side's pair");
  return i;
}

static void
do_start (gpointer data)
{
  Call *call = data;
  start (&call->rig->others[call->i]);
}

static void
start_late (Rig *rig, guint i)
{
  Call call = {.rig = rig, .i = i};
  rp_loop_call_sync (rig->loop, do_start, &call);
  wait_for (rig, is_connected, i, "the other side's pair");
}

static RpPathCounters
look (Rig *rig)
{
  Call call = {.rig = rig};
  rp_loop_call_sync (rig->loop, has_switched, &call);
  return call.counters;
}

static void
do_tick (gpointer data)
{
  Call *call = data;
  rp_path_tick (call->rig->path, call->now_us);
}

static RpPathCounters
tick (Rig *rig, gint64 now_us)
{
  Call call = {.rig = rig, .now_us = now_us};
  rp_loop_call_sync (rig->loop, do_tick, &call);
  return look (rig);
}

static void
do_speak (gpointer data)
{
  Call *call = data;
  const guint8 packet[20] = {(guint8) (0x80 + call->i)};
  call->rig->n_in[packet[0]] = 0;
  g_assert_true (rp_ice_send (call->rig->others[call->i].ice, packet, sizeof packet));
}

/* The other side sends over its i-th. */
static void
speak (Rig *rig, guint i)
{
  Call call = {.rig = rig, .i = i};
  rp_loop_call_sync (rig->loop, do_speak, &call);
}

static void
check_heard (Rig *rig, guint i)
{
  speak (rig, i);
  wait_for (rig, has_come, i, "a packet");
}

static void
do_send (gpointer data)
{
  Call *call = data;
  const guint8 packet[20] = {0x80};
  for (guint i = 0; i < call->rig->n_others; i++)
    call->rig->others[i].n_in = 0;
  g_assert_true (rp_path_send (call->rig->path, packet, sizeof packet));
}

/* What we send goes there. */
static void
check_used (Rig *rig, guint i)
{
  Call call = {.rig = rig};
  rp_loop_call_sync (rig->loop, do_send, &call);
  wait_for (rig, has_gone_out, i, "the packet at the other side");
}

/* Each is used as soon as it has a pair, however late, unless a newer one is in use. */
static void
test_newest_that_works (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint first = restart (rig, 0);
  guint second = restart (rig, 0);
  check_used (rig, 0);

  start_late (rig, first);
  wait_for (rig, has_switched, 1, "switches");
  g_assert_true (look (rig).restarting);
  check_used (rig, first);
  check_heard (rig, 0);
  start_late (rig, second);
  wait_for (rig, has_switched, 2, "switches");
  g_assert_false (look (rig).restarting);
  check_used (rig, second);

  guint overtaken = restart (rig, 0);
  guint last = restart (rig, STARTED);
  wait_for (rig, has_switched, 3, "switches");
  start_late (rig, overtaken);
  wait_for (rig, has_pair, overtaken, "our pair");
  check_heard (rig, overtaken);
  check_used (rig, last);
  g_assert_cmpuint (look (rig).switches, ==, 3);
  g_assert_cmpuint (look (rig).restarts, ==, 4);
  g_assert_cmpuint (rig->n_connected, ==, 1);
}

/* What the other side cannot be using goes first. */
static void
test_not_checked_goes_first (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint checked = restart (rig, STARTED | DEAF);

  for (guint i = 0; i < 10; i++) {
    restart (rig, 0);
    g_assert_cmpuint (tick (rig, 1).generations, <=, MOST);
  }
  g_assert_cmpuint (tick (rig, 1).generations, ==, MOST);
  check_heard (rig, checked);
  check_used (rig, 0);
}

/* Nor can it without our nomination. */
static void
test_not_answered_goes_first (void)
{
  g_autoptr (Rig) rig = rig_new (TRUE);

  for (guint i = 0; i < MOST - 1; i++)
    restart (rig, STARTED | UNHEARD);
  guint last = restart (rig, STARTED); /* when it has a pair, those before have been checked */
  wait_for (rig, has_switched, 1, "switches");
  check_heard (rig, last);
  g_assert_cmpuint (look (rig).generations, ==, MOST + 1);
  g_assert_cmpuint (tick (rig, 1).generations, ==, MOST);
  check_heard (rig, 0);
  check_used (rig, last);
}

/* Then the oldest, but not what the other side sends over. */
static void
test_heard_stays (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  check_heard (rig, 0);
  guint heard = restart (rig, STARTED | DEAF);
  check_heard (rig, heard);
  guint silent[RP_PATH_KEPT_MAX + 1];
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = restart (rig, STARTED | DEAF);

  g_assert_cmpuint (look (rig).generations, ==, MOST + 1);
  g_assert_cmpuint (tick (rig, 1).generations, ==, MOST);
  speak (rig, silent[0]);
  check_heard (rig, heard);
  for (guint i = 1; i < G_N_ELEMENTS (silent); i++)
    check_heard (rig, silent[i]);
  g_assert_cmpuint (rig->n_in[0x80 + silent[0]], ==, 0);
  check_used (rig, 0);
}

static void
test_expires (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  const gint64 begin_us = 1000;
  restart (rig, STARTED | DEAF);
  restart (rig, 0);
  guint newest = restart (rig, 0);

  g_assert_cmpuint (tick (rig, begin_us).generations, ==, 4);
  g_assert_cmpuint (tick (rig, begin_us + RP_PATH_KEPT_US - 1).generations, ==, 4);
  g_assert_cmpuint (tick (rig, begin_us + RP_PATH_KEPT_US).generations, ==, 2);
  /* What it is for may still come. */
  gint64 late_us = begin_us + 1000 * G_USEC_PER_SEC;
  g_assert_cmpuint (tick (rig, late_us).generations, ==, 2);
  check_used (rig, 0);
  start_late (rig, newest);
  wait_for (rig, has_switched, 1, "switches");
  check_heard (rig, 0);
  g_assert_cmpuint (tick (rig, late_us).generations, ==, 2);
  g_assert_cmpuint (tick (rig, late_us + RP_PATH_KEPT_US).generations, ==, 1);
  check_used (rig, newest);
}

/* From when it was left, not from when it was overtaken before it came into use. */
static void
test_expires_anew (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint first = restart (rig, 0);
  guint second = restart (rig, 0);

  g_assert_cmpuint (tick (rig, 1).generations, ==, 3);
  start_late (rig, first);
  wait_for (rig, has_switched, 1, "switches");
  g_assert_cmpuint (tick (rig, 2).generations, ==, 3);
  g_assert_cmpuint (tick (rig, 2 + RP_PATH_KEPT_US).generations, ==, 2);
  start_late (rig, second);
  wait_for (rig, has_switched, 2, "switches");
  g_assert_cmpuint (tick (rig, 3 + RP_PATH_KEPT_US).generations, ==, 2);
  check_heard (rig, first);
  g_assert_cmpuint (tick (rig, 3 + 2 * RP_PATH_KEPT_US).generations, ==, 1);
}

static void
begin_alone (gpointer data)
{
  Rig *rig = data;
  g_assert_true (rp_path_begin_restart (rig->path, NULL));
}

static guint
count_fds (void)
{
  guint n = 0;
  DIR *dir = opendir ("/proc/self/fd");
  while (readdir (dir))
    n++;
  closedir (dir);
  return n;
}

/* Fifty restarts that nothing comes of. */
static void
test_bounded (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint one = count_fds ();
  rp_loop_call_sync (rig->loop, begin_alone, rig);
  guint each = count_fds () - one;

  for (guint i = 0; i < 50; i++) {
    rp_loop_call_sync (rig->loop, begin_alone, rig);
    tick (rig, 1);
    g_assert_cmpuint (count_fds (), <=, one + (MOST - 1) * each);
  }
  g_assert_cmpuint (tick (rig, 1).generations, ==, MOST);
  g_assert_cmpuint (count_fds (), ==, one + (MOST - 1) * each);
  tick (rig, 1 + RP_PATH_KEPT_US);
  g_assert_cmpuint (count_fds (), ==, one + each);
  check_used (rig, 0);
  check_heard (rig, 0);
}

static void
do_move (gpointer data)
{
  Call *call = data;
  g_assert_true (rp_path_move (call->rig->path, loopback, NULL));
  add_other (call->rig, STARTED);
}

static void
test_move_drops_all (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  for (guint i = 0; i < 8; i++)
    restart (rig, 0);
  Call call = {.rig = rig};
  rp_loop_call_sync (rig->loop, do_move, &call);
  speak (rig, 0);
  g_assert_cmpuint (look (rig).generations, ==, 1);
  wait_for (rig, has_switched, 1, "switches");
  check_used (rig, rig->n_others - 1);
  check_heard (rig, rig->n_others - 1);
  g_assert_cmpuint (rig->n_in[0x80], ==, 0);
}

static guint32
crc32_of (const guint8 *data, gsize len)
{
  guint32 crc = 0xffffffff;
  for (gsize i = 0; i < len; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

static void
put_attribute (GByteArray *message, guint16 type, const void *value, guint16 len)
{
  static const guint8 padding[3] = {0};
  guint16 header[2] = {g_htons (type), g_htons (len)};
  g_byte_array_append (message, (const guint8 *) header, sizeof header);
  g_byte_array_append (message, value, len);
  g_byte_array_append (message, padding, (guint) (-len & 3));
  guint16 length = g_htons ((guint16) (message->len - 20));
  memcpy (message->data + 2, &length, sizeof length);
}

/* A check with USE-CANDIDATE as the other side would send it, but for the password. */
static GByteArray *
forged_check (const Other *other)
{
  static const guint8 header[20] = {0x00, 0x01, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3};
  static const guint8 eight[8] = {0x7f};
  GByteArray *message = g_byte_array_new ();
  g_autofree char *username = g_strdup_printf ("%s:%s", other->ufrag, rp_ice_ufrag (other->ice));
  guint8 integrity[20];
  gsize integrity_len = sizeof integrity;

  g_byte_array_append (message, header, sizeof header);
  put_attribute (message, 0x0006, username, (guint16) strlen (username));
  put_attribute (message, 0x0024, eight, 4); /* PRIORITY */
  put_attribute (message, 0x802a, eight, 8); /* ICE-CONTROLLING */
  put_attribute (message, 0x0025, "", 0);    /* USE-CANDIDATE */
  guint16 length = g_htons ((guint16) (message->len - 20 + 24));
  memcpy (message->data + 2, &length, sizeof length);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, (const guchar *) "guessed", 7);
  g_hmac_update (hmac, message->data, message->len);
  g_hmac_get_digest (hmac, integrity, &integrity_len);
  put_attribute (message, 0x0008, integrity, sizeof integrity);
  length = g_htons ((guint16) (message->len - 20 + 8));
  memcpy (message->data + 2, &length, sizeof length);
  guint32 fingerprint = g_htonl (crc32_of (message->data, message->len) ^ 0x5354554e);
  put_attribute (message, 0x8028, &fingerprint, sizeof fingerprint);
  return message;
}

/* Returns the code of the error that answers the check. */
static guint
forge (const Other *other)
{
  static const guint8 media[40] = {STRANGER};
  const struct timeval patience = {.tv_sec = WATCHDOG_S};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = g_htons (other->candidates[0].port)};
  g_autoptr (GByteArray) check = forged_check (other);
  guint8 reply[512] = {0};
  gint fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  to.sin_addr.s_addr = g_htonl (INADDR_LOOPBACK);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &to, sizeof to), ==, 0);
  g_assert_cmpint (send (fd, media, sizeof media, 0), ==, sizeof media);
  g_assert_cmpint (send (fd, check->data, check->len, 0), ==, check->len);
  ssize_t n = recv (fd, reply, sizeof reply, 0);
  g_assert_cmpint (send (fd, media, sizeof media, 0), ==, sizeof media);
  close (fd);
  if (n < 28 || reply[0] != 0x01 || reply[1] != 0x11 || reply[21] != 0x09) /* ERROR-CODE first */
    return 0;
  return reply[26] * 100u + reply[27];
}

/* Who knows the ufrags, but not the password, neither takes a generation over nor is heard. */
static void
test_stranger (void)
{
  g_autoptr (Rig) rig = rig_new (FALSE);
  guint deaf = restart (rig, STARTED | DEAF);
  guint overtaken = restart (rig, 0);
  guint newest = restart (rig, 0);

  for (guint i = 0; i < rig->n_others; i++)
    g_assert_cmpuint (forge (&rig->others[i]), ==, 401);
  check_heard (rig, 0);
  check_heard (rig, deaf);
  check_used (rig, 0);
  g_assert_cmpuint (look (rig).switches, ==, 0);
  start_late (rig, overtaken);
  start_late (rig, newest);
  wait_for (rig, has_switched, 1, "switches");
  check_heard (rig, overtaken);
  check_heard (rig, newest);
  g_assert_cmpuint (rig->n_in[STRANGER], ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/peer-path/newest-that-works", test_newest_that_works);
  g_test_add_func ("/peer-path/not-checked-goes-first", test_not_checked_goes_first);
  g_test_add_func ("/peer-path/not-answered-goes-first", test_not_answered_goes_first);
  g_test_add_func ("/peer-path/heard-stays", test_heard_stays);
  g_test_add_func ("/peer-path/expires", test_expires);
  g_test_add_func ("/peer-path/expires-anew", test_expires_anew);
  g_test_add_func ("/peer-path/bounded", test_bounded);
  g_test_add_func ("/peer-path/move-drops-all", test_move_drops_all);
  g_test_add_func ("/peer-path/stranger", test_stranger);
  return g_test_run ();
}
