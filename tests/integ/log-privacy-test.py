"""The log of the server and of its workers, at its most talkative: nobody's words, no address, no key.

usage: log-privacy-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR REPARTEE_WORKER BENCH_AGENT"""
import asyncio
import json
import os
import pathlib
import re
import signal
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from processes import named  # noqa: E402
from serverfixture import IPV4, JSON, OFFER, exchange, run_tap, start  # noqa: E402

KEY = "Schluesselblume-4711-geheim"
WORD = "Zwetschgenknoedel"
# What each call says that nobody else says, and what its credentials are.
SECRETS = {
    "key": KEY,
    "word": WORD,
    "ufrag": "ufragXYZ1",
    "pwd": "pwdpwdpwdpwdpwdpwdpwd4711",
    "fingerprint": ":".join(["5C"] * 32),
    "address": "203.0.113.77",
    "address6": "2001:db8:77::1",
    "agent": "TellNobody/9.9",
}
IPV6 = re.compile(r"\b[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){2,6}[0-9a-f]{1,4}\b", re.IGNORECASE)
AUTH = {**JSON, "Authorization": "Bearer " + KEY}
MY_OFFER = (
    OFFER.replace("a=ice-ufrag:abcd", "a=ice-ufrag:" + SECRETS["ufrag"])
    .replace("0123456789abcdefghijklmn", SECRETS["pwd"])
    .replace(":".join(["AB"] * 32), SECRETS["fingerprint"])
)
CANDIDATES = [
    "candidate:1 1 udp 2113937151 203.0.113.77 50000 typ host",
    "candidate:2 1 udp 2113937151 2001:db8:77::1 50000 typ host",
    "candidate:3 1 udp 2113937151 %s.local 50000 typ host" % WORD,
]


def findings(server, tokens=()):
    """What should not be in the log, with its line."""
    found = []
    for line in server.log + server.output:
        for secret in list(SECRETS.values()) + list(tokens):
            if secret.lower() in line.lower():
                found.append((secret, line))
        if any(address != "0.0.0.0" for address in IPV4.findall(line)):
            found.append(("an address", line))
        if IPV6.search(re.sub(r"\d\d:\d\d:\d\d", "", line)):
            found.append(("an address", line))
        for mark in ("candidate:", "a=", "Bearer ", "ice-pwd"):
            if mark in line:
                found.append((mark, line))
    return found


def post(server, path, body, headers=None):
    return server.request("POST", path, body if isinstance(body, (str, bytes)) else json.dumps(body), headers or AUTH)


def go_wrong_over_http(server):
    """Every way of not being served."""
    word = {"request_data": {"name": WORD, "agent": WORD}}
    token = json.loads(post(server, "/api/token", {"agent": "agent"})[2])["token"]
    stranger = {**JSON, "Authorization": "Bearer " + token[:-4] + WORD[:4]}
    good = {"sdp": MY_OFFER, "type": "offer"}
    assert post(server, "/api/offer", {**good, **word})[0] == 404
    assert post(server, "/api/offer", {**good, "request_data": {"x": WORD * 800}})[0] == 413
    assert post(server, "/api/offer", {**good, "type": WORD})[0] == 400
    assert post(server, "/api/offer", {**good, "sdp": MY_OFFER.replace("m=audio", "m=" + WORD)})[0] in (200, 400)
    assert post(server, "/api/offer", {**good, "sdp": WORD})[0] == 400
    assert post(server, "/api/offer", '{"sdp": "%s' % WORD)[0] == 400
    assert post(server, "/api/offer", {**good, "pc_id": 5})[0] == 400
    assert post(server, "/api/offer", good, stranger)[0] == 401
    assert post(server, "/api/offer", good, {**AUTH, "Origin": "http://%s" % SECRETS["address"]})[0] == 403
    assert post(server, "/api/offer", good, {**AUTH, "Origin": "http://203.0.113.77:8080"})[0] == 403
    assert post(server, "/api/offer", good, {**AUTH, "Origin": WORD})[0] == 403
    assert post(server, "/api/offer", good, {**AUTH, "User-Agent": SECRETS["agent"], "Cookie": WORD})[0] == 200
    assert post(server, "/start", {"body": {"agent": WORD}})[0] == 404
    assert post(server, "/start", {"body": {"note": WORD}})[0] == 200
    assert post(server, "/api/token", {"origin": WORD})[0] == 400
    assert post(server, "/whip", MY_OFFER, {**AUTH, "Content-Type": "application/sdp"})[0] == 201
    assert post(server, "/whip/" + WORD, MY_OFFER, {**AUTH, "Content-Type": "application/sdp"})[0] == 404
    answer = json.loads(post(server, "/api/offer", {**good, "request_data": {"note": WORD}})[2])
    call = answer["pc_id"]
    patch = {"pc_id": call, "candidates": [{"candidate": c, "sdp_mid": "0"} for c in CANDIDATES]}
    assert server.request("PATCH", "/api/offer", json.dumps(patch), AUTH)[0] == 200
    patch["candidates"][0]["candidate"] = "candidate:" + WORD
    assert server.request("PATCH", "/api/offer", json.dumps(patch), AUTH)[0] == 400
    assert post(server, "/api/offer", {**good, "pc_id": call, "restart_pc": True})[0] == 200
    server.request("GET", "/%s?token=%s" % (WORD, KEY))
    for broken in (b"GET /%s HTTP/9.9\r\n\r\n", b"%s\r\n\r\n", b"GET / HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n"):
        exchange(server, broken.replace(b"%s", WORD.encode()))
    return [token, call]


def test_http():
    for options in ([], ["--cors-origin", "https://example.com"]):
        with start("--token", KEY, "--log-level", "debug", *options, wait_ready=False) as server:
            server.await_log("ready")
            secrets = go_wrong_over_http(server)
            with open("/proc/%d/cmdline" % server.process.pid, encoding="utf-8") as file:
                assert KEY not in file.read()
            for worker in [r for r in server.records() if r["message"] == "begins"]:
                assert len(worker["call"]) == 8, worker
        assert findings(server, secrets) == [], findings(server, secrets)


def test_names_of_strangers():
    """Without a key the name that was asked for is told to the operator; not what can be an address or anything."""
    with start("--log-level", "debug") as server:
        for host in ("203.0.113.77:8080", "[2001:db8:77::1]", "a.example", WORD + " x", "x" * 300 + WORD):
            assert server.request("GET", "/stats", None, {"Host": host})[0] == 403
        server.await_log("refused another name: see --token-file and --no-auth", host="a.example")
    assert findings(server) == [], findings(server)


async def misbehave(server, caller):
    """Words in all that a client can say, good and bad, and in all that a worker can do with them."""
    await caller.report_until(lambda r: r["ended"] == 1)
    caller.say("send-text", {"content": WORD})
    caller.say("client-message", {"t": WORD, "d": {"x": WORD}}, WORD)
    caller.say(WORD, {"x": WORD})
    caller.channel.send(WORD)
    caller.channel.send('{"label": "rtvi-ai", "type": "send-text", "id": 5, "data": {"content": ["%s"]}}' % WORD)
    caller.channel.send(WORD.encode())
    caller.say("llm-function-call-result", {"function_name": WORD, "tool_call_id": WORD, "result": WORD})
    caller.tell("checkpoint " + WORD)
    # What was understood and answered, which no client has sent; nor do the figures have it.
    caller.tell("hear Zwetschgen knoedel")
    for kind in ("user-transcription", "user-llm-text", "bot-llm-text", "bot-output"):
        await caller.expect(kind, lambda m: m["data"]["text"] == WORD)
    for path in ("/stats", "/stats/calls/" + caller.pc_id[:8], "/stats/history", "/metrics"):
        status, _, body = await off(server.request, "GET", path)
        assert status == 200 and WORD.encode() not in body, (path, status, body)
    for how in ("crash", "garbage", "bad-event", "bad-event " + WORD, "bad-name " + WORD):
        before = len([r for r in server.records() if r["message"] == "worker lost"])
        caller.tell(how)
        while len([r for r in server.records() if r["message"] == "worker lost"]) == before:
            await asyncio.sleep(0.02)
        await caller.report_until(lambda r: r["start"]["resume"])
    caller.tell("hangup")
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0)


def test_calls():
    seen = []

    @with_server("--log-level", "debug")
    async def calls(server):
        seen.append(server)
        caller = await Caller(server, request_data={"note": WORD, "phone": "203.0.113.77"}).dial()
        await misbehave(server, caller)
        await caller.close()
        # One that is cut off in the middle.
        caller = await Caller(server, request_data={"note": WORD}).dial()
        caller.tell("report")

    skip = calls()
    if skip is not None:
        return skip
    (server,) = seen
    lost = [r for r in server.records() if r["message"] == "worker lost"]
    assert len(lost) == 5 and findings(server) == [], (lost, findings(server))
    return None


def recorded_speech():
    """A recording of somebody who speaks, when there are any."""
    places = pathlib.Path(os.environ.get("RP_SHARED_DATA", "."), "dialog")
    return next((str(path) for path in sorted(places.glob("*.wav"))), None)


def speaking(path):
    from aiortc.contrib.media import MediaPlayer

    return MediaPlayer(path, loop=True).audio


def errors(server):
    return [record for record in server.records() if record["level"] == "error"]


def test_a_conversation():
    """The real worker, with an agent that says the word and understands nothing else: typed, spoken when there is a
    recording, and in the middle of it killed."""
    seen = []
    with tempfile.TemporaryDirectory(prefix="rp-privacy-") as directory:
        with open(os.path.join(sys.argv[5], "agent.json"), encoding="utf-8") as file:
            agent = json.load(file)
        agent["greeting"] = "Hello, %s." % WORD
        agent["brain"]["model"] = "%s to you." % WORD
        agent["stt"]["model"] = WORD
        with open(os.path.join(directory, "agent.json"), "w", encoding="utf-8") as file:
            json.dump(agent, file)
        recording = recorded_speech()

        @with_server("--log-level", "debug", "--worker", sys.argv[4], "--agent", directory, wait_ready=False)
        async def talk(server):
            seen.append(server)
            while not [r for r in server.records() if r["message"] in ("ready", "no worker can be started")]:
                await asyncio.sleep(0.1)
            if errors(server):
                return
            caller = await Caller(server).dial(**({"track": speaking(recording)} if recording else {}))
            caller.say("send-text", {"content": WORD + " is typed"})
            await caller.expect("bot-output", lambda m: m["data"]["text"].endswith("to you."))
            if recording:
                await caller.expect("user-transcription", lambda m: m["data"]["text"] == WORD)
            for worker in named(server.process.pid, "rp-worker"):  # the call's, and whoever waits
                os.kill(worker, signal.SIGKILL)
            caller.say("send-text", {"content": WORD + " is typed again"})
            await off(server.await_log, "worker lost")
            await caller.expect("bot-output", lambda m: m["data"]["text"].endswith("to you."))
            await caller.close()
            await off(server.await_stats, lambda s: s["sessions"]["active"] == 0)

        skip = talk()
    if skip is not None:
        return skip
    (server,) = seen
    if errors(server):
        return errors(server)[0]["why"]
    print("# spoken: %s" % (recording is not None))
    assert findings(server) == [], findings(server)
    return None


def test_said_when_asked():
    """The findings above are real: --log-pii has some of it."""
    with start("--log-level", "debug", "--log-pii") as server:
        assert server.request("GET", "/stats", None, {"Host": "203.0.113.77:8080"})[0] == 403
        server.await_log("refused another name: see --token-file and --no-auth", host="203.0.113.77:8080")
    assert findings(server) != []


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
