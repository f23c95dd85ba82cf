"""Starts the server with scripted workers on a free port, for the tests of its outside; and a few lines of TAP."""
import contextlib
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from processes import began, descendants, still_there

PATIENCE_S = 60
JSON = {"Content-Type": "application/json"}


class Server:
    """repartee as a child process. @binary and @worker: executables. Extra options go to the command line. @prepare:
    called in the child before. @admission: whether callers are refused when the machine is busy, as it is with other
    tests."""

    def __init__(self, binary, worker, *options, wait_ready=True, agents=("agent",), prepare=None, admission=False):
        self.dir = tempfile.TemporaryDirectory(prefix="rp-server-")
        directories = [os.path.join(self.dir.name, name) for name in agents]
        for directory in directories:
            os.mkdir(directory)
        command = [binary, "--listen", "127.0.0.1:0", "--agent", ",".join(directories), "--worker", worker, "--log-json"]
        command += [] if admission else ["--no-admission"]
        self.process = subprocess.Popen(
            command + list(options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=prepare
        )
        self.log = []
        self.output = []
        self.news = threading.Condition()
        self.threads = [
            threading.Thread(target=self._read, args=(self.process.stderr, self.log), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stdout, self.output), daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        try:
            self.port = self.await_log("listening")["port"]
            if wait_ready:
                self.await_ready()
        except BaseException:
            self.kill()
            raise

    def _read(self, stream, lines):
        for line in stream:
            with self.news:
                lines.append(line.rstrip("\n"))
                self.news.notify_all()

    def _read_to_end(self):
        """What the server said last may come after its end."""
        for thread in self.threads:
            thread.join(PATIENCE_S)

    def records(self):
        with self.news:
            return [json.loads(line) for line in self.log if line.startswith("{")]

    def await_log(self, message, **fields):
        """Waits for a record with this message and these fields."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            ended = self.process.poll() is not None
            if ended:
                self._read_to_end()
            for record in self.records():
                if record["message"] == message and all(record.get(k) == v for k, v in fields.items()):
                    return record
            if ended:
                raise AssertionError("the server has exited: %s" % "\n".join(self.log))
            with self.news:
                self.news.wait(0.05)
        raise AssertionError("no log record %s %s in:\n%s" % (message, fields, "\n".join(self.log)))

    def await_count(self, message, count):
        """Waits for so many records with this message."""
        deadline = time.monotonic() + PATIENCE_S
        while len([record for record in self.records() if record["message"] == message]) < count:
            assert time.monotonic() < deadline, "not %d of %s in:\n%s" % (count, message, "\n".join(self.log))
            with self.news:
                self.news.wait(0.05)

    def await_ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while self.request("GET", "/readyz")[0] != 200:
            assert time.monotonic() < deadline, "the server does not get ready"
            time.sleep(0.02)

    def request(self, method, path, body=None, headers=None):
        """Returns: (status, headers, body as bytes)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def api(self, method, path, value, headers=None):
        """JSON in, (status, JSON) out."""
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        status, _, body = self.request(method, path, json.dumps(value), all_headers)
        return status, json.loads(body)

    def stats(self):
        return json.loads(self.request("GET", "/stats")[2])

    def await_stats(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            stats = self.stats()
            if condition(stats):
                return stats
            assert time.monotonic() < deadline, "stats do not get there: %s" % json.dumps(stats)
            time.sleep(0.05)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Returns: the exit code."""
        code = self.process.wait(PATIENCE_S)
        self._read_to_end()
        return code

    def stop(self):
        """Ends it in order and checks that it did."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            # Two at the same moment would be one. With no call left it is gone before the second.
            try:
                self.await_log("draining: no new calls; a second signal stops at once")
                self.signal(signal.SIGTERM)
            except AssertionError:
                assert self.process.poll() is not None, "\n".join(self.log)
            code = self.wait()
            assert code == 0, "exit code %d:\n%s" % (code, "\n".join(self.log))
        self.dir.cleanup()

    def kill(self):
        """With all below it: a worker that was told to spin does not notice that nobody is there any more."""
        below = {pid: began(pid) for pid in descendants(self.process.pid)}
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in still_there(below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.dir.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            for line in self.log:
                print("# " + line)
            self.kill()


def start(*options, **settings):
    """A Server of the executables that are the test's first two arguments."""
    return Server(*sys.argv[1:3], *options, **settings)


def free_port(low=20000, high=32000):
    """Below those that the kernel gives to whoever wants any, or it might be given away meanwhile."""
    while True:
        port = random.randrange(low, high)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def refused(answer, status):
    code, body = answer
    assert code == status, (code, body)
    assert body["detail"], body
    return body


def ask(server, method, path, kind, headers=None, body=b"nonsense"):
    """Sends a body that no route takes, of type @kind. Every refusal must be JSON that says what to do.
    Returns: (status, headers, its JSON or None)."""
    all_headers = {**({"Content-Type": kind} if kind else {}), **(headers or {})}
    status, answer, data = server.request(method, path, body if kind else None, all_headers)
    if status >= 400:
        assert answer["Content-Type"] == "application/json", (method, path, status, data)
        error = json.loads(data) if method != "HEAD" else None
        assert error is None or (error["detail"] and error["info"]), error
        return status, answer, error
    return status, answer, None


def exchange(server, data, wait=True):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(data)
        answer = b""
        while wait:
            try:
                piece = connection.recv(65536)
            except (ConnectionResetError, socket.timeout):
                break
            answer += piece
            if not piece or b"\r\n\r\n" in answer:
                break
        return answer


IPV4 = re.compile(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b")


def assert_log_is_clean(server, *secrets):
    """Nothing personal and no credential in the log."""
    for line in server.log:
        assert not IPV4.search(line), "an address in the log: " + line
        for secret in ("ice-ufrag", "ice-pwd", "fingerprint", "candidate:") + secrets:
            assert secret not in line, "%s in the log: %s" % (secret, line)


def run_tap(tests):
    """Runs the functions and prints TAP. Returns: the exit code."""
    print("TAP version 13\n1..%d" % len(tests), flush=True)
    failed = 0
    for number, test in enumerate(tests, 1):
        try:
            skip = test()
            note = " # SKIP " + skip if isinstance(skip, str) else ""
            print("ok %d - %s%s" % (number, test.__name__, note), flush=True)
        except Exception:  # a failed test must not end the others
            failed += 1
            for line in traceback.format_exc().splitlines():
                print("# " + line)
            print("not ok %d - %s" % (number, test.__name__), flush=True)
    return 1 if failed else 0


OFFER = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdefghijklmn
a=ice-options:trickle
a=fingerprint:sha-256 %s
a=setup:actpass
a=mid:0
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=ssrc:12345 cname:somebody
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:0123456789abcdefghijklmn
a=ice-options:trickle
a=fingerprint:sha-256 %s
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
""".replace("%s", ":".join(["AB"] * 32)).replace("\n", "\r\n")


def offer(**members):
    return {"sdp": OFFER, "type": "offer", "pc_id": None, "restart_pc": False, **members}


if __name__ == "__main__":
    sys.exit("this is a module")
