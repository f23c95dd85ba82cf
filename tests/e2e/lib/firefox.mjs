// Debian's Firefox, driven by puppeteer-core over WebDriver BiDi: a browser for Caller.open().

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { requireModule, scratchFile, until } from './env.mjs';

const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));

/**
 * Firefox's Web Audio stands still without a sound server, so it gets one that plays to nobody.
 * Without the program it takes the sound server there is.
 * @returns {{env: object, stop: () => void}}
 */
async function startSoundServer() {
  const directory = scratchFile('-pulse');
  fs.mkdirSync(directory, { mode: 0o700 });
  const socket = `${directory}/native`;
  const child = spawn('pulseaudio', ['-n', '--daemonize=no', '--use-pid-file=no',
    '--exit-idle-time=-1', '--disable-shm=yes',
    `--load=module-native-protocol-unix socket=${socket} auth-anonymous=1`,
    '--load=module-null-sink rate=48000'], {
    stdio: 'ignore',
    env: { ...process.env, HOME: directory, XDG_RUNTIME_DIR: directory },
  });
  let missing = false;
  child.once('error', () => { missing = true; });
  children.add(child);
  await until(() => missing || fs.existsSync(socket), 'the sound server');
  return {
    env: missing ? {} : { PULSE_SERVER: `unix:${socket}` },
    stop: () => {
      child.kill();
      children.delete(child);
    },
  };
}

/** Those methods of playwright's page that the tests use. */
class Page {
  constructor(page) {
    this.page = page;
  }

  on(event, handler) {
    this.page.on(event, handler);
  }

  goto(url) {
    return this.page.goto(url);
  }

  evaluate(...args) {
    return this.page.evaluate(...args);
  }

  $$eval(...args) {
    return this.page.$$eval(...args);
  }

  click(selector) {
    return this.page.click(selector);
  }

  fill(selector, text) {
    return this.page.$eval(selector, (field, value) => {
      field.focus();
      field.value = value;
      field.dispatchEvent(new Event('input', { bubbles: true }));
    }, text);
  }

  async press(selector, key) {
    await this.page.focus(selector);
    await this.page.keyboard.press(key);
  }

  getAttribute(selector, name) {
    return this.page.$eval(selector, (node, attribute) => node.getAttribute(attribute), name);
  }

  close() {
    return this.page.close();
  }
}

export async function launchFirefox() {
  const sound = await startSoundServer();
  const browser = await requireModule('puppeteer-core').launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    env: { ...process.env, ...sound.env },
    extraPrefsFirefox: {
      'media.navigator.permission.disabled': true,
      'media.navigator.streams.fake': true,
      'media.autoplay.default': 0,
      'media.autoplay.blocking_policy': 0,
      'media.peerconnection.ice.loopback': true, // where there is no other interface
    },
  });
  return {
    async openPage({ init, onMessage, onProblem }) {
      const page = await browser.newPage();
      page.on('pageerror', (error) => onProblem(`error: ${error.message}`));
      page.on('console', (message) => {
        if (message.type() === 'error')
          onProblem(`console: ${message.text()}`);
      });
      await page.exposeFunction('e2eMessage', onMessage);
      await page.evaluateOnNewDocument(init);
      return new Page(page);
    },
    async close() {
      await browser.close();
      sound.stop();
    },
  };
}
