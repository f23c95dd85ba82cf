"""A foreign client of the RTVI contract, on aiortc: calls, hears, asks with a WAV, hangs up.

Usage: aiortc_client.py URL QUESTION.wav RECORDING.wav [--no-candidates]

Prints one JSON object: what the agent sent, and when. QUESTION.wav and RECORDING.wav are mono,
16 bit, 16 kHz. With --no-candidates the offer has none, as that of some stock clients: the server
finds the address by the connectivity checks.
"""

import argparse
import asyncio
import fractions
import json
import time
import urllib.request
import wave

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

RATE = 16000
FRAME = RATE // 50


class Microphone(MediaStreamTrack):
    """Silence, and what is put into it, in real time."""

    kind = "audio"

    def __init__(self):
        super().__init__()
        self.pending = b""
        self.position = 0
        self.start = None

    def say(self, pcm):
        self.pending += pcm

    async def recv(self):
        now = time.monotonic()
        self.start = self.start or now
        await asyncio.sleep(max(0, self.start + self.position / RATE - now))
        pcm, self.pending = self.pending[: FRAME * 2], self.pending[FRAME * 2 :]
        frame = av.AudioFrame(format="s16", layout="mono", samples=FRAME)
        frame.planes[0].update(pcm.ljust(FRAME * 2, b"\0"))
        frame.sample_rate = RATE
        frame.pts = self.position
        frame.time_base = fractions.Fraction(1, RATE)
        self.position += FRAME
        return frame


class Recorder:
    def __init__(self):
        self.pcm = bytearray()
        self.resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)

    async def run(self, track):
        while True:
            try:
                frame = await track.recv()
            except Exception:  # MediaStreamError when the track ends
                return
            for out in self.resampler.resample(frame):
                self.pcm += bytes(out.planes[0])[: out.samples * 2]


class Client:
    def __init__(self, url):
        self.url = url
        self.began = time.monotonic()
        self.pc = RTCPeerConnection()
        self.channel = self.pc.createDataChannel("chat")
        self.channel.on("open", self.ready)
        self.channel.on("message", self.message)
        self.microphone = Microphone()
        self.pc.addTrack(self.microphone)
        self.recorder = Recorder()
        self.pc.on("track", lambda track: asyncio.ensure_future(self.recorder.run(track)))
        self.messages = []
        self.news = asyncio.Condition()

    def ready(self):
        self.send("client-ready", {"version": "2.1.0", "about": {"library": "aiortc"}})

    def send(self, kind, data):
        self.channel.send(json.dumps({"label": "rtvi-ai", "type": kind, "id": kind, "data": data}))

    def message(self, text):
        message = json.loads(text)
        message["at_ms"] = round(1000 * (time.monotonic() - self.began))
        self.messages.append(message)
        asyncio.ensure_future(self.tell())

    async def tell(self):
        async with self.news:
            self.news.notify_all()

    async def wait(self, kind, start=0, check=lambda data: True, timeout=40):
        def found():
            return any(
                m.get("type") == kind and check(m.get("data", {})) for m in self.messages[start:]
            )

        async with self.news:
            try:
                await asyncio.wait_for(self.news.wait_for(found), timeout)
            except asyncio.TimeoutError:
                raise SystemExit(f"no {kind} within {timeout} s: {self.messages[start:]}")

    async def connect(self, with_candidates):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        sdp = self.pc.localDescription.sdp
        if not with_candidates:
            lines = [line for line in sdp.splitlines() if "candidate" not in line]
            sdp = "\r\n".join(lines) + "\r\n"
        body = {"sdp": sdp, "type": "offer", "pc_id": None, "restart_pc": False}
        request = urllib.request.Request(
            self.url + "/api/offer",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        answer = await asyncio.get_running_loop().run_in_executor(
            None, lambda: json.load(urllib.request.urlopen(request, timeout=10))
        )
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], answer["type"]))

    async def quiet(self, start):
        await self.wait("bot-stopped-speaking", start)
        while True:
            n = len(self.messages)
            await asyncio.sleep(0.5)
            if not any(m.get("type") == "bot-started-speaking" for m in self.messages[n:]):
                return


def read(path):
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        return file.readframes(file.getnframes())


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("question")
    parser.add_argument("recording")
    parser.add_argument("--no-candidates", action="store_true")
    args = parser.parse_args()

    client = Client(args.url)
    await client.connect(not args.no_candidates)
    await client.wait("bot-ready")
    await client.quiet(0)
    greeting_end = len(client.recorder.pcm) // 2
    asked = len(client.messages)
    client.microphone.say(read(args.question))
    await client.wait("user-transcription", asked, lambda data: data.get("final"))
    await client.quiet(asked)
    client.send("disconnect-bot", {})
    await asyncio.sleep(0.3)
    await client.pc.close()

    with wave.open(args.recording, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(client.recorder.pcm))
    print(
        json.dumps(
            {
                "messages": client.messages,
                "asked": asked,
                "greeting_end_samples": greeting_end,
                "samples": len(client.recorder.pcm) // 2,
            }
        )
    )


asyncio.run(main())
