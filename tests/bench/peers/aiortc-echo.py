#!/usr/bin/python3
"""An echo by aiortc that does with audio what Pipecat's transport does: what comes is decoded and
resampled to 16 kHz; what goes is at 24 kHz, paced by the clock, and encoded. No VAD, no models.
"""

import asyncio
import fractions
import os
import time
from collections import deque

import aioice.ice
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from av.audio.resampler import AudioResampler
from offers import serve

IN_RATE = 16000
OUT_RATE = 24000
# aiortc 1.4 encodes frames of just this length.
OUT_SAMPLES = OUT_RATE // 50
OUT_BYTES = OUT_SAMPLES * 2
# Between a jittery input and a clock: what may wait at most.
MAX_QUEUED = 25

# It gathers no loopback address of its own accord.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []

calls = set()


class Output(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.queue = deque(maxlen=MAX_QUEUED)
        self.pts = 0
        self.start = None

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        if self.start is None:
            self.start = time.monotonic()
        await asyncio.sleep(self.start + self.pts / OUT_RATE - time.monotonic())
        frame = AudioFrame(format="s16", layout="mono", samples=OUT_SAMPLES)
        frame.planes[0].update(self.queue.popleft() if self.queue else bytes(OUT_BYTES))
        frame.sample_rate = OUT_RATE
        frame.time_base = fractions.Fraction(1, OUT_RATE)
        frame.pts = self.pts
        self.pts += OUT_SAMPLES
        return frame


def pcm(frame):
    return bytes(frame.planes[0])[: frame.samples * 2]


async def echo(track, output):
    to_pipeline = AudioResampler("s16", "mono", IN_RATE)
    to_output = AudioResampler("s16", "mono", OUT_RATE)
    waiting = b""
    try:
        while True:
            for frame in to_pipeline.resample(await track.recv()):
                waiting += b"".join(pcm(f) for f in to_output.resample(frame))
            while len(waiting) >= OUT_BYTES:
                output.queue.append(waiting[:OUT_BYTES])
                waiting = waiting[OUT_BYTES:]
    except MediaStreamError:
        pass


async def offer(sdp):
    call = RTCPeerConnection()
    output = Output()
    calls.add(call)

    @call.on("track")
    def on_track(track):
        call.addTrack(output)
        call.echo = asyncio.ensure_future(echo(track, output))

    @call.on("connectionstatechange")
    async def on_state():
        if call.connectionState in ("closed", "failed") and call in calls:
            calls.discard(call)
            output.stop()
            await call.close()

    await call.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
    await call.setLocalDescription(await call.createAnswer())
    return {"sdp": call.localDescription.sdp, "type": "answer"}


async def main():
    await serve(os.getpid(), offer, lambda: {"sessions": {"active": len(calls)}})


asyncio.run(main())
