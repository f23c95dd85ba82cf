// Put into the page before its own scripts: reports the messages of the call, records what the
// agent says, and can be the microphone.
(() => {
  const RATE = 16000;
  const e2e = { chunks: [], samples: 0, problems: [], connections: 0 };
  window.e2e = e2e;

  document.addEventListener('securitypolicyviolation', (event) =>
    e2e.problems.push(`CSP: ${event.violatedDirective} ${event.blockedURI}`));

  const createDataChannel = RTCPeerConnection.prototype.createDataChannel;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = createDataChannel.apply(this, args);
    channel.addEventListener('message', ({ data }) => window.e2eMessage(String(data)));
    this.addEventListener('track', ({ track }) => {
      if (track.kind === 'audio')
        e2e.record(track);
    });
    e2e.pc = this;
    e2e.channel = channel;
    e2e.connections += 1;
    return channel;
  };

  /** As if the agent had sent it. */
  e2e.receive = (type, data) => e2e.channel.dispatchEvent(new MessageEvent('message',
    { data: JSON.stringify({ label: 'rtvi-ai', type, id: 'test', data }) }));

  // Exact samples, as they are played. (A worklet would need a script of another origin.)
  e2e.record = async (track) => {
    if (!window.MediaStreamTrackProcessor) {
      e2e.recordThroughWebAudio(track);
      return;
    }
    // Chromium decodes only what an element plays, whoever listens besides.
    const player = new Audio();
    player.muted = true;
    player.srcObject = new MediaStream([track]);
    player.play();
    // Of what waits longer than its buffer lasts, 5 s, samples are lost: this thread may be busy.
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
    for (;;) {
      const { value: audio, done } = await reader.read();
      if (done)
        return;
      const samples = new Float32Array(audio.numberOfFrames);
      audio.copyTo(samples, { planeIndex: 0, format: 'f32-planar' });
      e2e.append(samples, audio.sampleRate / RATE);
      audio.close();
    }
  };

  // Firefox has no other way; it feeds Web Audio without a media element. Its first context takes a
  // second or two to start, and all is lost until then.
  if (!window.MediaStreamTrackProcessor) {
    e2e.recorder = new AudioContext();
    const silence = new ConstantSourceNode(e2e.recorder, { offset: 0 });
    silence.connect(e2e.recorder.destination);
    silence.start();
    e2e.ready = e2e.recorder.resume();
  }
  e2e.recordThroughWebAudio = (track) => {
    const source = e2e.recorder.createMediaStreamSource(new MediaStream([track]));
    const node = e2e.recorder.createScriptProcessor(8192, 1, 1);
    node.onaudioprocess = ({ inputBuffer }) =>
      e2e.append(inputBuffer.getChannelData(0), inputBuffer.sampleRate / RATE);
    source.connect(node);
    node.connect(e2e.recorder.destination);
  };

  /** Keeps the mean of every `step` samples: 48 kHz to 16 kHz, good enough to be recognised. */
  e2e.append = (samples, step) => {
    const chunk = new Int16Array(samples.length / step);
    for (let i = 0; i < chunk.length; i++) {
      let sum = 0;
      for (let k = 0; k < step; k++)
        sum += samples[i * step + k];
      chunk[i] = Math.max(-32768, Math.min(32767, Math.round(sum / step * 32767)));
    }
    e2e.chunks.push(chunk);
    e2e.samples += chunk.length;
  };

  /** The recording from a sample on, as base64 of 16-bit PCM. */
  e2e.recording = (from) => {
    const all = new Int16Array(e2e.samples);
    let at = 0;
    for (const chunk of e2e.chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    const bytes = new Uint8Array(all.buffer, from * 2);
    let text = '';
    for (let i = 0; i < bytes.length; i += 32768)
      text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    return btoa(text);
  };

  if (window.e2eScriptedMicrophone) {
    const outputs = []; // a client may open the microphone more than once
    navigator.mediaDevices.getUserMedia = async () => {
      e2e.context ??= new AudioContext({ sampleRate: 48000 });
      await e2e.context.resume();
      const output = e2e.context.createMediaStreamDestination();
      // A microphone sends silence too; a destination without a source sends nothing.
      const silence = new ConstantSourceNode(e2e.context, { offset: 0 });
      silence.connect(output);
      silence.start();
      outputs.push(output);
      return output.stream;
    };
    /** Speaks base64 PCM into the microphone; resolves when it is said. */
    e2e.say = (base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      const pcm = new Int16Array(bytes.buffer);
      const buffer = e2e.context.createBuffer(1, pcm.length, RATE);
      buffer.copyToChannel(Float32Array.from(pcm, (v) => v / 32768), 0);
      const source = new AudioBufferSourceNode(e2e.context, { buffer });
      for (const output of outputs)
        source.connect(output);
      return new Promise((resolve) => {
        source.onended = () => resolve();
        source.start();
      });
    };
  }
})();
