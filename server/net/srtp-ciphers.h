/* AES in counter mode and HMAC-SHA1 for libsrtp, on nettle, which GnuTLS brings along. libsrtp's
 * own are NSS's in Debian: they make a context for every packet and look it up in tables that all
 * sessions share, 3 µs a packet with a few sessions and 9 µs with 150; nettle needs 0.3 µs. */
#pragma once

#include <srtp2/srtp.h>

/* Once, between srtp_init () and the first session. libsrtp runs its self-tests on what it is
 * given. */
srtp_err_status_t rp_srtp_ciphers_install (void);
