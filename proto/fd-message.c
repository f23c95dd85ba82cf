#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC */

#include "fd-message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More than anybody sends; the kernel closes what does not fit. */
#define MAX_DESCRIPTORS 4

ssize_t
rp_fd_message_send (int socket_fd, const void *bytes, gsize len, int fd, int flags)
{
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (sizeof (int))];
  } control = {0};
  struct iovec iov = {.iov_base = (void *) bytes, .iov_len = len};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN (sizeof (int));
    memcpy (CMSG_DATA (&control.header), &fd, sizeof (int));
  }
  ssize_t sent;
  do {
    sent = sendmsg (socket_fd, &message, flags | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

static void
take_descriptors (struct msghdr *message, int *out_fd)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c != NULL; c = CMSG_NXTHDR (message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    gsize n = (c->cmsg_len - CMSG_LEN (0)) / sizeof (int);
    for (gsize i = 0; i < n; i++) {
      int fd;
      memcpy (&fd, CMSG_DATA (c) + i * sizeof (int), sizeof (int));
      if (*out_fd < 0)
        *out_fd = fd;
      else
        close (fd);
    }
  }
}

ssize_t
rp_fd_message_receive (int socket_fd, void *buffer, gsize size, int *out_fd, int flags)
{
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (MAX_DESCRIPTORS * sizeof (int))];
  } control;
  struct iovec iov = {.iov_base = buffer, .iov_len = size};
  struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *out_fd = -1;
  ssize_t n;
  do {
    n = recvmsg (socket_fd, &message, flags | MSG_TRUNC | MSG_CMSG_CLOEXEC);
  } while (n < 0 && errno == EINTR);
  if (n >= 0)
    take_descriptors (&message, out_fd);
  return n;
}
