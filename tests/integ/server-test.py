"""Whole calls through the server as another WebRTC stack makes them (aiortc), with workers that do as they are told.

usage: server-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import asyncio
import os
import signal
import sys

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from serverfixture import PATIENCE_S, offer, run_tap, start  # noqa: E402


@with_server()
async def test_a_conversation(server):
    caller = await Caller(server).dial()
    report = await caller.report_until(lambda r: r["ended"] == 1 and r["audio_frames"] > 20)
    assert report["connected"] == 1 and report["gaps"] == 0, report
    assert report["started"] == 1 and report["progress"] == 1, report  # 5 frames of greeting
    assert report["start"]["resume"] is False and report["start"]["input_pos_samples"] == 0
    caller.tell("say 20")
    await caller.report_until(lambda r: r["ended"] == 2)
    await caller.heard(21)
    caller.tell("events")
    for kind in (
        "user-started-speaking",
        "user-stopped-speaking",
        "user-transcription",
        "user-llm-text",
        "bot-llm-started",
        "bot-llm-text",
        "bot-llm-stopped",
        "bot-started-speaking",
        "bot-output",
        "bot-stopped-speaking",
        "bot-interrupted",
        "llm-function-call-in-progress",
        "llm-function-call-stopped",
        "metrics",
        "server-message",
        "error",
    ):
        await caller.expect(kind)
    stats = await off(server.await_stats, lambda s: s["calls"][0]["turns"] == 1 and s["calls"][0]["rtt_ms"] is not None)
    assert stats["latency_ms"]["voice_to_voice"]["n"] == 1
    assert stats["latency_ms"]["setup"]["n"] == 1
    assert stats["barge_in_stop_ms"]["n"] == 1
    assert stats["calls"][0]["packets_in"] > 0
    caller.say("client-message", {"t": "weather", "d": {"city": "Ulm"}}, "w1")
    answer = await caller.expect("server-response")
    assert answer["id"] == "w1" and answer["data"] == {"t": "weather", "d": {"city": "Ulm"}}, answer
    caller.say("teleport", {}, "t1")
    assert (await caller.expect("error-response"))["id"] == "t1"
    await caller.close()
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
    assert (await off(server.stats))["sessions"]["failed"] == 0


@with_server()
async def test_barge_in(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    caller.tell("say 400")
    await caller.report_until(lambda r: r["started"] == 2 and r["progress"] >= 4)
    caller.tell("flush")
    report = await caller.report_until(lambda r: r["flushed"] == 1)
    assert report["flush_utterance"] == 2 and 9 <= report["flush_played"] < 400, report
    assert report["ended"] == 1
    await caller.close()


async def lose_worker(server, how):
    other = await Caller(server).dial()
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    before = await other.report_until(lambda r: r["audio_frames"] > 5)
    caller.tell("checkpoint as it was")
    caller.tell("talk 400")
    await caller.report_until(lambda r: r["started"] == 2)
    caller.say("client-message", {"t": "left hanging"}, "h1")
    await caller.expect("server-response", lambda m: m["id"] == "h1")
    caller.tell(how)
    await off(server.await_log, "worker lost")
    caller.tell("report")  # the dead do not answer; the next one may
    report = await caller.report_until(lambda r: r["resumed"] == "as it was")
    start = report["start"]
    assert start["resume"] and start["connected"] and start["input_pos_samples"] > 0, start
    assert [u["id"] for u in start["utterances"]] == [1, 2], start
    assert start["utterances"][0] == {"id": 1, "frames": 5, "played": 5, "complete": True}
    assert start["utterances"][1]["frames"] == 400 and not start["utterances"][1]["complete"]
    assert report["gaps"] == 0
    # What was queued plays on, and the new worker is told.
    await caller.report_until(lambda r: r["progress"] > 3)
    # The other call has not noticed anything.
    after = await other.report()
    assert after["gaps"] == 0 and after["audio_frames"] > before["audio_frames"] and after["resumed"] == ""
    stats = await off(server.await_stats, lambda s: sum(c["worker_restarts"] for c in s["calls"]) == 1)
    assert all(call["connected"] for call in stats["calls"])
    await caller.close()
    await other.close()


@with_server()
async def test_worker_crashes(server):
    await lose_worker(server, "crash")


@with_server()
async def test_worker_sends_garbage(server):
    await lose_worker(server, "garbage")


@with_server()
async def test_worker_sends_a_bad_event(server):
    await lose_worker(server, "bad-event")


@with_server()
async def test_worker_sends_bad_audio(server):
    await lose_worker(server, "bad-audio")


@with_server()
async def test_worker_hangs(server):
    await lose_worker(server, "hang")


@with_server()
async def test_worker_fails_again_and_again(server):
    caller = await Caller(server).dial()

    def losses():
        return len([r for r in server.records() if r["message"] == "worker lost"])

    def told():
        return {m["type"] for m in caller.messages} & {"user-transcription", "error"}

    # The sixth within half a minute: on a slow machine the first ones may be older by then.
    while "error" not in told():
        before = losses()
        caller.messages = []
        caller.tell("crash")
        await off(server.await_count, "worker lost", before + 1)
        if caller.channel.readyState == "open":
            caller.tell("report")
        async with caller.news:
            await asyncio.wait_for(caller.news.wait_for(told), PATIENCE_S)
    message = await caller.expect("error")
    assert message["data"]["fatal"] and losses() >= 6, message
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0)
    assert (await off(server.stats))["sessions"]["failed"] == 1
    await caller.close()


@with_server()
async def test_agent_hangs_up(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    caller.tell("say 20")
    caller.tell("hangup")
    await caller.expect("signalling", lambda m: m["message"]["type"] == "peerLeft")
    await off(server.await_log, "ended", reason="the agent hung up: said goodbye")
    await caller.heard(25)  # what was queued has been played
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)
    await caller.close()


@with_server()
async def test_client_hangs_up(server):
    caller = await Caller(server).dial()
    caller.say("disconnect-bot", {})
    await caller.expect("signalling", lambda m: m["message"]["type"] == "peerLeft")
    await off(server.await_log, "ended", reason="the client hung up")
    await caller.close()


@with_server()
async def test_client_without_messages(server):
    """Only audio: the conversation begins all the same."""
    caller = await Caller(server).dial(data=False)
    await off(server.await_stats, lambda s: s["calls"][0]["packets_out"] > 30)
    assert "m=application" not in caller.answer
    await caller.close()


@with_server()
async def test_client_that_never_gets_ready(server):
    caller = await Caller(server).dial(ready=False)
    report = await caller.report_until(lambda r: r["connected"] == 1)
    assert report["connected"] == 1
    await caller.close()


@with_server()
async def test_client_reconnects(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1 and r["audio_frames"] > 10)
    identity = caller.pc_id
    await caller.dial(ready=False, restart=True)
    assert caller.pc_id == identity
    frames = caller.frames
    # The worker is the same one, on the same timeline, and was not told twice.
    report = await caller.report_until(lambda r: r["audio_frames"] > 30)
    assert report["gaps"] == 0 and report["connected"] == 1 and report["resumed"] == "", report
    caller.tell("say 20")
    await caller.report_until(lambda r: r["ended"] == 2)
    await caller.heard(frames + 1)
    assert (await off(server.stats))["sessions"]["total"] == 1
    await caller.close()


@with_server("--inactivity-timeout", "5")
async def test_client_vanishes(server):
    caller = await Caller(server).dial()
    # No goodbye: its sockets are just not served any more.
    for transceiver in caller.pc.getTransceivers():
        await transceiver.sender.stop()
        transport = transceiver.sender.transport
    await transport.transport.stop()
    await off(server.await_log, "ended", reason="nothing came from the client any more")
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)


@with_server("--drain-timeout", "1")
async def test_draining(server):
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    server.signal(signal.SIGTERM)
    # The worker was told, says goodbye and hangs up; the server waits no longer than that.
    await caller.expect("signalling", lambda m: m["message"]["type"] == "peerLeft")
    assert await off(server.wait) == 0
    await caller.close()


def children(pid):
    """But for the one that starts the zygote, which is there from the beginning."""
    with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
        found = [int(child) for child in file.read().split()]
    return [child for child in found if open("/proc/%d/comm" % child, encoding="ascii").read() != "rp-spawner\n"]


def test_workers_lost_at_the_end():
    """Calls that ask for another worker while the server takes them down."""
    for _ in range(3):
        with start("--workers", "8", "--loops", "2") as server:
            for _ in range(6):
                status, answer = server.api("POST", "/api/offer", offer())
                assert status == 200, answer
            server.await_stats(lambda s: s["workers"]["busy"] == 6 and s["workers"]["idle"] == 8)
            (zygote,) = children(server.process.pid)
            # The first ones are those that are busy.
            for worker in sorted(children(zygote))[:6]:
                os.kill(worker, signal.SIGKILL)
            # Two signals that cannot become one.
            server.signal(signal.SIGTERM)
            server.signal(signal.SIGINT)
            assert server.wait() == 0, server.log


@with_server("--loops", "2", "--max-sessions", "20")
async def test_many_at_once(server):
    callers = [Caller(server) for _ in range(8)]
    await asyncio.gather(*(caller.dial() for caller in callers))
    for caller in callers:
        report = await caller.report_until(lambda r: r["ended"] == 1)
        assert report["gaps"] == 0 and report["connected"] == 1
    assert sorted(loop["sessions"] for loop in (await off(server.stats))["loops"]) == [4, 4]
    await asyncio.gather(*(caller.close() for caller in callers))
    await off(server.await_stats, lambda s: s["sessions"]["active"] == 0 and s["workers"]["busy"] == 0)


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
