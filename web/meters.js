// Level meters of a few bars.

// Each bar's band in bins of 187 Hz: the low ones in the middle.
const BANDS = [[11, 17], [6, 8], [3, 4], [1, 3], [4, 6], [8, 11], [17, 26]];
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let context = null;

export class Meter {
  #bars;
  #source = null;
  #drawnAt = 0;

  /** @param {HTMLElement} root gets the bars */
  constructor(root) {
    this.#bars = BANDS.map(() => root.appendChild(document.createElement('i')));
  }

  /** @param {MediaStream|null} stream null: the meter rests */
  show(stream) {
    this.#source?.disconnect();
    this.#source = null;
    this.#draw(() => 0);
    if (!stream?.getAudioTracks().length)
      return;
    context ??= new AudioContext();
    context.resume();
    const analyser = new AnalyserNode(context,
      { fftSize: 256, minDecibels: -75, maxDecibels: -20, smoothingTimeConstant: 0.6 });
    const source = context.createMediaStreamSource(stream);
    source.connect(analyser);
    this.#source = source;
    this.#frame(0, source, analyser);
  }

  #frame(now, source, analyser) {
    if (source !== this.#source)
      return;
    requestAnimationFrame((next) => this.#frame(next, source, analyser));
    // Who wants no motion gets a few steps, seldom.
    if (now - this.#drawnAt < (calm.matches ? 300 : 30))
      return;
    this.#drawnAt = now;
    const bins = new Uint8Array(26);
    analyser.getByteFrequencyData(bins);
    const peak = (from, to) => Math.max(...bins.subarray(from, to)) / 255;
    const steps = Math.round(peak(1, 26) * BANDS.length);
    this.#draw((i) => calm.matches ? Number(i < steps) : peak(...BANDS[i]));
  }

  #draw(level) {
    this.#bars.forEach((bar, i) => bar.style.setProperty('--level', level(i).toFixed(2)));
  }
}
