"""What is left of secrets in the memory of the processes: nothing, once they have been used.

usage: memory-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import asyncio
import contextlib
import os
import re
import socket
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from processes import family  # noqa: E402
from serverfixture import PATIENCE_S, run_tap, start  # noqa: E402

# A build's test runner overwrites all that is freed: this is about what the server does by itself.
os.environ.pop("MALLOC_PERTURB_", None)
os.environ.pop("G_SLICE", None)

KEY = "Schluesselblume-4711-geheim"
AUTH = {"Authorization": "Bearer " + KEY}


def regions(pid):
    """All that it can write to: (from, to, name)."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        for line in file:
            span, rights, _, _, _, *name = line.split()
            if rights.startswith("rw"):
                low, high = (int(x, 16) for x in span.split("-"))
                yield low, high, " ".join(name)


def scan(pid, words):
    """Returns: each word's places, as what is around them; none in a process that is no more."""
    found = {word: [] for word in words}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError), open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for low, high, name in regions(pid):
            try:
                memory.seek(low)
                data = memory.read(high - low)
            except OSError:
                continue
            for word in words:
                for match in re.finditer(re.escape(word.encode()), data):
                    at = match.start()
                    found[word].append((name, bytes(data[max(0, at - 60) : at + 60])))
    return found


def times(pid, words):
    """How often each of the words is in its memory."""
    return {word: len(places) for word, places in scan(pid, words).items()}


def secret_file(directory, name, text):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text + "\nKommentarzeile-%s\n" % text[::-1])
    os.chmod(path, 0o600)
    return path


def await_end(pid, words):
    """A request is over a moment after its answer: until then they may be there."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(times(pid, words).values()) and time.monotonic() < deadline:
        time.sleep(0.1)


def show(server, key):
    """Behind so much that what overwrites the beginning of freed memory does not get at it."""
    lines = ["GET /stats HTTP/1.1", "Host: localhost", "Connection: close", "X-Pad: " + "p" * 500]
    lines += ["Authorization: Bearer " + key, "", ""]
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall("\r\n".join(lines).encode())
        while connection.recv(65536):
            pass


def test_keys():
    """The server has its keys once, as it was told them, and nowhere else, nor what else is in their files, whoever has
    shown one since; the processes below it have none."""
    key, secret, wrong = KEY, "Wiesenschaumkraut-0815-geheim", "Sumpfdotterblume-4712-geraten"
    with tempfile.TemporaryDirectory(prefix="rp-memory-") as directory:
        by_file = ["--token-file", secret_file(directory, "key", key)]
        turn = ["--turn", "turn:turn.example.com", "--turn-secret-file", secret_file(directory, "turn", secret)]
        for options in (by_file, ["--token", key], ["--token=" + key]):
            with start(*options, *turn) as server:
                server.await_log("ready")
                show(server, key)
                show(server, wrong)
                words = [key, secret, key[::-1], secret[::-1], wrong]
                await_end(server.process.pid, [wrong])
                for pid, name in family(server.process.pid).items():
                    expected = [1, 1, 0, 0, 0] if name == "repartee" else [0] * len(words)
                    assert list(times(pid, words).values()) == expected, (options, name, scan(pid, words))



def pieces(data, size):
    for at in range(0, len(data), size):
        yield data[at : at + size]
        time.sleep(0.005)


def test_bodies():
    """However a body comes, nothing is left of it where it was gathered. It is no JSON: nobody copies out of it."""
    headers = {"Content-Type": "application/json", "Connection": "close"}
    word = '"Geheimnisse-im-Text"'
    body = ("[" + ", ".join([word] * 700)).encode()
    with start() as server:
        for size in (150, 1100, 9000):
            for framing in ({"Content-Length": str(len(body))}, {}):  # in chunks
                status, _, answer = server.request("POST", "/start", pieces(body, size), {**headers, **framing})
                assert status == 400, answer
        await_end(server.process.pid, [word])
        found = scan(server.process.pid, [word])[word]
        assert not found, (len(found), found[:3])


class WithToken:
    """The server as a caller with an access token has it."""

    def __init__(self, server, token):
        self.server = server
        self.token = token

    def api(self, method, path, body):
        return self.server.api(method, path, body, {"Authorization": "Bearer " + self.token})



@with_server("--token", KEY)
async def test_calls(server):
    """Of a call that has ended nothing is left that the server itself had: the request's data, its token, what the
    agent kept for its successor. A library's copies of a single value are its own; of what is said the server wipes
    nothing."""
    status, answer = await off(server.api, "POST", "/api/token", {"agent": "agent"}, AUTH)
    assert status == 200, answer
    note = "Zwetschgenknoedel-mit-Vanillesosse"
    caller = await Caller(WithToken(server, answer["token"]), request_data={"note": note}).dial()
    await caller.heard(5)
    caller.tell("keep Marillen-und-anderer knoedel-mit-Butterbroeseln")
    caller.tell("hear Topfen strudel")
    await caller.expect("user-transcription", lambda m: m["data"]["text"] == "Topfenstrudel")
    # As we write it and as it came; what the agent's two words became; the end of the token. Not the beginning of a
    # block of memory, which is overwritten when it is freed.
    kept = "andererknoedel-mit-Butterbroeseln"
    words = ['"note":"' + note, '"note": "' + note, kept, answer["token"][-40:]]
    pid = server.process.pid
    while times(pid, [kept])[kept] == 0:  # it can be found while it is there
        await asyncio.sleep(0.1)
    await caller.close()
    while b'"active":0' not in (await off(server.request, "GET", "/stats", None, AUTH))[2]:
        await asyncio.sleep(0.1)
    # The worker and the connection of HTTP go a moment later.
    deadline = time.monotonic() + PATIENCE_S
    while any(sum(times(one, words).values()) for one in family(pid)) and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    for one, name in family(pid).items():
        assert set(times(one, words).values()) == {0}, (name, scan(one, words))


def why_not():
    """Sanitizers keep what is freed, and terabytes of their own; processes that cannot be debugged are root's."""
    libraries = os.popen("ldd %s" % sys.argv[1]).read()
    if "asan" in libraries or "tsan" in libraries:
        return "a sanitizer keeps what is freed"
    with start() as server:
        try:
            with open("/proc/%d/mem" % server.process.pid, "rb"):
                return None
        except PermissionError:
            return "memory is only root's to read"


def unless(reason, test):
    def run():
        return reason or test()

    run.__name__ = test.__name__
    return run


if __name__ == "__main__":
    REASON = why_not()
    sys.exit(run_tap([unless(REASON, test) for test in (test_keys, test_bodies, test_calls)]))
