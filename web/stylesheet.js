// Style sheets of modules that are loaded when they are wanted.

/** @returns {Promise} when it is there, or will never be */
export function loadStyle(href) {
  const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
  const loaded = new Promise((resolve) => { link.onload = link.onerror = resolve; });
  document.head.append(link);
  return loaded;
}
