// What the user has chosen, remembered by the browser.

const KEY = 'repartee';

let values = {};
try {
  values = JSON.parse(localStorage.getItem(KEY)) ?? {};
} catch {
  // no storage, or not ours
}

export function recall(name, otherwise) {
  return values[name] ?? otherwise;
}

export function remember(name, value) {
  values[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // for this visit, then
  }
}

/** A check box that is remembered. */
export function checkBox(box, name, otherwise, changed = () => {}) {
  box.checked = recall(name, otherwise) === true;
  box.addEventListener('change', () => {
    remember(name, box.checked);
    changed(box.checked);
  });
}

async function microphones() {
  const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
  return devices.filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId);
}

/** Browsers tell the names once the microphone was allowed. */
export async function listMicrophones(select, hint) {
  const devices = await microphones();
  const options = devices.filter(({ deviceId }) => deviceId !== 'default')
    .map(({ label, deviceId }, i) => new Option(label || `Microphone ${i + 1}`, deviceId));
  select.replaceChildren(new Option("The system's choice", ''), ...options);
  select.value = recall('microphone', '');
  if (select.selectedIndex < 0)
    select.value = '';
  hint.hidden = devices.some(({ label }) => label);
}
