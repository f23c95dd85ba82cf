"""Agents, sessions and WHIP: what the API takes and refuses, and calls through it (aiortc).

usage: api-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import asyncio
import base64
import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, RTCPeerConnection, off, with_server  # noqa: E402
from serverfixture import OFFER, PATIENCE_S, free_port, offer, run_tap, start  # noqa: E402

try:
    from aiortc import RTCSessionDescription
    from aiortc.mediastreams import AudioStreamTrack
except ImportError:
    pass

KEY = "0123456789abcdef0123"
SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
TWO = ("agent", "witness")


def error_of(reply):
    """Checks that a refusal is of use; returns what it says."""
    status, _, body = reply
    value = json.loads(body)
    assert value["detail"] and value["info"], (status, value)
    return value["detail"]


def refuses(server, expected, method, path, body=None, headers=None, says=""):
    reply = server.request(method, path, body, headers)
    assert reply[0] == expected, (expected, method, path, reply[0], reply[2])
    detail = error_of(reply)
    assert says in detail, (says, detail)
    return reply


def bearer(token):
    return {"Authorization": "Bearer " + token}


def token_of(running, **order):
    status, reply = running.api("POST", "/api/token", order, bearer(KEY))
    assert status == 200, reply
    return bearer(reply["token"])


# --- agents ---


def test_agents_are_listed():
    with start(agents=TWO) as running:
        status, _, body = running.request("GET", "/api/agents")
        assert status == 200
        assert json.loads(body) == {
            "agents": [
                {"name": "agent", "title": "The agent", "description": "Does as it is told."},
                {"name": "witness", "title": "The witness", "description": "Does as it is told."},
            ],
            "default": "agent",
            "iceServers": [],
        }
        status, _, body = running.request("GET", "/status")
        assert (status, json.loads(body)) == (200, {"status": "ready", "transports": ["webrtc", "whip"]})


def test_unknown_agents():
    with start(agents=TWO) as running:
        for name in ("request_data", "requestData"):
            status, reply = running.api("POST", "/api/offer", offer(**{name: {"agent": "x"}}))
            assert status == 404 and reply["detail"] == 'there is no agent "x"', (status, reply)
            assert '"agent", "witness"' in reply["info"], reply
        status, reply = running.api("POST", "/start", {"body": {"agent": "x"}})
        assert status == 404 and reply["detail"] == 'there is no agent "x"', (status, reply)
        refuses(running, 404, "POST", "/whip/x", OFFER, SDP, says='"x"')
        assert running.stats()["sessions"]["total"] == 0


def test_request_data_is_checked():
    with start() as running:
        for data, expected in (
            ({"a": "x" * 8300}, 413),
            ({"agent": 7}, 400),
            ({"agent": "x" * 65}, 400),
            ("text", 400),
            ([], 400),
        ):
            for name in ("request_data", "requestData"):
                status, reply = running.api("POST", "/api/offer", offer(**{name: data}))
                assert status == expected and name in reply["detail"], (name, status, reply)
            status, reply = running.api("POST", "/start", {"body": data})
            assert status == expected and "body" in reply["detail"], (status, reply)
        assert running.stats()["sessions"]["total"] == 0


def test_tokens_for_one_agent():
    with start("--token", KEY, agents=TWO) as running:
        witness = token_of(running, agent="witness")
        any_agent = token_of(running)
        listed = json.loads(running.request("GET", "/api/agents", headers=witness)[2])
        assert [a["name"] for a in listed["agents"]] == ["witness"] and listed["default"] == "witness", listed
        listed = json.loads(running.request("GET", "/api/agents", headers=any_agent)[2])
        assert len(listed["agents"]) == 2 and listed["default"] == "agent"
        # Whom the token names answers unless another is asked for, and then nobody does.
        status, mine = running.api("POST", "/api/offer", offer(), witness)
        assert status == 200
        calls = json.loads(running.request("GET", "/stats", headers=bearer(KEY))[2])["calls"]
        assert [call["agent"] for call in calls] == ["witness"]
        other = offer(request_data={"agent": "agent"})
        status, reply = running.api("POST", "/api/offer", other, witness)
        assert status == 403, (status, reply)
        status, reply = running.api("POST", "/start", {"body": {"agent": "agent"}}, witness)
        assert status == 403, (status, reply)
        refuses(running, 403, "POST", "/whip/agent", OFFER, {**SDP, **witness})
        # Another agent's call is not to be joined, not even by who knows its id.
        status, theirs = running.api("POST", "/api/offer", other, any_agent)
        assert status == 200
        patch = {"pc_id": theirs["pc_id"], "candidates": []}
        assert running.api("PATCH", "/api/offer", patch, witness)[0] == 403
        assert running.api("PATCH", "/api/offer", patch, any_agent)[0] == 200
        again = offer(pc_id=theirs["pc_id"])
        assert running.api("POST", "/api/offer", again, witness)[0] == 403
        patch["pc_id"] = mine["pc_id"]
        assert running.api("PATCH", "/api/offer", patch, witness)[0] == 200


# --- STUN and TURN ---


def check_turn_credentials(server, urls, lifetime_s):
    assert server["urls"] == urls, server
    until, who = server["username"].split(":")
    assert abs(int(until) - time.time() - lifetime_s) < 60, server
    assert re.fullmatch("[0-9a-f]{8}", who), server
    mac = hmac.new(KEY.encode(), server["username"].encode(), hashlib.sha1).digest()
    assert server["credential"] == base64.b64encode(mac).decode(), server


def test_ice_servers_are_told():
    stun, turn = ["stun:stun.example:3478"], ["turn:turn.example", "turns:turn.example:443"]
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write(KEY + "\n")
        secret.flush()
        options = ["--stun", stun[0], "--turn", ",".join(turn), "--turn-secret-file", secret.name, "--turn-lifetime", "1200"]
        with start(*options) as running:
            _, _, body = running.request("GET", "/api/agents")
            lists = [json.loads(body)["iceServers"]]
            for wish in ({}, {"enableDefaultIceServers": True}):
                lists.append(running.api("POST", "/start", wish)[1]["iceConfig"]["iceServers"])
            for servers in lists:
                assert servers[0] == {"urls": stun} and len(servers) == 2, servers
                check_turn_credentials(servers[1], turn, 1200)
            assert len({servers[1]["username"] for servers in lists}) == 3, lists
            # RFC 9725 section 4.6
            status, headers, _ = running.request("POST", "/whip", OFFER, SDP)
            links = headers.get_all("Link")
            assert status == 201 and links[0] == '<stun:stun.example:3478>; rel="ice-server"', links
            for link, url in zip(links[1:], turn, strict=True):
                found = re.fullmatch(
                    '<(.*)>; rel="ice-server"; username="(.*)"; credential="(.*)"; credential-type="password"', link
                )
                assert found and found[1] == url, link
                check_turn_credentials({"urls": turn, "username": found[2], "credential": found[3]}, turn, 1200)
            text = "\n".join(running.log)
            assert KEY not in text and lists[0][1]["credential"] not in text
    with start() as running:
        assert running.request("POST", "/whip", OFFER, SDP)[1].get("Link") is None


# --- where media may come ---


def test_candidates():
    """Each UDP socket at its own address and, with the same port, at the public ones; one TCP port for all."""
    tcp_port = free_port()
    public = ("203.0.113.5", "203.0.113.6")
    options = ["--ice-address", "127.0.0.1", "--public-address", ",".join(public + ("2001:db8::5",))]
    with start("--ice-tcp", str(tcp_port), *options) as running:
        status, reply = running.api("POST", "/api/offer", offer())
        assert status == 200, reply
        line = "a=candidate:([^ ]+) 1 (udp|tcp) ([0-9]+) ([^ ]+) ([0-9]+) typ host(?: tcptype (.*))?\r\n"
        found = re.findall(line, reply["sdp"])
        assert len(found) == reply["sdp"].count("a=candidate:"), reply["sdp"]
        ways = [(protocol, address, kind) for _, protocol, _, address, _, kind in found]
        addresses = ("127.0.0.1",) + public
        assert sorted(ways) == sorted(w for a in addresses for w in (("udp", a, ""), ("tcp", a, "passive"))), ways
        assert [way[0] for way in ways] == ["udp"] * 3 + ["tcp"] * 3, ways
        assert len({port for _, protocol, _, _, port, _ in found if protocol == "udp"}) == 1, found
        assert {int(port) for _, protocol, _, _, port, _ in found if protocol == "tcp"} == {tcp_port}, found
        priorities = [int(priority) for _, _, priority, _, _, _ in found]
        assert priorities == sorted(priorities, reverse=True) and len({f[0] for f in found}) == len(found), found
        # It is listened on, and says nothing to who does not know a call.
        with socket.create_connection(("127.0.0.1", tcp_port)) as stranger:
            stranger.settimeout(PATIENCE_S)
            stranger.sendall(b"\0\4ping")
            assert stranger.recv(1) == b""
        assert running.stats()["ice_tcp"] == {"open": 0, "accepted": 1, "refused": 1, "dropped": 0}
        with subprocess.Popen(
            [*sys.argv[1:2], "--listen", "127.0.0.1:0", "--ice-tcp", str(tcp_port), "--ice-address", "127.0.0.1"],
            stderr=subprocess.PIPE,
            text=True,
        ) as second:
            _, log = second.communicate(timeout=PATIENCE_S)
            assert second.returncode == 1 and "TCP port %d of 127.0.0.1" % tcp_port in log, log


# --- sessions ---


def start_session(running, value=None, **named):
    status, reply = running.api("POST", "/start", {} if value is None else value, **named)
    assert status == 200, (status, reply)
    assert reply["iceConfig"] == {"iceServers": []}
    return "/sessions/%s/api/offer" % reply["sessionId"]


def test_start_is_checked():
    with start("--max-sessions", "1") as running:
        status, _, body = running.request("POST", "/start", "", {"Content-Type": "application/json"})
        assert status == 200 and re.fullmatch("[0-9a-f]{32}", json.loads(body)["sessionId"])
        for transport in ("webrtc", "smallwebrtc"):
            start_session(running, {"transport": transport, "enableDefaultIceServers": True, "body": {}})
        assert running.api("POST", "/start", {"transport": "daily"})[0] == 400
        assert running.api("POST", "/start", {"body": 5})[0] == 400
        assert running.api("POST", "/start", [])[0] == 400
        refuses(running, 415, "POST", "/start", "{}", {"Content-Type": "text/plain"})
        assert running.request("GET", "/start")[0] == 405
        # As many as may wait; none of them holds a worker or a line.
        made = 3
        while True:
            status, _, body = reply = running.request("POST", "/start", "{}", {"Content-Type": "application/json"})
            if status != 200:
                break
            made += 1
        assert status == 503 and made == 16 and reply[1]["Retry-After"], (reply, made)
        assert "sessions" in error_of(reply)
        assert running.stats()["workers"]["busy"] == 0 and running.stats()["sessions"]["active"] == 0


def test_sessions_are_looked_up():
    with start() as running:
        for session, expected in (("f" * 32, 404), ("x" * 129, 404), ("%20", 404)):
            path = "/sessions/%s/api/offer" % session
            assert running.api("POST", path, offer())[0] == expected
            patch = {"pc_id": "x", "candidates": []}
            assert running.api("PATCH", path, patch)[0] == expected
        path = start_session(running)
        status, reply = running.api("PATCH", path, {"pc_id": "x", "candidates": []})
        assert status == 404 and "pc_id" in reply["detail"], reply
        # The calls of others are no part of it.
        status, other = running.api("POST", "/api/offer", offer())
        assert running.api("PATCH", path, {"pc_id": other["pc_id"], "candidates": []})[0] == 404
        status, own = running.api("POST", path, offer(pc_id=other["pc_id"]))
        assert status == 200 and own["pc_id"] != other["pc_id"]
        assert running.api("PATCH", path, {"pc_id": own["pc_id"], "candidates": []})[0] == 200


@with_server(agents=TWO)
async def test_a_call_in_a_session(running):
    path = await off(start_session, running, {"body": {"agent": "witness", "caller_name": "Ada"}})
    caller = await Caller(running, path).dial()
    report = await caller.report()
    assert report["start"]["agent"] == "witness", report
    assert report["start"]["request_data"] == {"agent": "witness", "caller_name": "Ada"}, report
    # The same call by its pc_id, over a new connection.
    identity = caller.pc_id
    await caller.dial(ready=False, restart=True)
    assert caller.pc_id == identity
    await caller.report()
    # A new offer is a new call, and the end of the former.
    other = await Caller(running, path).dial()
    assert other.pc_id != identity
    await caller.expect("signalling", lambda m: m["message"]["type"] == "peerLeft")
    await off(running.await_stats, lambda s: s["sessions"]["active"] == 1)
    # What the offer itself says counts more.
    third = await Caller(running, path, requestData={"topic": "rooms"}).dial()
    report = await third.report()
    assert report["start"]["request_data"] == {"topic": "rooms"}, report
    assert report["start"]["agent"] == "witness", report
    for one in (caller, other, third):
        await one.close()
    await off(running.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
    # It outlives its calls for a while.
    last = await Caller(running, path).dial()
    await last.close()


@with_server(agents=TWO)
async def test_a_call_with_request_data(running):
    data = {"agent": "witness", "name": "Zoë \u2028", "deep": [{"a": [1, 2.5, None, True]}]}
    caller = await Caller(running, request_data=data).dial()
    assert (await caller.report())["start"]["request_data"] == data
    # A worker that takes over is told the same.
    caller.tell("checkpoint here")
    caller.tell("crash")
    await off(running.await_log, "worker lost")
    report = await caller.report_until(lambda r: r["resumed"] == "here")
    assert report["start"]["request_data"] == data and report["start"]["agent"] == "witness"
    plain = await Caller(running).dial()
    start_frame = (await plain.report())["start"]
    assert start_frame["agent"] == "agent" and "request_data" not in start_frame
    calls = (await off(running.stats))["calls"]
    assert sorted(call["agent"] for call in calls) == ["agent", "witness"]
    await caller.close()
    await plain.close()


def test_a_session_with_all_lines_busy():
    with start("--max-sessions", "1") as running:
        path = start_session(running)
        status, first = running.api("POST", path, offer())
        assert status == 200, first
        # Its own line is free for it, and for nobody else.
        status, second = running.api("POST", path, offer())
        assert status == 200 and second["pc_id"] != first["pc_id"], second
        assert running.api("POST", "/api/offer", offer())[0] == 503
        assert running.api("PATCH", path, {"pc_id": second["pc_id"], "candidates": []})[0] == 200


@with_server("--drain-timeout", "60")
async def test_a_session_of_a_server_that_goes_down(running):
    path = await off(start_session, running)
    caller = await Caller(running, path).dial()
    running.signal(signal.SIGTERM)
    await off(running.await_log, "draining: no new calls; a second signal stops at once")
    status, reply = await off(running.api, "POST", path, offer())
    assert status == 503 and "going down" in reply["detail"], (status, reply)
    # Calls that run are left in peace.
    await caller.report()
    await caller.report_until(lambda r: r["audio_frames"] > 50)
    await caller.close()
    assert await off(running.wait) == 0


def test_restarts_are_counted():
    """Each makes sockets and a handshake on the loop that carries the media of others."""
    with start() as running:
        status, reply = running.api("POST", "/api/offer", offer())
        again = offer(pc_id=reply["pc_id"], restart_pc=True)
        for number in range(20):
            status, reply = running.api("POST", "/api/offer", again)
            assert status == 200 and reply["pc_id"] == again["pc_id"], (number, reply)
        # Of its ICE, too: a new connection does not begin to count anew.
        other = offer(pc_id=reply["pc_id"], sdp=OFFER.replace("abcd", "efgh"))
        for one in (again, other):
            status, reply = running.api("POST", "/api/offer", one)
            assert status == 400 and "within 60 s" in reply["detail"], (status, reply)
        # What is no restart is free.
        assert running.api("POST", "/api/offer", offer(pc_id=again["pc_id"]))[0] == 200


# --- WHIP ---


def test_whip_calls_are_whips():
    """An offer of another protocol would restart its ICE without a new ETag."""
    with start() as running:
        location, etag, _ = create(running, audio_offer())
        identity = location.split("/")[-1]
        assert running.api("PATCH", "/api/offer", {"pc_id": identity, "candidates": []})[0] == 404
        status, other = running.api("POST", "/api/offer", offer(pc_id=identity))
        assert status == 200 and other["pc_id"] != identity, other
        refuses(running, 404, "DELETE", "/whip/call/" + other["pc_id"])
        assert running.request("PATCH", location, fragment(), {**FRAGMENT, "If-Match": etag})[0] == 204


def audio_offer(direction="sendonly"):
    """The offer of a WHIP client that never connects: one audio line."""
    audio = OFFER[: OFFER.index("m=application")].replace("BUNDLE 0 1", "BUNDLE 0")
    return audio.replace("a=sendrecv", "a=" + direction)


def create(running, sdp, path="/whip"):
    status, headers, body = running.request("POST", path, sdp, SDP)
    assert status == 201, (status, body)
    assert headers["Content-Type"] == "application/sdp"
    assert re.fullmatch("/whip/call/[0-9a-f]{32}", headers["Location"]), headers["Location"]
    assert re.fullmatch('"[^"]+"', headers["ETag"])
    return headers["Location"], headers["ETag"], body.decode()


def fragment(ufrag="abcd", pwd="0123456789abcdefghijklmn", candidate="candidate:1 1 udp 2122260223 192.0.2.7 5000 typ host"):
    lines = ["a=ice-ufrag:" + ufrag, "a=ice-pwd:" + pwd, "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"]
    return "".join(line + "\r\n" for line in lines + ["a=" + candidate] * bool(candidate))


def test_whip_offers_are_checked():
    with start("--max-sessions", "1") as running:
        for sdp in ("", "nonsense", audio_offer("recvonly"), audio_offer("inactive"), OFFER.replace("opus", "sorbus")):
            refuses(running, 400, "POST", "/whip", sdp, SDP, says="sdp")
        refuses(running, 400, "POST", "/whip", OFFER.replace("m=audio 9", "m=audio 0"), SDP, says="no audio")
        refuses(running, 415, "POST", "/whip", OFFER, {"Content-Type": "application/json"})
        refuses(running, 413, "POST", "/whip", "v=0\r\n" * 20000, SDP)
        refuses(running, 403, "POST", "/whip", OFFER, {**SDP, "Origin": "https://evil.example"})
        assert running.request("GET", "/whip")[0] == 405
        status, headers, _ = running.request("OPTIONS", "/whip")
        assert status == 204 and headers["Accept-Post"] == "application/sdp"
        create(running, audio_offer())
        full = refuses(running, 503, "POST", "/whip", audio_offer(), SDP, says="busy")
        assert int(full[1]["Retry-After"]) > 0


def test_whip_directions():
    with start() as running:
        _, _, answer = create(running, audio_offer("sendonly"))
        assert "a=recvonly" in answer and "a=sendrecv" not in answer, answer
        assert "a=setup:passive" in answer and "a=ssrc" not in answer, answer
        _, _, answer = create(running, audio_offer("sendrecv"))
        assert "a=sendrecv" in answer, answer


def test_whip_patches():
    with start() as running:
        location, etag, _ = create(running, audio_offer())
        good = {**FRAGMENT, "If-Match": etag}
        assert running.request("PATCH", location, fragment(), good)[::2] == (204, b"")
        assert running.request("PATCH", location, fragment(candidate="end-of-candidates"), good)[0] == 204
        # mDNS names and TCP are of no use, and no mistake either.
        for useless in ("1 1 udp 1 5b7c.local 5000 typ host", "1 1 tcp 1 192.0.2.7 9 typ host tcptype active"):
            assert running.request("PATCH", location, fragment(candidate="candidate:" + useless), good)[0] == 204
        refuses(running, 428, "PATCH", location, fragment(), FRAGMENT, says="If-Match")
        stale = refuses(running, 412, "PATCH", location, fragment(), {**FRAGMENT, "If-Match": '"stale"'})
        assert stale[1]["ETag"] == etag
        for weak in ("W/" + etag, etag.strip('"'), ""):
            refuses(running, 412, "PATCH", location, fragment(), {**FRAGMENT, "If-Match": weak})
        assert running.request("PATCH", location, fragment(), {**FRAGMENT, "If-Match": '"a", ' + etag})[0] == 204
        for bad in ("", "nonsense\r\n", "m=audio 9 X 0\r\na=mid:0\r\n", fragment(pwd="short"), "a=ice-ufrag:abcd\r\n"):
            refuses(running, 400, "PATCH", location, bad, good, says="sdpfrag")
        refuses(running, 415, "PATCH", location, fragment(), {**SDP, "If-Match": etag})
        refuses(running, 404, "PATCH", "/whip/call/" + "f" * 32, fragment(), good)
        # The resource of a call is that of a WHIP call.
        _, other = running.api("POST", "/api/offer", offer())
        refuses(running, 404, "PATCH", "/whip/call/" + other["pc_id"], fragment(), good)
        refuses(running, 404, "DELETE", "/whip/call/" + other["pc_id"])
        for method in ("GET", "POST", "PUT"):
            assert running.request(method, location)[0] == 405


def test_whip_ice_restarts():
    with start() as running:
        location, etag, answer = create(running, audio_offer())
        other = fragment("efgh", "nmlkjihgfedcba9876543210")
        status, headers, body = running.request("PATCH", location, other, {**FRAGMENT, "If-Match": "*"})
        assert status == 200, (status, body)
        assert headers["Content-Type"] == "application/trickle-ice-sdpfrag"
        assert headers["ETag"] != etag
        reply = body.decode()
        ufrag = re.search("a=ice-ufrag:(.*)\r\n", reply).group(1)
        assert "a=ice-pwd:" in reply and "a=candidate:" in reply and "a=mid:0" in reply, reply
        assert ufrag != re.search("a=ice-ufrag:(.*)\r\n", answer).group(1)
        # From now on the former session's candidates are stale, and the new one's are not.
        refuses(running, 412, "PATCH", location, fragment(), {**FRAGMENT, "If-Match": etag})
        assert running.request("PATCH", location, other, {**FRAGMENT, "If-Match": headers["ETag"]})[0] == 204
        # Who has not had the answer asks again, and gets it.
        status, again, same = running.request("PATCH", location, other, {**FRAGMENT, "If-Match": "*"})
        assert (status, again["ETag"], same) == (200, headers["ETag"], body), same
        # By the ETag as well.
        third = fragment("ijkl", "nmlkjihgfedcba9876543210")
        status, last, _ = running.request("PATCH", location, third, {**FRAGMENT, "If-Match": headers["ETag"]})
        assert status == 200 and last["ETag"] not in (etag, headers["ETag"])


def test_whip_ends():
    with start() as running:
        location, etag, _ = create(running, audio_offer())
        status, _, _ = running.request("DELETE", location)
        assert status == 200
        # A client may ask once more, or when DTLS has ended the call already.
        assert running.request("DELETE", location)[0] == 200
        refuses(running, 404, "PATCH", location, fragment(), {**FRAGMENT, "If-Match": etag})
        running.await_log("ended", reason="the client hung up")
        running.await_stats(lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
        assert running.request("DELETE", location)[0] == 200
        refuses(running, 404, "DELETE", "/whip/call/" + "f" * 32)
        assert running.stats()["sessions"]["failed"] == 0


def test_clients_that_never_come():
    """Their workers are free again long before the time a connection may take."""
    with start("--inactivity-timeout", "2", "--connect-timeout", "600") as running:
        create(running, audio_offer())
        assert running.api("POST", start_session(running), offer())[0] == 200
        running.await_stats(lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
        running.await_log("ended", reason="nothing ever came from the client")
        assert running.stats()["sessions"]["failed"] == 2


class Broadcaster:
    """A WHIP client: gathers first, then offers what it has, or trickles it."""

    def __init__(self, running):
        self.running = running
        self.frames = 0

    async def _listen(self, track):
        try:
            while True:
                await track.recv()
                self.frames += 1
        except Exception:  # aiortc ends a track with whatever it has at hand
            pass

    async def dial(self, direction, path="/whip/witness", trickle=False):
        self.pc = RTCPeerConnection()
        self.pc.addTransceiver(AudioStreamTrack(), direction=direction)
        self.pc.on("track", lambda track: asyncio.ensure_future(self._listen(track)))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        whole = self.pc.localDescription.sdp
        lines = whole.split("\r\n")
        candidates = [line for line in lines if line.startswith(("a=candidate", "a=end-of-candidates"))]
        sent = "\r\n".join(line for line in lines if line not in candidates) if trickle else whole
        self.location, self.etag, answer = await off(create, self.running, sent, path)
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        if trickle:
            kept = [line for line in lines if line.startswith(("a=ice-ufrag", "a=ice-pwd", "m=audio", "a=mid"))]
            body = "\r\n".join(kept + candidates) + "\r\n"
            headers = {**FRAGMENT, "If-Match": self.etag}
            status, _, reply = await off(self.running.request, "PATCH", self.location, body, headers)
            assert status == 204, (status, reply)
        return answer

    async def converses(self):
        """The agent has played its greeting, to somebody or nobody, and hears what is said."""

        def is_told(stats):
            return stats["latency_ms"]["stt"]["n"] == 1 and stats["calls"][0]["turns"] >= 2

        await off(self.running.await_stats, is_told)

    async def close(self):
        await self.pc.close()


@with_server(agents=TWO)
async def test_whip_sendonly(running):
    client = Broadcaster(running)
    answer = await client.dial("sendonly")
    assert "a=recvonly" in answer
    await client.converses()
    calls = (await off(running.stats))["calls"]
    assert calls[0]["packets_out"] == 0 and calls[0]["agent"] == "witness" and calls[0]["connected"], calls
    assert client.frames == 0
    status, _, _ = await off(running.request, "DELETE", client.location)
    assert status == 200
    await off(running.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
    await off(running.await_log, "ended", reason="the client hung up")
    await client.close()


@with_server(agents=TWO)
async def test_whip_sendrecv(running):
    client = Broadcaster(running)
    answer = await client.dial("sendrecv", trickle=True)
    assert "a=sendrecv" in answer
    await client.converses()
    deadline = time.monotonic() + PATIENCE_S
    while client.frames <= 20:  # the client's own buffer holds some back for a while
        assert time.monotonic() < deadline, client.frames
        await asyncio.sleep(0.05)
    # DTLS says goodbye.
    await client.close()
    await off(running.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
    await off(running.await_log, "ended", reason="the client hung up")
    status, _, _ = await off(running.request, "DELETE", client.location)
    assert status == 200


@with_server("--inactivity-timeout", "5", agents=TWO)
async def test_whip_client_vanishes(running):
    client = Broadcaster(running)
    await client.dial("sendonly")
    await client.converses()
    for transceiver in client.pc.getTransceivers():
        await transceiver.sender.stop()
        transport = transceiver.sender.transport
    await transport.transport.stop()
    await off(running.await_log, "ended", reason="nothing came from the client any more")


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
