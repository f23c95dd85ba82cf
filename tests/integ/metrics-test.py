"""What the server tells those who watch it: /metrics, /stats/history and the timelines of calls, during real calls (aiortc).

usage: metrics-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR

promtool is of Debian's package prometheus; without it nothing here is run."""
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from serverfixture import PATIENCE_S, run_tap, start  # noqa: E402

DASHBOARD = os.path.join(sys.argv[3], "../../tools/grafana/repartee.json")
SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
# Every label, and what it may say at most: nothing that grows with the number of calls.
LABELS = {
    "by": r"client|agent|lost|unreachable|worker|server|offer",
    "reason": r"full|busy|address|draining|no_worker|cpu|ticks|stt|memory",
    "status": r"started|done|failed|cancelled",
    "state": r"idle|starting|busy",
    "class": r"[45]xx",
    "loop": r"[0-9]|[1-9][0-9]",
    "version": r"[0-9.]+",
    "le": r"[0-9.]+|\+Inf",
}


def promtool(*arguments, text=None):
    done = subprocess.run(("promtool",) + arguments, input=text, capture_output=True, text=True)
    assert done.returncode == 0, "promtool %s: %s%s" % (" ".join(arguments), done.stdout, done.stderr)


class Scrape:
    """One reading of /metrics, checked."""

    def __init__(self, server):
        status, headers, body = server.request("GET", "/metrics")
        assert status == 200, (status, body)
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        self.text = body.decode()
        self.types = {}
        self.values = {}
        self._parse()
        promtool("check", "metrics", text=self.text)

    def _parse(self):
        family = None
        for line in self.text.splitlines():
            if line.startswith("# HELP "):
                family = line.split(" ")[2]
                assert family not in self.types, "twice: " + line
            elif line.startswith("# TYPE "):
                assert line.split(" ")[2] == family, line
                self.types[family] = line.split(" ")[3]
            else:
                self._take(family, line)

    def _take(self, family, line):
        match = SAMPLE.match(line)
        assert match, line
        name, labels, value = match.groups()
        suffixes = ("_bucket", "_sum", "_count") if self.types[family] == "histogram" else ("",)
        assert name in [family + suffix for suffix in suffixes], line
        pairs = LABEL.findall(labels or "")
        for label, text in pairs:
            assert re.fullmatch(LABELS[label], text), line
        key = (name, tuple(pairs))
        assert key not in self.values, "twice: " + line
        self.values[key] = float(value)

    def __getitem__(self, name):
        return self.get(name)

    def get(self, name, **labels):
        """The sum over all samples of the name that have these labels."""
        found = [v for (n, pairs), v in self.values.items() if n == name and labels.items() <= dict(pairs).items()]
        assert found, "no %s %s" % (name, labels)
        return sum(found)

    def histograms(self):
        """{(name, labels without le): [(bound, count)…]}"""
        found = {}
        for (name, pairs), value in self.values.items():
            if name.endswith("_bucket"):
                rest = tuple(p for p in pairs if p[0] != "le")
                found.setdefault((name[: -len("_bucket")], rest), []).append((float(dict(pairs)["le"]), value))
        return found

    def check(self):
        """What holds at any time."""
        histograms = self.histograms()
        assert {name for name, _ in histograms} == {n for n, t in self.types.items() if t == "histogram"}
        for (name, labels), buckets in histograms.items():
            bounds = [bound for bound, _ in buckets]
            counts = [count for _, count in buckets]
            assert bounds == sorted(set(bounds)) and bounds[-1] == float("inf"), (name, bounds)
            assert counts == sorted(counts), (name, counts)
            assert counts[-1] == self.values[(name + "_count", labels)], name
            assert self.values[(name + "_sum", labels)] >= 0
        for name, kind in self.types.items():
            assert (kind == "counter") == name.endswith("_total"), (name, kind)
        assert self["process_resident_memory_bytes"] > 1e6
        assert self["process_open_fds"] < self["process_max_fds"]
        assert abs(self["process_start_time_seconds"] - time.time()) < 300
        return self

    def check_after(self, before):
        """Nothing that only counts up has gone down, and nothing has vanished but what nobody measures now."""
        for key, value in before.values.items():
            family = re.sub("_(bucket|sum|count)$", "", key[0])
            kind = self.types.get(key[0], self.types.get(family))
            if kind in ("counter", "histogram"):
                assert self.values[key] >= value, (key, value, self.values[key])
        return self


def short_id(server):
    return server.stats()["calls"][0]["id"]


def timeline(server, identity):
    status, _, body = server.request("GET", "/stats/calls/" + identity)
    assert status == 200, body
    return json.loads(body)


async def await_timeline(server, identity, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition(call := await off(timeline, server, identity)):
        assert time.monotonic() < deadline, "the timeline does not get there: %s" % json.dumps(call)
        await asyncio.sleep(0.05)
    return call


def test_idle():
    with start() as server:
        first = Scrape(server).check()
        assert first["repartee_calls_active"] == 0 and first["repartee_calls_started_total"] == 0
        assert first["repartee_workers"] >= 1
        assert first.get("repartee_build_info", version=server.stats()["version"]) == 1
        assert server.request("GET", "/nothing/here")[0] == 404
        second = Scrape(server).check().check_after(first)
        assert second.get("repartee_http_errors_total", **{"class": "4xx"}) == 1
        assert second["repartee_http_requests_total"] > first["repartee_http_requests_total"]


def test_key_is_wanted():
    key = "0123456789abcdef0123"
    with start("--token", key, wait_ready=False) as server:
        for path in ("/stats", "/stats/history", "/stats/calls/0123abcd", "/metrics"):
            status, _, body = server.request("GET", path)
            assert status == 401 and json.loads(body)["info"], (path, status, body)
            status, _, body = server.request("POST", path)
            assert status == 405, (path, status, body)
            status = server.request("GET", path, headers={"Authorization": "Bearer " + key})[0]
            assert status == (404 if "calls" in path else 200), (path, status)


def test_unknown_call():
    with start() as server:
        for identity in ("0123abcd", "x", "..", "%2e%2e", "a" * 200, "%00", "%3Cscript%3E"):
            status, headers, body = server.request("GET", "/stats/calls/" + identity)
            assert status == 404 and headers["Content-Type"] == "application/json", (identity, status)
            assert json.loads(body)["detail"] and b"<" not in body


@with_server()
async def test_across_a_call(server):
    before = (await off(Scrape, server)).check()
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1 and r["audio_frames"] > 20)
    identity = await off(short_id, server)
    caller.tell("events")
    await caller.expect("error")
    await off(
        server.await_stats,
        lambda s: s["calls"][0]["turns"] == 1 and min(s["calls"][0][way] for way in ("packets_in", "packets_out")) > 100,
    )
    during = (await off(Scrape, server)).check().check_after(before)
    assert during["repartee_calls_active"] == 1 and during["repartee_calls_started_total"] == 1
    assert during.get("repartee_workers", state="busy") == 1
    assert during["repartee_turns_total"] == 1
    assert during["repartee_rtp_packets_received_total"] > 100
    assert during["repartee_rtp_packets_sent_total"] > 100
    assert during["repartee_rtp_jitter_seconds"] < 1
    for status in ("started", "done"):
        assert during.get("repartee_tool_calls_total", status=status) == 1
    for name, seconds in (
        ("voice_to_voice", 0.3215),
        ("turn_decision", 0.2),
        ("stt", 0.04),
        ("llm_ttft", 0.05),
        ("tts_ttfa", 0.06),
        ("barge_in_stop", 0.12),
    ):
        assert during["repartee_%s_seconds_count" % name] == 1, name
        assert abs(during["repartee_%s_seconds_sum" % name] - seconds) < 1e-6, name
    assert during.get("repartee_voice_to_voice_seconds_bucket", le="0.3") == 0
    assert during.get("repartee_voice_to_voice_seconds_bucket", le="0.35") == 1
    assert 0 < during["repartee_call_setup_seconds_sum"] < 10
    # Two packets leave at a tick that is late.
    assert during.get("repartee_loop_tick_lateness_seconds_count", loop="0") > 50
    # Nobody may be found out.
    assert identity not in during.text and caller.pc_id not in during.text
    await caller.close()
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0)
    after = (await off(Scrape, server)).check().check_after(during)
    assert after["repartee_calls_active"] == 0
    assert after.get("repartee_calls_ended_total", by="client") == 1
    assert after["repartee_calls_ended_total"] == 1 and after["repartee_calls_failed_total"] == 0
    assert after["repartee_rtp_packets_received_total"] >= during["repartee_rtp_packets_received_total"]


@with_server("--max-sessions", "1")
async def test_refused(server):
    caller = await Caller(server).dial()
    try:
        await Caller(server).dial()
        raise AssertionError("a second call was taken")
    except AssertionError as error:
        assert "503" in str(error), error
    # Who asks for a session first is not heard of otherwise.
    assert (await off(server.api, "POST", "/start", {}))[0] == 503
    scrape = (await off(Scrape, server)).check()
    assert scrape.get("repartee_calls_refused_total", reason="full") == 2
    assert scrape["repartee_calls_refused_total"] == 2 and scrape["repartee_calls_limit"] == 1
    assert (await off(server.stats))["sessions"]["refused"] == 2
    await caller.close()


@with_server()
async def test_timeline(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    identity = await off(short_id, server)
    caller.tell("events")
    await caller.expect("error")
    caller.tell("say 20")
    await caller.report_until(lambda r: r["ended"] == 2)
    call = await await_timeline(server, identity, lambda c: c["turns"] and c["turns"][0]["agent_to_ms"] is not None)
    assert call["id"] == identity and not call["ended"] and call["end"] is None and call["end_reason"] is None
    assert abs(call["started_at"] / 1000 + call["age_s"] - time.time()) < 10
    assert [mark["kind"] for mark in call["marks"]] == ["connected", "interrupted", "silent"], call["marks"]
    assert call["marks"][2]["text"] == "nobody spoke"
    # The greeting of 5 frames, what the user said, and 20 frames of an answer.
    spans = call["spans"]
    assert [span["who"] for span in spans] == ["agent", "user", "agent"], spans
    # A stalled machine takes longer over it, by seconds; or its first frame is late, and leaves with the second.
    assert 40 <= spans[0]["to_ms"] - spans[0]["from_ms"] < 10000, spans
    assert 340 <= spans[2]["to_ms"] - spans[2]["from_ms"] < 10000, spans
    turn = call["turns"][0]
    assert turn["n"] == 1 and not turn["typed"], turn
    assert turn["voice_to_voice_ms"] == 321.5 and turn["stt_ms"] == 40 and turn["turn_decision_ms"] == 200, turn
    assert turn["agent_from_ms"] == spans[2]["from_ms"] and turn["agent_to_ms"] == spans[2]["to_ms"], turn
    assert turn["user_from_ms"] <= turn["user_to_ms"] <= turn["at_ms"] <= turn["agent_from_ms"], turn
    tool = call["tools"][0]
    assert tool["name"] == "lookup" and tool["status"] == "done" and tool["turn"] == 1, tool
    assert tool["to_ms"] >= tool["from_ms"]
    assert set(call["dropped"].values()) == {0}
    # What was said is nobody's business here.
    words = json.dumps(call).lower()
    assert "hello" not in words and "good day" not in words and '"a": 1' not in words
    await caller.close()
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0)
    call = await off(timeline, server, identity)
    assert call["ended"] and call["state"] == "ended" and call["end"] == "client" and not call["failed"], call
    assert call["end_reason"] == "the client hung up" and call["marks"][-1]["kind"] == "ended"
    recent = (await off(server.stats))["recent"]
    assert len(recent) == 1, recent
    assert recent[0]["id"] == identity and recent[0]["turns"] == 1 and recent[0]["reason"] == "the client hung up"
    assert recent[0]["voice_to_voice_ms"] == 321.5 and recent[0]["loss"] == 0 and not recent[0]["failed"]
    assert abs(recent[0]["duration_s"] - call["age_s"]) < 0.1


@with_server()
async def test_timeline_of_a_replaced_worker(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    identity = await off(short_id, server)
    before = await off(Scrape, server)
    caller.tell("talk 200")
    await caller.report_until(lambda r: r["started"] == 2)
    caller.tell("crash")
    call = await await_timeline(server, identity, lambda c: len(c["marks"]) == 3)
    assert [mark["kind"] for mark in call["marks"]] == ["connected", "worker_lost", "worker_replaced"], call
    # What was queued plays on: one stretch of speech, to its end.
    call = await await_timeline(server, identity, lambda c: c["spans"][-1]["to_ms"] is not None)
    span = call["spans"][-1]
    assert 3900 <= span["to_ms"] - span["from_ms"] < 20000, call["spans"]
    await off(server.await_stats, lambda s: s["calls"][0]["worker_restarts"] == 1)
    after = (await off(Scrape, server)).check().check_after(before)
    assert after["repartee_worker_replacements_total"] == 1 and after["repartee_worker_restarts_total"] == 1
    await caller.close()


@with_server()
async def test_timeline_of_a_reconnection(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    identity = await off(short_id, server)
    await off(server.await_stats, lambda s: s["calls"][0]["packets_in"] > 60)
    before = await off(Scrape, server)
    await caller.dial(ready=False, restart=True)
    call = await await_timeline(server, identity, lambda c: len(c["marks"]) == 3)
    assert [mark["kind"] for mark in call["marks"]] == ["connected", "restart", "reconnected"], call
    await off(server.await_stats, lambda s: 10 < s["calls"][0]["packets_in"] < 60 or s["calls"][0]["packets_in"] > 200)
    # The client's packets are counted anew there, and on here.
    (await off(Scrape, server)).check().check_after(before)
    await caller.close()


@with_server()
async def test_history(server):
    status, _, body = await off(server.request, "GET", "/stats/history")
    assert status == 200 and json.loads(body) == {"interval_s": 10, "points": []}, body
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    caller.tell("events")
    await caller.expect("error")
    for _ in range(400):
        body = (await off(server.request, "GET", "/stats/history"))[2]
        # On a slow machine one is taken before the call is there.
        points = [point for point in json.loads(body)["points"] if point["voice_to_voice"]["n"] > 0]
        if points:
            break
        await asyncio.sleep(0.1)
    assert len(points) == 1 and b" " not in body.rstrip(), body
    point = points[0]
    assert abs(point["t"] - time.time()) < 10 and isinstance(point["t"], int)
    assert point["active"] == 1 and point["busy"] == 1 and point["started"] <= 1, point
    assert sum(earlier["started"] for earlier in json.loads(body)["points"]) == 1, body
    assert point["failed"] == 0 and point["refused"] == 0 and point["loss"] == 0, point
    assert 0 <= point["jitter_ms"] < 1000 and 0 <= point["tick_late_p99_ms"] < 10000, point
    assert point["voice_to_voice"] == {"n": 1, "p50": 321.5, "p95": 321.5}, point
    assert point["barge_in"] == {"n": 1, "p50": 120, "p95": 120}, point
    await caller.close()


def expressions(value):
    """Every "expr" of a dashboard."""
    if isinstance(value, list):
        return [expr for item in value for expr in expressions(item)]
    if not isinstance(value, dict):
        return []
    own = [value["expr"]] if "expr" in value else []
    return own + [expr for item in value.values() for expr in expressions(item)]


def without_variables(expr):
    """As Grafana sends it."""
    return expr.replace("$__rate_interval", "1m").replace("$__interval", "1m").replace("$instance", ".*")


@with_server()
async def test_dashboard_of_grafana(server):
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    caller = await Caller(server).dial()
    await off(server.await_stats, lambda s: s["calls"] and s["calls"][0]["packets_in"] > 10)
    scrape = await off(Scrape, server)
    exported = {name for name, _ in scrape.values}
    found = expressions(dashboard)
    assert len(found) > 10, found
    for expr in found:
        names = re.findall(r"\b(?:repartee|process)_[a-z_]+", expr)
        assert names, "no metric in " + expr
        for name in names:
            assert name in exported, "%s: there is no %s" % (expr, name)
    # Whoever is counted is shown, but for what a call is too short for.
    shown = " ".join(found)
    for name in ("calls_active", "voice_to_voice", "tick_lateness", "packets_lost", "jitter", "workers", "resident_memory"):
        assert name in shown, name
    groups = [{"name": "dashboard", "rules": [
        {"record": "panel:%d" % i, "expr": without_variables(expr)} for i, expr in enumerate(found)]}]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as rules:
        json.dump({"groups": groups}, rules)
        rules.flush()
        await off(promtool, "check", "rules", rules.name)
    await caller.close()


if __name__ == "__main__":
    if shutil.which("promtool") is None:
        print("1..0 # SKIP promtool is not installed: it is in Debian's package prometheus")
        sys.exit(0)
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
