// What the browser remembers of the user's choices.

let values = {};
try {
  values = JSON.parse(localStorage.repartee) ?? {};
} catch {
  // no storage, or nothing of ours
}

export const recall = (name) => values[name];

export function remember(name, value) {
  values[name] = value;
  try {
    localStorage.repartee = JSON.stringify(values);
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
  select.value = recall('microphone') ?? '';
  if (select.selectedIndex < 0)
    select.value = '';
}
