"""A client of the server by another WebRTC stack (aiortc), and what its tests have in common."""
import asyncio
import json

from serverfixture import PATIENCE_S, assert_log_is_clean, start

try:
    from aiortc import RTCPeerConnection, RTCSessionDescription
    from aiortc.mediastreams import AudioStreamTrack
except ImportError:
    RTCPeerConnection = None


async def off(function, *arguments, **named):
    """Waits for the server without holding up the client's own media."""
    return await asyncio.to_thread(function, *arguments, **named)


dialled = set()  # callers of the running test: their threads would outlive a failed one, and it with them


class Caller:
    """A client of the kind of the Pipecat ones: one audio track and the channel "chat". @members: more of the offer."""

    def __init__(self, server, path="/api/offer", **members):
        self.server = server
        self.path = path
        self.members = members
        self.pc_id = None
        self.messages = []
        self.news = asyncio.Condition()
        self.frames = 0
        self.answer = None
        self.pc = None

    async def _post(self, sdp, restart):
        body = {"sdp": sdp, "type": "offer", "pc_id": self.pc_id, "restart_pc": restart, **self.members}
        status, answer = await off(self.server.api, "POST", self.path, body)
        assert status == 200, (status, answer)
        return answer

    async def dial(self, data=True, ready=True, restart=False, track=None):
        old = self.pc
        self.pc = RTCPeerConnection()
        dialled.add(self)
        self.pc.addTrack(track or AudioStreamTrack())
        opened = asyncio.get_running_loop().create_future()
        if data:
            self.channel = self.pc.createDataChannel("chat")
            self.channel.on("open", lambda: opened.set_result(None))
            self.channel.on("message", lambda text: asyncio.ensure_future(self._on_message(text)))
        else:
            opened.set_result(None)
        self.pc.on("track", lambda track: asyncio.ensure_future(self._listen(track)))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        answer = await self._post(self.pc.localDescription.sdp, restart)
        self.pc_id = answer["pc_id"]
        self.answer = answer["sdp"]
        await self.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
        if old is not None:
            await old.close()
        await asyncio.wait_for(opened, PATIENCE_S)
        if data and ready:
            self.say("client-ready", {"version": "2.1.0", "about": {"library": "test"}}, "ready")
            await self.expect("bot-ready")
        return self

    async def _listen(self, track):
        try:
            while True:
                await track.recv()
                self.frames += 1
        except Exception:  # aiortc ends a track with whatever it has at hand
            pass

    async def _on_message(self, text):
        async with self.news:
            self.messages.append(json.loads(text))
            self.news.notify_all()

    def say(self, kind, data, identity="m"):
        self.channel.send(json.dumps({"label": "rtvi-ai", "type": kind, "id": identity, "data": data}))

    def tell(self, words):
        """To the scripted worker."""
        self.say("send-text", {"content": words})

    async def expect(self, kind, condition=lambda message: True):
        """The first message of this type that is not taken yet; takes it."""

        def find():
            return next((m for m in self.messages if m["type"] == kind and condition(m)), None)

        async with self.news:
            try:
                await asyncio.wait_for(self.news.wait_for(find), PATIENCE_S)
            except asyncio.TimeoutError:
                raise AssertionError("no %s in %s" % (kind, self.messages))
            message = find()
            self.messages.remove(message)
            return message

    async def report(self):
        self.tell("report")
        message = await self.expect("user-transcription", lambda m: m["data"]["text"].startswith("{"))
        return json.loads(message["data"]["text"])

    async def report_until(self, condition):
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not condition(report := await self.report()):
            assert asyncio.get_running_loop().time() < deadline, "the worker does not get there: %s" % report
            await asyncio.sleep(0.05)
        return report

    async def heard(self, frames):
        """Waits until so many have come: the client's own buffer holds some back for a while."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while self.frames < frames:
            assert asyncio.get_running_loop().time() < deadline, "%d of %d frames" % (self.frames, frames)
            await asyncio.sleep(0.02)

    async def close(self):
        await self.pc.close()


async def run_to_end(test, server):
    """A failure must not leave callers behind: their threads keep the interpreter."""
    try:
        await asyncio.wait_for(test(server), 120)
    finally:
        for caller in dialled:
            await caller.close()
        dialled.clear()


def with_server(*options, **settings):
    """Runs an async test with a server of these options, whose executables are the test's first two arguments."""

    def decorate(test):
        def run():
            if RTCPeerConnection is None:
                return "python3-aiortc is not installed"
            with start(*options, **settings) as server:
                asyncio.run(run_to_end(test, server))
                assert_log_is_clean(server)

        run.__name__ = test.__name__
        return run

    return decorate
