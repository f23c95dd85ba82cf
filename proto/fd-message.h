/* Messages of a SOCK_SEQPACKET socket that carry a descriptor (SCM_RIGHTS). Thread: any. */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

/* @fd: (transfer none) or -1. @flags: as send(2) takes. Returns: as send(2), errno set. */
ssize_t rp_fd_message_send (int socket_fd, const void *bytes, gsize len, int fd, int flags);

/* @out_fd: the message's descriptor (transfer full, close-on-exec) or -1; when it carries several,
 * the others are closed. @flags: as recv(2) takes. Returns: as recv(2) with MSG_TRUNC: the whole
 * message's length, even when it did not fit. */
ssize_t rp_fd_message_receive (int socket_fd, void *buffer, gsize size, int *out_fd, int flags);

G_END_DECLS
