// What the user has chosen, remembered by the browser.

const KEY = 'repartee';

let values = {};
try {
  values = JSON.parse(localStorage.getItem(KEY)) ?? {};
} catch {
  // no storage, or not ours
}

export const recall = (name, otherwise) => values[name] ?? otherwise;

export function remember(name, value) {
  values[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // for this visit, then
  }
}

/** Browsers tell the names once the microphone was allowed. */
export async function listMicrophones(select) {
  const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
  const options = devices
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId && deviceId !== 'default')
    .map(({ label, deviceId }, i) => new Option(label || `Microphone ${i + 1}`, deviceId));
  select.replaceChildren(new Option('Default mic', ''), ...options);
  const chosen = recall('microphone', '');
  select.value = options.some(({ value }) => value === chosen) ? chosen : '';
}
