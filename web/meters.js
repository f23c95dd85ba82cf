// Level meters: what the microphone and the agent sound like, in a few bars.

// Upper ends of the bands in bins of 187 Hz: where voices are.
const BANDS = [2, 3, 5, 7, 10, 15, 23];
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let context = null;

export class Meter {
  #bars = [];
  #source = null;
  #analyser = null;
  #bins = new Uint8Array(128);
  #drawn = 0;

  /** @param {HTMLElement} root gets one bar per band */
  constructor(root) {
    for (let i = 0; i < BANDS.length; i++)
      this.#bars.push(root.appendChild(document.createElement('i')));
  }

  /** @param {MediaStream|null} stream null: it falls silent */
  show(stream) {
    this.#source?.disconnect();
    this.#source = null;
    if (!stream?.getAudioTracks().length) {
      this.#draw(() => 0);
      return;
    }
    context ??= new AudioContext();
    context.resume();
    this.#analyser ??= new AnalyserNode(context,
      { fftSize: 256, minDecibels: -75, maxDecibels: -20, smoothingTimeConstant: 0.6 });
    this.#source = context.createMediaStreamSource(stream);
    this.#source.connect(this.#analyser);
    requestAnimationFrame((now) => this.#frame(now, this.#source));
  }

  #frame(now, source) {
    if (source !== this.#source)
      return;
    requestAnimationFrame((next) => this.#frame(next, source));
    // Who wants no motion gets a few steps that light up, seldom.
    if (now - this.#drawn < (calm.matches ? 300 : 30))
      return;
    this.#drawn = now;
    this.#analyser.getByteFrequencyData(this.#bins);
    const peak = (from, to) => Math.max(...this.#bins.subarray(from, to)) / 255;
    if (calm.matches) {
      const level = Math.round(peak(1, 23) * BANDS.length);
      this.#draw((i) => Number(i < level));
    } else {
      this.#draw((i) => peak(BANDS[i - 1] ?? 1, BANDS[i]));
    }
  }

  #draw(level) {
    this.#bars.forEach((bar, i) => bar.style.setProperty('--level', level(i).toFixed(2)));
  }
}
