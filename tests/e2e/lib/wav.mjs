// WAV files and little arithmetic on sound: mono, Int16Array, one rate for all tests.

import fs from 'node:fs';

export const RATE = 16000;

/** @returns {Int16Array} the first channel at RATE */
export function readWav(path) {
  const file = fs.readFileSync(path);
  if (file.toString('latin1', 0, 4) !== 'RIFF' || file.toString('latin1', 8, 12) !== 'WAVE')
    throw new Error(`${path}: no WAV file`);
  let format = null;
  for (let at = 12; at + 8 <= file.length;) {
    const name = file.toString('latin1', at, at + 4);
    const size = file.readUInt32LE(at + 4);
    if (name === 'fmt ') {
      format = {
        channels: file.readUInt16LE(at + 10),
        rate: file.readUInt32LE(at + 12),
        bits: file.readUInt16LE(at + 22),
      };
    } else if (name === 'data') {
      if (!format || format.bits !== 16)
        throw new Error(`${path}: not 16-bit PCM`);
      const end = Math.min(at + 8 + size, file.length);
      const n = Math.floor((end - at - 8) / (2 * format.channels));
      const pcm = new Int16Array(n);
      for (let i = 0; i < n; i++)
        pcm[i] = file.readInt16LE(at + 8 + i * 2 * format.channels);
      return resample(pcm, format.rate, RATE);
    }
    at += 8 + size + (size & 1);
  }
  throw new Error(`${path}: no samples`);
}

/** @param {Int16Array} pcm */
export function writeWav(path, pcm, rate = RATE) {
  const head = Buffer.alloc(44);
  head.write('RIFF', 0, 'latin1');
  head.writeUInt32LE(36 + pcm.length * 2, 4);
  head.write('WAVEfmt ', 8, 'latin1');
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36, 'latin1');
  head.writeUInt32LE(pcm.length * 2, 40);
  fs.writeFileSync(path, Buffer.concat([head, Buffer.from(pcm.buffer, pcm.byteOffset,
    pcm.length * 2)]));
}

/** Linear: telephone prompts to the rate of the models, where nothing finer is heard. */
function resample(pcm, from, to) {
  if (from === to)
    return pcm;
  const out = new Int16Array(Math.floor(pcm.length * to / from));
  for (let i = 0; i < out.length; i++) {
    const at = i * from / to;
    const k = Math.floor(at);
    const next = pcm[Math.min(k + 1, pcm.length - 1)];
    out[i] = Math.round(pcm[k] + (next - pcm[k]) * (at - k));
  }
  return out;
}

export const silence = (ms) => new Int16Array(Math.round(RATE * ms / 1000));

export function join(...parts) {
  const out = new Int16Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** As loud as somebody near the microphone, whatever the recording's own level. */
export function normalise(pcm, peak = 12000) {
  const top = pcm.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  return pcm.map((v) => Math.round(v * peak / top));
}

/** Root mean square of a stretch, 0 when it is empty. */
export function level(pcm) {
  if (pcm.length === 0)
    return 0;
  let sum = 0;
  for (const v of pcm)
    sum += v * v;
  return Math.sqrt(sum / pcm.length);
}

/** Without what is quiet at either end, so that its length is that of the speech. */
export function trim(pcm, threshold = 0.03) {
  const frame = RATE / 100;
  const top = pcm.reduce((max, v) => Math.max(max, Math.abs(v)), 1);
  let first = -1;
  let last = -1;
  for (let at = 0; at + frame <= pcm.length; at += frame) {
    if (level(pcm.subarray(at, at + frame)) > top * threshold) {
      last = at + frame;
      if (first < 0)
        first = at;
    }
  }
  return first < 0 ? pcm : pcm.subarray(first, last);
}
