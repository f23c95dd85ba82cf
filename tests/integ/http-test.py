"""The server's HTTP side: its paths, limits, files, and going down. Who may come is in access-test.py.

usage: http-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

BINARY, WORKER, SUPPORT = sys.argv[1:4]
sys.path.insert(0, SUPPORT)
from serverfixture import JSON, OFFER, PATIENCE_S, ask, assert_log_is_clean, exchange, offer, refused, run_tap, start  # noqa: E402

TOKEN = "correct-horse-battery"
SITE = "https://site.example"
HOST_CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 ufrag abcd"


def test_health_and_readiness():
    with start() as server:
        assert server.request("GET", "/healthz")[0] == 200
        status, headers, body = server.request("GET", "/readyz")
        assert status == 200 and headers["Content-Type"] == "application/json", body
        assert server.request("HEAD", "/healthz")[2] == b""


def test_stats_have_their_shape():
    with start("--loops", "2") as server:
        stats = server.stats()
        assert stats["version"] and stats["uptime_s"] >= 0
        for name in ("active", "total", "peak", "failed"):
            assert stats["sessions"][name] == 0
        for name in ("idle", "busy", "restarts"):
            assert name in stats["workers"]
        assert len(stats["loops"]) == 2
        assert set(stats["loops"][0]["tick_late_ms"]) == {"p50", "p99", "max"}
        names = {"voice_to_voice", "turn_decision", "stt", "llm_ttft", "tts_ttfa", "setup"}
        assert set(stats["latency_ms"]) == names
        for part in list(stats["latency_ms"].values()) + [stats["barge_in_stop_ms"]]:
            assert set(part) == {"p50", "p95", "p99", "n"}
        assert stats["calls"] == []
        assert server.api("POST", "/api/offer", offer())[0] == 200
        (call,) = server.await_stats(lambda s: s["calls"])["calls"]
        for name in ("loss", "jitter_ms", "rtt_ms", "concealed_ms", "recovered_ms", "state", "agent", "turns"):
            assert name in call, name


def test_unknown_paths_and_methods():
    with start() as server:
        refused(server.api("GET", "/nothing.txt", None), 404)
        refused(server.api("POST", "/api/nothing", {}), 404)
        for method, path, allow in (
            ("GET", "/api/offer", "POST, PATCH, OPTIONS"),
            ("DELETE", "/api/offer", "POST, PATCH, OPTIONS"),
            ("POST", "/stats", "GET, HEAD, OPTIONS"),
        ):
            status, headers, _ = server.request(method, path)
            assert status == 405 and headers["Allow"] == allow, (method, path, status, headers["Allow"])
        status, headers, _ = server.request("OPTIONS", "/api/offer")
        assert status == 204 and headers["Allow"] == "POST, PATCH, OPTIONS"


def test_bodies_that_are_no_offer():
    with start() as server:

        def post(body, headers=JSON):
            status, _, answer = server.request("POST", "/api/offer", body, headers)
            return status, json.loads(answer)

        refused(post("{}", {"Content-Type": "text/plain"}), 415)
        refused(post("{}", {}), 415)
        refused(post("{}", {"Content-Type": "application/jsonp"}), 415)
        for body in (
            "",
            "{",
            "nonsense",
            "[]",
            "null",
            "{}",
            "[" * 30000,
            '{"sdp":' * 5000,
            '{"sdp": 5, "type": "offer"}',
            '{"sdp": "", "type": "offer"}',
            '{"sdp": "v=0", "type": 1}',
            '{"sdp": "\\u0000", "type": "offer"}',
            '{"sdp": "\\ud800", "type": "offer"}',
            b'{"sdp": "\xff\xfe", "type": "offer"}',
            json.dumps(offer(type="answer")),
            json.dumps(offer(pc_id="x" * 200)),
            json.dumps(offer(pc_id=5)),
            json.dumps(offer(restart_pc="yes")),
            json.dumps(offer(sdp="v=0\r\n")),
            json.dumps(offer(sdp=OFFER.replace("a=fingerprint", "a=nothing"))),
            json.dumps(offer(sdp=OFFER.replace("opus/48000/2", "G722/8000"))),
            json.dumps(offer(sdp=OFFER.replace("a=rtcp-mux\r\n", ""))),
            json.dumps(offer(sdp=OFFER.replace("a=ice-pwd:0123456789abcdefghijklmn", "a=ice-pwd:x"))),
            json.dumps(offer(sdp="m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 900)),
        ):
            refused(post(body, JSON), 400)
        assert server.stats()["sessions"]["total"] == 0
        with_charset = {"Content-Type": "application/json; charset=utf-8"}
        assert server.request("POST", "/api/offer", json.dumps(offer()), with_charset)[0] == 200


def test_sizes():
    with start() as server:
        status, body = server.api("POST", "/api/offer", offer(sdp="x" * 66000))
        assert status == 413 and body["detail"], body
        # A chunked body says nothing of its length before it comes.
        status, _, body = server.request("POST", "/api/offer", (b"x" * 1000 for _ in range(200)), JSON)
        assert status == 413, body
        raw = b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\r\n"
        assert b" 411 " in exchange(server, raw).split(b"\r\n")[0]
        # Beyond what is worth reading the connection is cut; the server goes on.
        try:
            assert server.request("POST", "/api/offer", b"x" * 8_000_000, JSON)[0] == 413
        except OSError:
            pass
        assert server.request("GET", "/healthz")[0] == 200


def test_where_a_body_ends():
    """A proxy in front could see other requests in the same bytes than we do."""
    opening = b"POST /start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n"
    with start() as server:
        for version, framing, body in (
            (b"1.1", b"Content-Length: 2\r\n" + chunked, b"0\r\n\r\n"),
            (b"1.1", chunked + b"Content-Length: 7\r\n", b"0\r\n\r\n"),
            (b"1.1", chunked + chunked, b"0\r\n\r\n"),
            (b"1.1", b"Transfer-Encoding: xchunked\r\n", b"{}"),
            (b"1.1", b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
            (b"1.1", b"Content-Length : 2\r\n", b"{}"),
            (b"1.1", b"Content-Length: 2\r\nTransfer-Encoding\x0b: chunked\r\n", b"{}"),
            (b"1.1", b"Content-Length: 2\r\nX: y\rTransfer-Encoding: chunked\r\n", b"{}"),
            (b"1.0", b"Connection: keep-alive\r\n" + chunked, b"0\r\n\r\n"),
        ):
            head = opening.replace(b"1.1", version)
            second = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"
            with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
                connection.sendall(head + framing + b"\r\n" + body + second)
                answer = b""
                while True:
                    try:
                        piece = connection.recv(65536)
                    except ConnectionResetError:
                        break
                    if not piece:
                        break
                    answer += piece
            assert answer.startswith(b"HTTP/1.1 400 "), (framing, answer)
            assert answer.count(b"HTTP/1.1 ") == 1 and b'"detail"' in answer, (framing, answer)
        good = opening + chunked + b"\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
        assert exchange(server, good).startswith(b"HTTP/1.1 200 ")


def test_bytes_that_are_no_http():
    with start() as server:
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\r\n\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n",
            b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
            b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
            b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        ):
            exchange(server, data, wait=False)
            assert server.request("GET", "/healthz")[0] == 200


def test_slow_clients_do_not_disturb_others():
    with start() as server:
        idle = [socket.create_connection(("127.0.0.1", server.port), 10) for _ in range(50)]
        for connection in idle:
            connection.sendall(b"POST /api/offer HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        assert server.request("GET", "/healthz")[0] == 200
        assert server.api("POST", "/api/offer", offer())[0] == 200
        for connection in idle:
            connection.close()


def ufrag(sdp):
    return next(line for line in sdp.splitlines() if line.startswith("a=ice-ufrag"))


def test_offers_of_one_call():
    with start() as server:
        status, first = server.api("POST", "/api/offer", offer())
        assert status == 200 and first["type"] == "answer" and len(first["pc_id"]) >= 32
        assert "a=candidate:" in first["sdp"] and "a=setup:passive" in first["sdp"]
        # The same connection again: the answer is about the same transport.
        status, again = server.api("POST", "/api/offer", offer(pc_id=first["pc_id"]))
        assert status == 200 and again["pc_id"] == first["pc_id"]
        assert ufrag(again["sdp"]) == ufrag(first["sdp"])
        # Other credentials restart ICE on the same connection.
        other = OFFER.replace("a=ice-ufrag:abcd", "a=ice-ufrag:wxyz")
        status, moved = server.api("POST", "/api/offer", offer(pc_id=first["pc_id"], sdp=other))
        assert status == 200 and moved["pc_id"] == first["pc_id"]
        assert ufrag(moved["sdp"]) != ufrag(first["sdp"])
        # A new connection keeps the call.
        status, restarted = server.api(
            "POST", "/api/offer", offer(pc_id=first["pc_id"], sdp=other, restart_pc=True)
        )
        assert status == 200 and restarted["pc_id"] == first["pc_id"]
        assert ufrag(restarted["sdp"]) != ufrag(first["sdp"])
        assert server.stats()["sessions"]["active"] == 1
        # An id nobody knows begins a new call.
        status, new = server.api("POST", "/api/offer", offer(pc_id="0" * 32))
        assert status == 200 and new["pc_id"] not in (first["pc_id"], "0" * 32)
        assert server.stats()["sessions"]["total"] == 2
        assert_log_is_clean(server, first["pc_id"], new["pc_id"])


def test_candidates():
    with start() as server:
        call = server.api("POST", "/api/offer", offer())[1]["pc_id"]

        def patch(*candidates, pc_id=call):
            listed = [{"candidate": c, "sdp_mid": "0", "sdp_mline_index": 0} for c in candidates]
            return server.api("PATCH", "/api/offer", {"pc_id": pc_id, "candidates": listed})

        assert patch(HOST_CANDIDATE) == (200, {"status": "success"})
        assert patch()[0] == 200
        assert patch("")[0] == 200  # Firefox's end of candidates
        assert patch(HOST_CANDIDATE.replace("192.0.2.7", "3f0c9d3e-aaaa.local"))[0] == 200
        assert patch(HOST_CANDIDATE.replace("ufrag abcd", "ufrag other"))[0] == 200
        assert patch(*[HOST_CANDIDATE] * 60)[0] == 200
        body = refused(patch(HOST_CANDIDATE, "candidate:nonsense"), 400)
        assert "candidates[1]" in body["detail"]
        refused(patch(HOST_CANDIDATE.replace(" 50000 ", " 0 ")), 400)
        refused(patch(*[HOST_CANDIDATE] * 65), 400)
        refused(patch(HOST_CANDIDATE, pc_id="0" * 32), 404)
        refused(server.api("PATCH", "/api/offer", {"pc_id": call}), 400)
        refused(server.api("PATCH", "/api/offer", {"pc_id": call, "candidates": ["x"]}), 400)
        refused(server.api("PATCH", "/api/offer", {"pc_id": call, "candidates": [{}]}), 400)


def test_all_lines_busy():
    with start("--max-sessions", "2") as server:
        assert [server.api("POST", "/api/offer", offer())[0] for _ in range(2)] == [200, 200]
        status, headers, body = server.request("POST", "/api/offer", json.dumps(offer()), JSON)
        assert status == 503 and int(headers["Retry-After"]) > 0, body
        assert json.loads(body)["detail"] == "all lines are busy"
        assert server.stats()["sessions"]["refused"] == 1


def test_calls_that_never_connect_end():
    with start("--connect-timeout", "1") as server:
        assert server.api("POST", "/api/offer", offer())[0] == 200
        stats = server.await_stats(lambda s: s["sessions"]["active"] == 0)
        assert stats["sessions"]["failed"] == 1
        server.await_stats(lambda s: s["workers"]["busy"] == 0)


def test_many_calls_leave_nothing_behind():
    with start("--connect-timeout", "1", "--workers", "4") as server:
        fds = "/proc/%d/fd" % server.process.pid
        before = None
        for _ in range(3):
            for _ in range(20):
                assert server.api("POST", "/api/offer", offer())[0] == 200
            server.await_stats(lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
            server.await_stats(lambda s: s["workers"]["idle"] == 4)
            before = before or len(os.listdir(fds))
            deadline = time.monotonic() + PATIENCE_S
            while (count := len(os.listdir(fds))) > before + 2:  # they are closed a moment later
                assert time.monotonic() < deadline, (before, count)
                time.sleep(0.1)


PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "media-src 'self' blob: mediastream:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def test_modules_for_other_sites():
    """Modules load from any site, which they can then tell that it is not allowed; the rest only on allowed ones."""
    with tempfile.TemporaryDirectory() as web:
        for name in ("repartee.js", "style.css", "index.html"):
            with open(os.path.join(web, name), "w") as file:
                file.write("1")
        with start("--web", web, "--token", TOKEN, "--cors-origin", SITE) as server:
            for path in ("/repartee.js", "/style.css", "/"):
                status, headers, _ = server.request("GET", path, headers={"Origin": SITE, "Sec-Fetch-Mode": "cors"})
                assert status == 200 and headers["Access-Control-Allow-Origin"] == SITE and headers["Vary"] == "Origin"
                assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
                again = {"Origin": SITE, "If-None-Match": headers["ETag"]}
                status, headers, _ = server.request("GET", path, headers=again)
                assert status == 304 and headers["Access-Control-Allow-Origin"] == SITE
                # The snippet itself loads anywhere, to say what is missing; pages are read by nobody else.
                for origin in ({"Origin": "https://evil.example"}, {}):
                    status, headers, _ = server.request("GET", path, headers=origin)
                    assert status == 200 and headers["Vary"] == "Origin"
                    assert headers["Access-Control-Allow-Origin"] == (None if path == "/" else "*")


def test_files():
    with tempfile.TemporaryDirectory() as top:
        web = os.path.join(top, "web")
        os.makedirs(os.path.join(web, "sub"))
        for name, text in (
            ("web/index.html", "<p>home"),
            ("web/dashboard.html", "<p>dashboard"),
            ("web/app.js", "1"),
            ("web/style.css", "p{}"),
            ("web/sub/index.html", "<p>sub"),
            ("web/.hidden", "no"),
            ("secret.txt", "no"),
        ):
            with open(os.path.join(top, name), "w") as file:
                file.write(text)
        os.symlink(os.path.join(top, "secret.txt"), os.path.join(web, "link.txt"))
        os.mkfifo(os.path.join(web, "pipe.txt"))
        with start("--web", web) as server:
            for path, kind, text in (
                ("/", "text/html", b"<p>home"),
                ("/dashboard", "text/html", b"<p>dashboard"),
                ("/app.js", "text/javascript", b"1"),
                ("/style.css", "text/css", b"p{}"),
                ("/sub/", "text/html", b"<p>sub"),
                ("/app.js?v=1", "text/javascript", b"1"),
                ("/%61pp%2Ejs", "text/javascript", b"1"),
            ):
                status, headers, body = server.request("GET", path)
                assert status == 200 and body == text, (path, status)
                assert headers["Content-Type"].startswith(kind)
                assert headers["X-Content-Type-Options"] == "nosniff"
                assert headers["Cache-Control"] == "no-cache" and headers["ETag"]
                assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
                assert headers["Content-Security-Policy"] == (PAGE_POLICY if kind == "text/html" else None)
                if kind == "text/html":
                    assert "microphone=(self)" in headers["Permissions-Policy"]
            status, headers, body = server.request("HEAD", "/app.js")
            assert status == 200 and body == b"" and headers["Content-Length"] == "1"
            etag = server.request("GET", "/app.js")[1]["ETag"]
            for seen, status in ((etag, 304), ("W/" + etag, 304), ('"x", ' + etag, 304), ("*", 304), ('"x"', 200)):
                got, headers, body = server.request("GET", "/app.js", headers={"If-None-Match": seen})
                assert got == status and headers["ETag"] == etag and (body == b"") == (status == 304), seen
            for method in ("POST", "PUT", "DELETE", "PATCH"):
                status, headers, _ = ask(server, method, "/app.js", "text/plain")
                assert status == 405 and headers["Allow"] == "GET, HEAD, OPTIONS"
            assert server.request("OPTIONS", "/app.js")[0] == 204
            for path in (
                "/../secret.txt",
                "/%2e%2e/secret.txt",
                "/sub/../../secret.txt",
                "/sub/%2e%2e%2f%2e%2e%2fsecret.txt",
                "/..%5csecret.txt",
                "//etc/passwd",
                "/etc/passwd",
                "/.hidden",
                "/link.txt",
                "/pipe.txt",
                "/sub",
                "/app.js%00.html",
                "/app.js%00",
                "/%00",
                "/app.js%",
                "/app.js%6",
                "/app.js%zz",
                "/app.js/",
                "/" + "x" * 5000,
            ):
                raw = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                answer = exchange(server, raw)
                assert b" 404 " in answer.split(b"\r\n")[0], (path, answer[:60])


def test_going_down():
    with start("--drain-timeout", "10") as server:
        assert server.api("POST", "/api/offer", offer())[0] == 200
        server.signal(signal.SIGTERM)
        server.await_log("draining: no new calls; a second signal stops at once")
        # The one call is not connected and cannot end in peace: there is time to look.
        assert server.request("GET", "/readyz")[0] == 503
        assert server.request("GET", "/healthz")[0] == 200
        status, headers, _ = server.request("POST", "/api/offer", json.dumps(offer()), JSON)
        assert status == 503 and headers["Retry-After"]
        assert server.wait() == 0


def test_going_down_at_once():
    with start("--drain-timeout", "600") as server:
        assert server.api("POST", "/api/offer", offer())[0] == 200
        began = time.monotonic()
        server.signal(signal.SIGINT)
        server.await_log("draining: no new calls; a second signal stops at once")
        server.signal(signal.SIGINT)
        assert server.wait() == 0
        assert time.monotonic() - began < 60  # of 600


def run(*options):
    return subprocess.run([BINARY, *options], capture_output=True, text=True, timeout=PATIENCE_S)


def test_exit_codes():
    with tempfile.TemporaryDirectory() as agent:
        basic = ("--agent", agent, "--worker", WORKER)
        assert run("--version").stdout.startswith("repartee ")
        assert "--listen" in run("--help").stdout
        shown = run(*basic, "--check-config")
        assert shown.returncode == 0 and json.loads(shown.stdout)["max_sessions"] == 100
        bad = run(*basic, "--max-sessions", "many")
        assert bad.returncode == 2 and "--max-sessions" in bad.stderr and bad.stdout == ""
        public = run(*basic, "--listen", "0.0.0.0:0")
        assert public.returncode == 2 and "--no-auth" in public.stderr
        bad_agent = os.path.join(agent, "bad-config")
        os.mkdir(bad_agent)
        useless = run("--agent", bad_agent, "--worker", WORKER, "--listen", "127.0.0.1:0")
        assert useless.returncode == 2 and "no greeting" in useless.stderr, useless
        with socket.create_server(("127.0.0.1", 0)) as taken:
            busy = run(*basic, "--listen", "127.0.0.1:%d" % taken.getsockname()[1])
            assert busy.returncode == 1 and "cannot listen" in busy.stderr


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
