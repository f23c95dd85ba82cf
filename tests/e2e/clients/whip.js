// A site that publishes its visitor's microphone by WHIP, with the client of one of the RFC's
// authors; and by hand, both ways.

import { WHIPClient } from 'whip-whep/whip.js';

async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  return [stream.getAudioTracks()[0], stream];
}

window.publish = async (url, token) => {
  const pc = window.e2e.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const [track, stream] = await microphone();
  pc.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
  window.whip = new WHIPClient();
  await window.whip.publish(pc, url, token);
};

/** Not what the RFC has in mind, and what people do with WHIP endpoints: it sends and plays. */
window.converse = async (url, token) => {
  const pc = window.e2e.pc = new RTCPeerConnection();
  const [track, stream] = await microphone();
  pc.addTransceiver(track, { direction: 'sendrecv', streams: [stream] });
  pc.addEventListener('track', ({ track: remote }) => window.e2e.record(remote));
  await pc.setLocalDescription();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/sdp', 'Authorization': `Bearer ${token}` },
    body: pc.localDescription.sdp,
  });
  await pc.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  return { status: response.status, location: response.headers.get('Location') };
};
