"""Who may use the server's HTTP side: keys, tokens, sites of others, names for the machine, at every kind of route.

usage: access-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import base64
import hashlib
import hmac
import json
import socket
import sys
import time

sys.path.insert(0, sys.argv[3])
from serverfixture import JSON, OFFER, PATIENCE_S, ask, assert_log_is_clean, exchange, offer, refused, run_tap, start  # noqa: E402

TOKEN = "correct-horse-battery"
# method, path, who may come, type of the body
KEY, CALL, JOIN, ANYBODY = "key", "call", "join", "anybody"
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
ROUTES = (
    ("GET", "/api/agents", CALL, None),
    ("POST", "/api/offer", JOIN, "application/json"),
    ("PATCH", "/api/offer", JOIN, "application/json"),
    ("POST", "/api/token", KEY, "application/json"),
    ("POST", "/start", CALL, "application/json"),
    ("POST", "/sessions/x/api/offer", JOIN, "application/json"),
    ("PATCH", "/sessions/x/api/offer", JOIN, "application/json"),
    ("POST", "/whip", CALL, SDP),
    ("POST", "/whip/agent", CALL, SDP),
    ("PATCH", "/whip/call/x", JOIN, FRAGMENT),
    ("DELETE", "/whip/call/x", JOIN, None),
    ("GET", "/stats", KEY, None),
    ("GET", "/stats/history", KEY, None),
    ("GET", "/stats/calls/x", KEY, None),
    ("GET", "/metrics", KEY, None),
    ("GET", "/status", ANYBODY, None),
    ("GET", "/healthz", ANYBODY, None),
    ("GET", "/readyz", ANYBODY, None),
)
# What the handlers say to a request that has come so far.
THROUGH = {200, 400, 404}
SITE = "https://site.example"
STRANGER = "https://evil.example"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(secret=TOKEN, label="repartee access token 1", claims=None, **members):
    """A token as the server makes it, by another implementation."""
    key = hmac.new(secret.encode(), label.encode(), hashlib.sha256).digest()
    if claims is None:
        claims = json.dumps({"exp": int(time.time()) + 600, **members}).encode()
    text = base64url(claims)
    return text + "." + base64url(hmac.new(key, text.encode(), hashlib.sha256).digest())


def bearer(token, **headers):
    return {"Authorization": "Bearer " + token, **headers}


def test_methods_types_and_sizes_of_every_route():
    with start() as server:
        for method, path, _, kind in ROUTES:
            status, headers, _ = ask(server, "PUT", path, None)
            assert status == 405 and method in headers["Allow"], (path, status)
            status, headers, body = server.request("OPTIONS", path)
            assert status == 204 and body == b"" and method in headers["Allow"], (path, status)
            accepted = headers["Accept-Patch" if method == "PATCH" else "Accept-Post"]
            assert kind is None or accepted == kind, (path, accepted)
            if method == "GET":
                status, _, body = server.request("HEAD", path)
                assert status in THROUGH and body == b"", (path, status)
            if kind is None:
                continue
            for wrong in ("text/plain", kind + "x", "application/x-www-form-urlencoded", "", "x" * 9000):
                status, headers, _ = ask(server, method, path, wrong or "x")
                assert status == 415, (path, wrong[:40], status)
                assert headers["Accept-Patch" if method == "PATCH" else "Accept-Post"] == kind
            status, _, _ = ask(server, method, path, kind, body=b"x" * 66000)
            assert status == 413, (path, status)
            status, _, _ = ask(server, method, path, kind, body=(b"x" * 1000 for _ in range(100)))
            assert status == 413, (path, status)
            raw = "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n\r\n" % (method, path, kind)
            assert b" 411 " in exchange(server, raw.encode()).split(b"\r\n")[0], path


def test_sites_of_strangers_at_every_route():
    with start("--cors-origin", SITE + ",http://b.example:81") as server:
        own = "http://127.0.0.1:%d" % server.port
        strangers = (
            STRANGER,
            SITE + ".evil.example",
            SITE + ":444",
            SITE.replace("https", "http"),
            "http://127.0.0.1:%d" % (server.port - 1),
            "http://localhost:%d" % server.port,  # not the host that was asked
            "null",
            SITE + ", " + STRANGER,
            "",
        )
        for method, path, _, kind in ROUTES:
            for verb in (method, "OPTIONS", "PUT"):
                for origin in strangers:
                    status, headers, error = ask(server, verb, path, kind, {"Origin": origin})
                    assert status == 403 and "--cors-origin" in error["info"], (verb, path, origin, status)
                    assert headers["Access-Control-Allow-Origin"] is None
                for origin in (SITE, SITE.upper(), SITE + ":443", "http://b.example:81"):
                    status, headers, _ = ask(server, verb, path, kind, {"Origin": origin})
                    assert status != 403, (verb, path, origin)
                    assert headers["Access-Control-Allow-Origin"] == origin and "Origin" in headers["Vary"]
                    for exposed in ("Location", "ETag", "Link", "Retry-After"):
                        assert exposed in headers["Access-Control-Expose-Headers"]
                assert ask(server, verb, path, kind, {"Origin": own})[0] != 403, (verb, path)
                # Behind a proxy that changes Host, the browser's own word counts.
                fetch = {"Origin": "https://voice.example", "Sec-Fetch-Site": "same-origin"}
                assert ask(server, verb, path, kind, fetch)[0] != 403, (verb, path)
                fetch["Sec-Fetch-Site"] = "same-site"
                assert ask(server, verb, path, kind, fetch)[0] == 403, (verb, path)
        # The operator hears of each once, and of no more than can be read.
        message = "refused a page of another site: see --cors-origin"
        for i in range(100):
            ask(server, "POST", "/api/offer", "application/json", {"Origin": "https://a%d.example" % i})
        deadline = time.monotonic() + PATIENCE_S
        told = []
        while len(told) < 32 and time.monotonic() < deadline:
            records = [record for record in server.records() if record["message"] == message]
            # What is no name of a site is not told.
            told = [record.get("origin", i) for i, record in enumerate(records)]
        assert STRANGER in told and len(told) == len(set(told)) == 32, told
        assert server.stats()["sessions"]["total"] == 0


def test_preflight():
    with start("--cors-origin", SITE) as server:
        for method, path, _, _ in ROUTES:
            wanted = {
                "Origin": SITE,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "authorization,content-type,if-match,x-evil",
            }
            status, headers, _ = server.request("OPTIONS", path, headers=wanted)
            assert status == 204 and headers["Access-Control-Allow-Origin"] == SITE
            assert method in headers["Access-Control-Allow-Methods"].split(", ")
            allowed = headers["Access-Control-Allow-Headers"].lower().split(", ")
            assert allowed == ["content-type", "authorization", "if-match"]
            assert headers["Access-Control-Allow-Credentials"] is None
    with start("--cors-origin", "*") as server:
        for origin in (STRANGER, "null"):
            headers = server.request("GET", "/healthz", headers={"Origin": origin})[1]
            assert headers["Access-Control-Allow-Origin"] == origin


def test_other_names_for_this_machine():
    foreign = (
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "192.0.2.1",
        "x y",
        "",
    )
    local = ("localhost", "LOCALHOST:1234", "127.0.0.1:8080", "[::1]:8080", "127.8.8.8")
    paths = [(method, path, kind) for method, path, _, kind in ROUTES]
    paths += [("GET", "/", None), ("GET", "/nothing", None), ("OPTIONS", "/stats", None)]
    with start() as server:
        for method, path, kind in paths:
            for host in foreign:
                status, _, error = ask(server, method, path, kind, {"Host": host})
                assert status == 403 and "--token" in error["info"], (path, host, status)
            for host in local:
                assert ask(server, method, path, kind, {"Host": host})[0] != 403, (path, host)
        # A page that was rebound is of its own origin to the browser.
        rebound = {"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}
        assert ask(server, "POST", "/api/offer", JSON["Content-Type"], rebound)[0] == 403
    for options in (("--token", TOKEN), ("--no-auth",)):
        with start(*options) as server:
            for method, path, kind in paths:
                assert ask(server, method, path, kind, {"Host": "voice.example"})[0] != 403, (options, path)


def test_headers_of_which_there_must_be_one():
    with start("--token", TOKEN) as server:
        auth = "Authorization: Bearer %s\r\n" % TOKEN
        for text, status in (
            ("GET /healthz HTTP/1.1\r\n", 400),
            ("GET /healthz HTTP/1.0\r\n", 200),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 400),
            ("GET /healthz HTTP/1.1\r\nHost: a\r\nhost: a\r\n", 400),
            ("GET /stats HTTP/1.1\r\nHost: a\r\n" + auth, 200),
            ("GET /stats HTTP/1.1\r\nHost: a\r\n" + auth + auth, 400),
            ("GET /stats HTTP/1.1\r\nHost: a\r\n" + auth + "Origin: http://a\r\nOrigin: http://b\r\n", 400),
        ):
            answer = exchange(server, (text + "Connection: close\r\n\r\n").encode())
            assert b" %d " % status in answer.split(b"\r\n")[0], (text, answer[:40])


def test_tokens_at_every_route():
    garbled = ("x", "." * 60, forge()[:-1], forge() + "x", forge().replace(".", ""), "A" * 20000, "\xff" * 60)
    with start("--token", TOKEN, "--cors-origin", SITE) as server:
        for method, path, who, kind in ROUTES:

            def status_of(**headers):
                status, answer, error = ask(server, method, path, kind, headers)
                assert status != 401 or answer["WWW-Authenticate"].startswith("Bearer "), (method, path)
                assert status != 401 or "/api/token" in error["info"], error
                return status, error["detail"] if error else ""

            if who == ANYBODY:
                assert status_of()[0] == 200 and status_of(Authorization="Bearer x")[0] == 200
                continue
            for value in ("", TOKEN, "Bearer", "Bearer ", "Basic " + TOKEN):
                assert status_of(Authorization=value)[0] == 401, (path, value)
            for value in (TOKEN[:-1], TOKEN + "x"):
                assert status_of(**bearer(value))[0] == 401, (path, value)
            assert status_of()[0] == 401
            for value in ("Bearer ", "bearer ", "BEARER  "):
                assert status_of(Authorization=value + TOKEN)[0] in THROUGH, (path, value)
            forged = (forge(secret=TOKEN + "x"), forge(label=""), forge(claims=b"{}"), forge(admin=True))
            for value in garbled + forged:
                assert status_of(**bearer(value))[0] == 401, (path, value[:80])
            far = forge(exp=int(time.time()) + 10 * 86400)
            assert status_of(**bearer(far))[0] == 401, path

            status, detail = status_of(**bearer(forge()))
            assert status in (THROUGH if who != KEY else {403}), (path, status)
            expired = forge(exp=int(time.time()) - 1)
            status, detail = status_of(**bearer(expired))
            if who == CALL:
                assert status == 401 and "expired" in detail, (path, status)
            else:
                assert status in (THROUGH if who == JOIN else {403}), (path, status)
            bound = forge(origin=SITE)
            for origin in (None, "http://127.0.0.1:%d" % server.port):
                headers = bearer(bound, **({"Origin": origin} if origin else {}))
                assert status_of(**headers)[0] == 403, (path, origin)
            status, _ = status_of(**bearer(bound, Origin=SITE))
            assert status in (THROUGH if who != KEY else {403}), (path, status)
            # What has expired is bound all the same.
            bound = forge(origin="https://other.example", exp=1)
            assert status_of(**bearer(bound, Origin=SITE))[0] in (401, 403), path
        good = bearer(TOKEN)
        assert server.api("POST", "/api/offer", offer(), good)[0] == 200
        assert server.api("POST", "/api/offer", offer(), bearer(forge()))[0] == 200
        assert json.loads(server.request("GET", "/stats", headers=good)[2])["sessions"]["total"] == 2
        assert_log_is_clean(server, TOKEN, forge()[:20])


def test_tokens_of_pages_from_this_server():
    """A page's GET to its own server says nothing of its origin, but the browser says that it is its own."""
    with start("--token", TOKEN) as server:
        own = "http://127.0.0.1:%d" % server.port
        for origin, headers, through in (
            (own, {"Origin": own}, True),
            (own, {"Sec-Fetch-Site": "same-origin"}, True),
            (own, {}, False),
            (own, {"Sec-Fetch-Site": "cross-site"}, False),
            (SITE, {"Sec-Fetch-Site": "same-origin"}, False),
        ):
            headers = bearer(forge(origin=origin), **headers)
            status = ask(server, "PATCH", "/api/offer", "application/json", headers)[0]
            assert (status == 400) == through and status in (400, 403), (origin, headers, status)


def test_expired_tokens_go_on_and_begin_nothing():
    with start("--token", TOKEN) as server:
        now = int(time.time())
        good, expired = bearer(forge()), bearer(forge(exp=now - 1))
        other = bearer(forge(agent="somebody", exp=now - 1))
        call = server.api("POST", "/api/offer", offer(), good)[1]["pc_id"]
        session = "/sessions/%s/api/offer" % server.api("POST", "/start", {}, good)[1]["sessionId"]
        for path in ("/api/offer", session):
            for pc_id in (None, "0" * 32):
                body = refused(server.api("POST", path, offer(pc_id=pc_id), expired), 401)
                assert "expired" in body["detail"], body
        candidates = {"pc_id": call, "candidates": []}
        assert server.api("PATCH", "/api/offer", candidates, expired)[0] == 200
        assert server.api("POST", "/api/offer", offer(pc_id=call, restart_pc=True), expired)[0] == 200
        refused(server.api("PATCH", "/api/offer", candidates, other), 403)
        refused(server.api("POST", "/api/offer", offer(pc_id=call), other), 403)
        assert json.loads(server.request("GET", "/stats", headers=bearer(TOKEN))[2])["sessions"]["total"] == 1


def test_tokens_of_another_agent():
    with start("--token", TOKEN) as server:
        own, other = bearer(forge(agent="agent")), bearer(forge(agent="somebody"))
        sdp = {"Content-Type": "application/sdp"}
        for path, body, kind in (
            ("/api/offer", json.dumps(offer()), JSON),
            ("/api/offer", json.dumps(offer(request_data={"agent": "agent"})), JSON),
            ("/start", json.dumps({"body": {"agent": "agent"}}), JSON),
            ("/whip", OFFER, sdp),
            ("/whip/agent", OFFER, sdp),
        ):
            assert server.request("POST", path, body, {**kind, **own})[0] in (200, 201), path
            status, _, answer = server.request("POST", path, body, {**kind, **other})
            # There is nobody of that name when the request does not say another.
            assert status == (403 if "agent" in path + body else 404), (path, status, answer)
            assert json.loads(answer)["info"]


def test_making_tokens():
    with start("--token", TOKEN, "--cors-origin", SITE) as server:

        def make(body, **headers):
            return server.api("POST", "/api/token", body, bearer(TOKEN, **headers))

        now = int(time.time())
        for body, life_s in (
            ({}, 600),
            ({"expires_in_s": 10}, 10),
            ({"expires_in_s": 86400, "agent": "agent"}, 86400),
            ({"origin": SITE}, 600),
            ({"origin": None, "agent": None, "expires_in_s": None}, 600),
        ):
            status, made = make(body)
            assert status == 200 and abs(made["expires_at"] - now - life_s) < 30, made
            expected = {name: value for name, value in body.items() if value and name != "expires_in_s"}
            assert {name: made[name] for name in ("agent", "origin") if name in made} == expected
            claims = json.dumps({"exp": made["expires_at"], **expected}, separators=(",", ":"))
            assert made["token"] == forge(claims=claims.encode())
            headers = bearer(made["token"], Origin=SITE)
            assert server.api("POST", "/api/offer", offer(), headers)[0] == 200, body
            # A token makes no tokens.
            refused(server.api("POST", "/api/token", {}, headers), 403)
        for body in (
            [],
            {"expires_in_s": 9},
            {"expires_in_s": 86401},
            {"expires_in_s": 1e300},
            {"expires_in_s": "600"},
            {"expires_in_s": -600},
            {"agent": "x" * 129},
            {"agent": 5},
            {"origin": "shop.example"},
            {"origin": "https://shop.example/"},
            {"origin": "null"},
            {"origin": "*"},
            {"origin": "https://" + "x" * 300},
            {"orgin": SITE},
        ):
            refused(make(body), 400)
        for agent in ("nobody", "", "agent\n"):
            body = refused(make({"agent": agent}), 404)
            assert "agent" in body["info"]
    with start() as server:
        body = refused(server.api("POST", "/api/token", {}), 409)
        assert "--token-file" in body["info"]


def test_paths_nobody_knows():
    with start("--cors-origin", SITE) as server:
        for path in (
            "/api",
            "/api/",
            "/api/offer/",
            "/api/offer/x",
            "/api/../api/offer",
            "/API/offer",
            "/sessions",
            "/sessions/x",
            "/stats/x/y/z",
            "/v1/realtime/calls",
            "/whip/a/b/c/d",
            "/metrics/x",
            "/status/x",
            "/start/x",
            "/nothing.html",
            "/%2e%2e/etc/passwd",
        ):
            for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS", "PUT", "BREW"):
                status, _, _ = ask(server, method, path, None)
                assert status == 404, (method, path, status)
            assert ask(server, "HEAD", path, None)[0] == 404


def test_bodies_that_are_asked_for_first():
    """Who waits for "100 Continue" gets a refusal at once and sends nothing in vain."""
    with start("--token", TOKEN) as server:
        for header, status in (
            ("Content-Length: 100000\r\nAuthorization: Bearer %s\r\n" % TOKEN, 413),
            ("Content-Length: 100\r\n", 401),
        ):
            raw = "POST /api/offer HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
            answer = exchange(server, (raw + header + "\r\n").encode())
            assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:60]
        assert server.request("GET", "/healthz")[0] == 200


def is_served(connection):
    try:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"status": "ok"}\n'):
            piece = connection.recv(4096)
            if not piece:
                return False
            answer += piece
        return True
    except OSError:
        return False


def test_connections_of_one_address():
    with start("--max-per-address", "3") as server:

        def connect():
            return socket.create_connection(("127.0.0.1", server.port), 10)

        def until(condition):
            deadline = time.monotonic() + PATIENCE_S
            while not condition():
                assert time.monotonic() < deadline

        kept = []

        def all_served():  # those of the start may still be closing
            for connection in kept:
                connection.close()
            kept[:] = [connect() for _ in range(3)]
            return all(is_served(connection) for connection in kept)

        until(all_served)
        one_more = connect()
        assert not is_served(one_more)
        assert all(is_served(connection) for connection in kept)
        for connection in kept + [one_more]:
            connection.close()
        until(lambda: is_served(connect()))


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
