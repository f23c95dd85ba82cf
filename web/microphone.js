// The microphone, or a Failure that says why there is none.

import * as failures from './failures.js';

/**
 * @param {string} [deviceId] none: the browser's choice
 * @returns {Promise<MediaStream>} throws a Failure
 */
export async function openMicrophone(deviceId) {
  const obstacle = failures.microphoneObstacle();
  if (obstacle)
    throw obstacle;
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId)
    audio.deviceId = { ideal: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw failures.microphoneFailure(error);
  }
}

/** @param {MediaStream|null} stream */
export function stopStream(stream) {
  for (const track of stream?.getTracks() ?? [])
    track.stop();
}
