// The microphone, or a Failure that says why there is none.

import { Failure, microphoneFailure } from './failures.js';

/**
 * @param {string} [deviceId] the browser's choice when there is none, or no such device
 * @returns {Promise<MediaStream>}
 */
export async function openMicrophone(deviceId) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw window.isSecureContext ? new Failure('microphone', 'not supported by this browser') :
      new Failure('insecure');
  }
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId)
    audio.deviceId = { ideal: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw microphoneFailure(error);
  }
}

/** @param {MediaStream|null} stream */
export const stopStream = (stream) => stream?.getTracks().forEach((track) => track.stop());
