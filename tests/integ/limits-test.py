"""What one address, one connection and one call may ask of the server.

usage: limits-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from serverfixture import JSON, offer, refused, run_tap, start  # noqa: E402


def test_calls_of_an_address():
    with start("--max-calls-per-address", "2", "--workers", "4") as server:
        for _ in range(2):
            status, answer = server.api("POST", "/api/offer", offer())
            assert status == 200, answer
        error = refused(server.api("POST", "/api/offer", offer()), 429)
        assert "as many calls" in error["detail"], error
        whip = server.request("POST", "/whip", offer()["sdp"], {"Content-Type": "application/sdp"})
        assert whip[0] == 429, whip
        refused(server.api("POST", "/start", {}), 429)
        # A call of theirs may go on.
        again = server.api("POST", "/api/offer", offer(pc_id=answer["pc_id"], restart_pc=True))
        assert again[0] == 200, again
        assert 'repartee_calls_refused_total{reason="address"} 3' in server.request("GET", "/metrics")[2].decode()


def test_a_call_that_ended_counts_no_more():
    with start("--max-calls-per-address", "1") as server:
        headers = {"Content-Type": "application/sdp"}
        for _ in range(3):
            status, answer, _ = server.request("POST", "/whip", offer()["sdp"], headers)
            assert status == 201, status
            assert server.request("POST", "/whip", offer()["sdp"], headers)[0] == 429
            assert server.request("DELETE", answer["Location"])[0] == 200
            server.await_stats(lambda s: s["sessions"]["active"] == 0)


def test_offers_of_an_address():
    with start("--max-offers-per-minute", "3", "--workers", "4") as server:
        for _ in range(3):
            assert server.api("POST", "/start", {})[0] == 200
        status, headers, body = server.request("POST", "/api/offer", json.dumps(offer()), JSON)
        assert status == 429 and 1 <= int(headers["Retry-After"]) <= 20, (status, headers, body)


def test_no_limits_on_loopback():
    with start("--workers", "4", "--max-sessions", "200") as server:
        for _ in range(150):
            assert server.api("POST", "/start", {})[0] == 200


def test_client_that_hangs_up_before_its_answer():
    """Its line is free at once, and not after the 15 s that a path may take."""
    with start("--workers", "4") as server:
        body = json.dumps(offer()).encode()
        head = "POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                connection.sendall(head.encode() % len(body) + body)
        # A busy machine may close some of them after their answers, and those wait for a path. The others
        # must be told by their reason.
        server.await_log("ended", reason="the client left before it was answered")
        server.await_stats(lambda s: s["sessions"]["active"] == 0 and s["sessions"]["total"] >= 1)


def test_trickled_request():
    """One byte now and then keeps no connection: 30 s for a request."""
    with start() as server:
        connections = [socket.create_connection(("127.0.0.1", server.port), 60) for _ in range(3)]
        # Headers without end; a body without end; and one that asked before.
        connections[0].sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        connections[1].sendall(
            b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
        )
        connections[2].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in connections[2].recv(4096)
        begun = time.monotonic()
        ended = {}
        while len(ended) < 3 and time.monotonic() - begun < 90:
            for i, connection in enumerate(connections):
                if i in ended:
                    continue
                try:
                    connection.setblocking(False)
                    if connection.recv(4096) == b"":
                        ended[i] = time.monotonic() - begun
                except BlockingIOError:
                    try:
                        connection.sendall(b"X" if i != 2 else b"G")
                    except OSError:
                        ended[i] = time.monotonic() - begun
                except OSError:
                    ended[i] = time.monotonic() - begun
            time.sleep(2)
        assert len(ended) == 3, ended
        assert server.request("GET", "/healthz")[0] == 200
        for connection in connections:
            connection.close()


def report_about(ssrc, blocks, loss):
    """A receiver report of @blocks blocks (RFC 3550 section 6.4.2)."""
    block = struct.pack("!IIIIII", ssrc, loss << 24, 1, 0, 0, 0)
    return struct.pack("!BBHI", 0x80 | blocks, 201, 1 + 6 * blocks, 0x99) + block * blocks


@with_server("--workers", "2")
async def test_reports_without_end(server):
    """RTCP by the thousand, of all sizes, sound and broken: its own call goes on, and so does the next one."""
    other = await Caller(server).dial()
    caller = await Caller(server).dial()
    for one in (caller, other):
        await one.report_until(lambda r: r["ended"] == 1)
    ours = int(next(line for line in caller.answer.split("\r\n") if line.startswith("a=ssrc:"))[7:].split()[0])
    sound = [report_about(ours, n, 250) for n in (0, 1, 31)] + [report_about(ours, 31, 250) + report_about(5, 15, 1)]
    sound += [b"\x80\xca\0\0" * 300, report_about(7, 1, 0) + struct.pack("!BBHI", 0x81, 203, 1, 0x99)]
    broken = [sound[2][:-4], sound[3][:-1], b"\x9f\xc9\0\1" + bytes(4), b"\x80\xc9\xff\xff" + bytes(1000)]
    dtls = caller.pc.getSenders()[0].transport
    heard = False
    sent = 0
    # They must have been heard: all is lost of what we send, they say, though the client's own reports know better.
    while sent < 1500 or not heard:
        for _ in range(100):
            await dtls._send_rtp((sound + broken)[sent % 10])
            sent += 1
        stats = await off(server.stats)
        heard = heard or any((c["loss_out"] or 0) > 0.9 for c in stats["calls"])
    assert stats["sessions"]["active"] == 2 and stats["sessions"]["failed"] == 0
    for one in (caller, other):
        one.tell("say 20")
        report = await one.report_until(lambda r: r["ended"] == 2)
        assert report["resumed"] == "", report
    assert (await other.report())["gaps"] == 0
    await caller.close()
    await other.close()


def test_connections_of_a_subnet():
    """A subscriber has 2^64 addresses of IPv6, and is one client all the same. The last test: what comes behind it
    would be in its network. Only for root."""
    new_net, freebind = 0x40000000, 78
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(new_net) != 0:
        return "no network of its own"
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    route = ["ip", "-6", "route", "add", "local", "2001:db8::/32", "dev", "lo", "table", "local"]
    if subprocess.run(route).returncode != 0:
        return "no IPv6"

    def ask(address):
        connection = socket.socket(socket.AF_INET6)
        connection.settimeout(10)
        connection.setsockopt(socket.IPPROTO_IPV6, freebind, 1)
        connection.bind((address, 0))
        connection.connect(("2001:db8::1", server.port))
        try:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            return connection, connection.recv(4096)
        except ConnectionError:
            return connection, b""

    with start("--listen", "[::]:0", "--no-auth", "--max-per-address", "3") as server:
        mine = [ask("2001:db8:1:2::%x" % i) for i in range(1, 5)]
        assert [b"200 OK" in answer for _, answer in mine] == [True, True, True, False], mine
        other, answer = ask("2001:db8:1:3::1")
        assert b"200 OK" in answer, answer
        for connection, _ in mine:
            connection.close()
        answer = b""
        while b"200 OK" not in answer:  # the watchdog of the test ends this
            again, answer = ask("2001:db8:1:2::5")
            again.close()
        other.close()


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
