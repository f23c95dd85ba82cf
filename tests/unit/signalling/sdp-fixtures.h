/* Offers in the form of the clients named, with made-up identities and documentation addresses. */
#pragma once

#define FP_A                                                                                      \
  "01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:" \
  "EF"
#define FP_B                                                                                      \
  "FE:DC:BA:98:76:54:32:10:FE:DC:BA:98:76:54:32:10:FE:DC:BA:98:76:54:32:10:FE:DC:BA:98:76:54:32:" \
  "10"

#define CHROMIUM_TRANSPORT                 \
  "a=ice-ufrag:nPxa\r\n"                   \
  "a=ice-pwd:1MtFvsypX9ydetCSOay0KFmN\r\n" \
  "a=ice-options:trickle\r\n"              \
  "a=fingerprint:sha-256 " FP_A "\r\n"     \
  "a=setup:actpass\r\n"

#define CHROMIUM_CANDIDATES                                                                       \
  "a=candidate:3207178598 1 udp 2113937151 201aed8c-9253-4289-bbb9-c7beae59ccef.local 36568 typ " \
  "host generation 0 "                                                                            \
  "network-cost 999\r\n"                                                                          \
  "a=candidate:842163049 1 udp 1677729535 203.0.113.7 61000 typ srflx raddr 0.0.0.0 rport 0 "     \
  "generation 0 "                                                                                 \
  "network-cost 999\r\n"                                                                          \
  "a=candidate:1876313031 1 tcp 1518222591 192.0.2.10 9 typ host tcptype active generation 0\r\n"

#define CHROMIUM_SESSION                           \
  "v=0\r\n"                                        \
  "o=- 2555573034766228594 2 IN IP4 127.0.0.1\r\n" \
  "s=-\r\n"                                        \
  "t=0 0\r\n"

#define CHROMIUM_AUDIO_CODECS                 \
  "a=rtcp-mux\r\n"                            \
  "a=rtcp-rsize\r\n"                          \
  "a=rtpmap:111 opus/48000/2\r\n"             \
  "a=rtcp-fb:111 transport-cc\r\n"            \
  "a=fmtp:111 minptime=10;useinbandfec=1\r\n" \
  "a=rtpmap:63 red/48000/2\r\n"               \
  "a=fmtp:63 111/111\r\n"                     \
  "a=rtpmap:9 G722/8000\r\n"                  \
  "a=rtpmap:0 PCMU/8000\r\n"                  \
  "a=rtpmap:8 PCMA/8000\r\n"                  \
  "a=rtpmap:13 CN/8000\r\n"                   \
  "a=rtpmap:110 telephone-event/48000\r\n"    \
  "a=rtpmap:126 telephone-event/8000\r\n"

#define CHROMIUM_VIDEO_CODECS   \
  "a=rtcp-mux\r\n"              \
  "a=rtcp-rsize\r\n"            \
  "a=rtpmap:96 VP8/90000\r\n"   \
  "a=rtcp-fb:96 nack pli\r\n"   \
  "a=rtpmap:97 rtx/90000\r\n"   \
  "a=fmtp:97 apt=96\r\n"        \
  "a=rtpmap:102 H264/90000\r\n" \
  "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"

/* The Pipecat client: camera and screen transceivers are always there. */
static const char chromium_pipecat[] = CHROMIUM_SESSION
    "a=group:BUNDLE 0 1 2 3\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS\r\n"
    "m=audio 61000 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
    "c=IN IP4 203.0.113.7\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n" CHROMIUM_CANDIDATES CHROMIUM_TRANSPORT "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=sendrecv\r\n"
    "a=msid:- 3dd77e07-beca-474b-94f6-2d42761b8367\r\n" CHROMIUM_AUDIO_CODECS
    "a=ssrc:2365321923 cname:UmBqrDWH2/Br+bJW\r\n"
    "a=ssrc:2365321923 msid:- 3dd77e07-beca-474b-94f6-2d42761b8367\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 102\r\n"
    "c=IN IP4 0.0.0.0\r\n" CHROMIUM_CANDIDATES CHROMIUM_TRANSPORT "a=mid:1\r\n"
    "a=sendrecv\r\n" CHROMIUM_VIDEO_CODECS "m=video 9 UDP/TLS/RTP/SAVPF 102 96 97\r\n"
    "c=IN IP4 0.0.0.0\r\n" CHROMIUM_TRANSPORT "a=mid:2\r\n"
    "a=sendonly\r\n" CHROMIUM_VIDEO_CODECS "a=ssrc-group:FID 1087191642 799899132\r\n"
    "a=ssrc:1087191642 cname:UmBqrDWH2/Br+bJW\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 0.0.0.0\r\n" CHROMIUM_TRANSPORT "a=mid:3\r\n"
    "a=sctp-port:5000\r\n"
    "a=max-message-size:262144\r\n";

/* The OpenAI agents SDK posts the string of createOffer: no candidates at all, data channel first.
 */
static const char chromium_openai[] =
    CHROMIUM_SESSION "a=group:BUNDLE 0 1\r\n"
                     "a=msid-semantic: WMS\r\n"
                     "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                     "c=IN IP4 0.0.0.0\r\n" CHROMIUM_TRANSPORT "a=mid:0\r\n"
                     "a=sctp-port:5000\r\n"
                     "a=max-message-size:262144\r\n"
                     "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
                     "c=IN IP4 0.0.0.0\r\n" CHROMIUM_TRANSPORT "a=mid:1\r\n"
                     "a=sendrecv\r\n"
                     "a=msid:- 9c1d\r\n" CHROMIUM_AUDIO_CODECS "a=ssrc:7 cname:x\r\n";

/* Firefox: fingerprint, ice-options and direction at the session level, c= with its address, mids
 * from 0. */
static const char firefox[] =
    "v=0\r\n"
    "o=mozilla...THIS_IS_SDPARTA-128.0 6719211872366420851 0 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=sendrecv\r\n"
    "a=fingerprint:sha-256 " FP_B "\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=ice-options:trickle\r\n"
    "a=msid-semantic:WMS *\r\n"
    "m=audio 51472 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"
    "c=IN IP4 198.51.100.4\r\n"
    "a=candidate:0 1 UDP 2122252543 192.0.2.20 51472 typ host\r\n"
    "a=candidate:1 1 TCP 2105524479 192.0.2.20 9 typ host tcptype active\r\n"
    "a=candidate:0 2 UDP 2122252542 192.0.2.20 51473 typ host\r\n"
    "a=candidate:2 1 UDP 1686052863 198.51.100.4 51472 typ srflx raddr 192.0.2.20 rport 51472\r\n"
    "a=sendrecv\r\n"
    "a=end-of-candidates\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"
    "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
    "a=fmtp:101 0-15\r\n"
    "a=ice-pwd:4e1d0b7f6f0e4a3c8d1a2b3c4d5e6f70\r\n"
    "a=ice-ufrag:1a2b3c4d\r\n"
    "a=mid:0\r\n"
    "a=msid:{0b1c2d3e-aaaa-bbbb-cccc-0123456789ab} {5f6e7d8c-dddd-eeee-ffff-0123456789ab}\r\n"
    "a=rtcp:51473 IN IP4 198.51.100.4\r\n"
    "a=rtcp-mux\r\n"
    "a=rtpmap:109 opus/48000/2\r\n"
    "a=rtpmap:9 G722/8000/1\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\n"
    "a=setup:actpass\r\n"
    "a=ssrc:1932847561 cname:{6a7b8c9d-1111-2222-3333-0123456789ab}\r\n"
    "m=application 51472 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 198.51.100.4\r\n"
    "a=sendrecv\r\n"
    "a=ice-pwd:4e1d0b7f6f0e4a3c8d1a2b3c4d5e6f70\r\n"
    "a=ice-ufrag:1a2b3c4d\r\n"
    "a=mid:1\r\n"
    "a=setup:actpass\r\n"
    "a=sctp-port:5000\r\n"
    "a=max-message-size:1073741823\r\n";

/* Safari: H.264 first, so the echoed codec has parameters. */
static const char safari[] =
    CHROMIUM_SESSION "a=group:BUNDLE 0 1\r\n"
                     "a=extmap-allow-mixed\r\n"
                     "a=msid-semantic: WMS 0d1e2f3a-9999-8888-7777-0123456789ab\r\n"
                     "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
                     "c=IN IP4 0.0.0.0\r\n" CHROMIUM_CANDIDATES CHROMIUM_TRANSPORT "a=mid:0\r\n"
                     "a=sendrecv\r\n"
                     "a=msid:0d1e2f3a-9999-8888-7777-0123456789ab "
                     "4b5c6d7e-6666-5555-4444-0123456789ab\r\n" CHROMIUM_AUDIO_CODECS
                     "a=ssrc:3405691582 cname:Q1w2E3r4T5y6U7i8\r\n"
                     "m=video 9 UDP/TLS/RTP/SAVPF 102 96 97\r\n"
                     "c=IN IP4 0.0.0.0\r\n" CHROMIUM_TRANSPORT "a=mid:1\r\n"
                     "a=recvonly\r\n" CHROMIUM_VIDEO_CODECS;

/* aiortc: every m-line has its own transport until the bundle is agreed; data channels in the form
 * before RFC 8841. */
static const char aiortc[] =
    "v=0\r\n"
    "o=- 4004147508 4004147508 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=msid-semantic:WMS *\r\n"
    "m=audio 54892 UDP/TLS/RTP/SAVPF 96 0 8\r\n"
    "c=IN IP4 192.0.2.2\r\n"
    "a=sendrecv\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=mid:0\r\n"
    "a=msid:6973004c-af5e-4c95-a7c7-d50b39074c34 99105142-2a6e-43f8-b27b-56999497f776\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=rtcp-mux\r\n"
    "a=ssrc:3924224759 cname:19a6c017-52df-4e68-9361-9a9817beb9db\r\n"
    "a=rtpmap:96 opus/48000/2\r\n"
    "a=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\n"
    "a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 54892 typ host\r\n"
    "a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 2001:db8::2 35601 typ host\r\n"
    "a=end-of-candidates\r\n"
    "a=ice-ufrag:u0D4\r\n"
    "a=ice-pwd:kg0dJdHOhLoa8QnKZyI4WO\r\n"
    "a=fingerprint:sha-256 " FP_A "\r\n"
    "a=fingerprint:sha-384 00:11\r\n"
    "a=setup:actpass\r\n"
    "m=application 56252 DTLS/SCTP 5000\r\n"
    "c=IN IP4 192.0.2.2\r\n"
    "a=mid:1\r\n"
    "a=sctpmap:5000 webrtc-datachannel 65535\r\n"
    "a=max-message-size:65536\r\n"
    "a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 56252 typ host\r\n"
    "a=end-of-candidates\r\n"
    "a=ice-ufrag:ohWn\r\n"
    "a=ice-pwd:d14ZREbvdfbztiOs1Uottx\r\n"
    "a=fingerprint:sha-256 " FP_A "\r\n"
    "a=setup:actpass\r\n";

/* A WHIP sender in the manner of GStreamer and OBS: sendonly, active, bundle-only video, LF line
 * ends. */
static const char whip[] = "v=0\n"
                           "o=- 1 1 IN IP4 127.0.0.1\n"
                           "s=-\n"
                           "t=0 0\n"
                           "a=group:BUNDLE audio0 video1\n"
                           "a=setup:active\n"
                           "a=ice-ufrag:abcdefgh\n"
                           "a=ice-pwd:abcdefghijklmnopqrstuvwxyz012345\n"
                           "a=fingerprint:SHA-256 " FP_A "\n"
                           "a=fingerprint:sha-256 " FP_B "\n"
                           "m=audio 9 UDP/TLS/RTP/SAVPF 97\n"
                           "c=IN IP4 0.0.0.0\n"
                           "a=mid:audio0\n"
                           "a=rtcp-mux\n"
                           "a=sendonly\n"
                           "a=rtpmap:97 OPUS/48000/2\n"
                           "a=ssrc:11 cname:whip\n"
                           "m=video 0 UDP/TLS/RTP/SAVPF 98\n"
                           "c=IN IP4 0.0.0.0\n"
                           "a=bundle-only\n"
                           "a=mid:video1\n"
                           "a=rtcp-mux\n"
                           "a=sendonly\n"
                           "a=rtpmap:98 H264/90000\n"
                           "a=fmtp:98 packetization-mode=1\n";

/* The smallest that is served: one m-line, hence no group. */
#define MINIMAL_HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define MINIMAL_TRANSPORT                                                               \
  "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 " FP_A \
  "\r\na=setup:actpass\r\n"
#define MINIMAL_AUDIO \
  "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
#define MINIMAL_DATA "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
