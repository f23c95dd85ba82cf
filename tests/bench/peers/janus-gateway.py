#!/usr/bin/python3
"""Debian's Janus with its AudioBridge (decode, mix, encode) behind POST /api/offer: rooms of two at
16 kHz, so that every caller is decoded once and gets one stream encoded, that of the other one.

Starts a Janus of its own: configuration in a temporary directory, loopback only, API on a Unix
socket. With --encoder-as-ours its encoders have Repartee's settings in place of Janus's.
"""

import asyncio
import glob
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from offers import serve

HERE = os.path.dirname(os.path.abspath(__file__))
# tools/lib/setup.sh
ROOT = os.environ.get("RP_JANUS_ROOT", "")
RATE = 16000
# worker/voice.c
BITRATE = 32000
LOSS_PERC = 10
COMPLEXITY = 5

CONFIG = """general: {{
  configs_folder = "{dir}"
  plugins_folder = "{dir}/plugins"
  transports_folder = "{dir}/transports"
  events_folder = "{dir}/events"
  loggers_folder = "{dir}/loggers"
  interface = "127.0.0.1"
  debug_level = 3
  session_timeout = 0
}}
nat: {{
  ice_enforce_list = "lo"
}}
"""
UNIX = """general: {{
  enabled = true
  json = "compact"
  path = "{dir}/api"
  type = "SOCK_SEQPACKET"
}}
"""


def configure(folder):
    """Only one plugin and one transport are there: nothing else listens."""
    for name in ("plugins", "transports", "events", "loggers"):
        os.mkdir(f"{folder}/{name}")
    for name in ("plugins/libjanus_audiobridge.so", "transports/libjanus_pfunix.so"):
        (library,) = glob.glob(f"{ROOT}/usr/lib/*/janus/{name}")
        os.symlink(library, f"{folder}/{name}")
    for name, text in (("janus.jcfg", CONFIG), ("janus.transport.pfunix.jcfg", UNIX),
                       ("janus.plugin.audiobridge.jcfg", "general: {{ events = false }}\n")):
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(text.format(dir=folder))
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", f"{folder}/preload.so",
                    f"{HERE}/janus-preload.c", "-ldl"], check=True)


def start(folder):
    log = open(f"{folder}/log", "w", encoding="utf-8")
    return subprocess.Popen(
        [f"{ROOT}/usr/bin/janus", "-F", folder, "-C", f"{folder}/janus.jcfg", "-o"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder,
        env={**os.environ, "LD_PRELOAD": f"{folder}/preload.so"})


class Janus:
    def __init__(self, as_ours):
        self.as_ours = as_ours
        self.waiting = {}  # transaction → future of what answers it
        self.handles = {}  # handle → session
        self.number = itertools.count(1)
        self.joined = itertools.count()
        self.tasks = set()

    async def connect(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for _ in range(200):
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.05)
        else:
            raise TimeoutError("Janus does not listen")
        self.socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self.socket, self.on_readable)

    def on_readable(self):
        try:
            message = json.loads(self.socket.recv(1 << 20))
        except BlockingIOError:
            return
        except ValueError:
            asyncio.get_running_loop().remove_reader(self.socket)
            return
        kind = message.get("janus")
        # "ack" only says that an event will follow.
        if kind != "ack" and message.get("transaction") in self.waiting:
            self.waiting.pop(message["transaction"]).set_result(message)
        elif kind in ("hangup", "timeout"):
            session = self.handles.pop(message.get("sender"), None)
            if session is not None:
                task = asyncio.ensure_future(self.ask("destroy", session_id=session))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def ask(self, what, **rest):
        transaction = str(next(self.number))
        self.waiting[transaction] = asyncio.get_running_loop().create_future()
        future = self.waiting[transaction]
        self.socket.send(json.dumps({"janus": what, "transaction": transaction, **rest}).encode())
        answer = await asyncio.wait_for(future, 15)
        plugin = answer.get("plugindata", {}).get("data", {})
        if answer["janus"] == "error" or "error" in plugin:
            raise RuntimeError(json.dumps(answer))
        return answer

    async def offer(self, sdp):
        session = (await self.ask("create"))["data"]["id"]
        handle = (await self.ask("attach", session_id=session,
                                 plugin="janus.plugin.audiobridge"))["data"]["id"]
        at = {"session_id": session, "handle_id": handle}
        place = next(self.joined)
        room = 1000 + place // 2
        if place % 2 == 0:
            body = {"request": "create", "room": room, "sampling_rate": RATE, "permanent": False}
            if self.as_ours:
                body |= {"default_bitrate": BITRATE, "default_expectedloss": LOSS_PERC}
            await self.ask("message", **at, body=body)
        body = {"request": "join", "room": room}
        if self.as_ours:
            body["quality"] = COMPLEXITY
        event = await self.ask("message", **at, body=body, jsep={"type": "offer", "sdp": sdp})
        self.handles[handle] = session
        return event["jsep"]

    def stats(self):
        return {"sessions": {"active": len(self.handles)}}


async def main():
    janus = Janus("--encoder-as-ours" in sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="repartee-janus-") as folder:
        configure(folder)
        process = start(folder)
        try:
            await janus.connect(f"{folder}/api")
            await serve(process.pid, janus.offer, janus.stats)
        except BaseException:
            with open(f"{folder}/log", encoding="utf-8") as log:
                print(log.read()[-4000:], file=sys.stderr)
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


asyncio.run(main())
