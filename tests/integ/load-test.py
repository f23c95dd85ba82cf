"""repartee-load against a server with scripted workers: calls, churn, calls that vanish at every stage, refusals, bad networks.

usage: load-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR REPARTEE_LOAD REPARTEE_WORKER BENCH_AGENT"""
import json
import signal
import subprocess
import sys

sys.path.insert(0, sys.argv[3])
from serverfixture import PATIENCE_S, Server, assert_log_is_clean, run_tap, start  # noqa: E402

LOAD, WORKER, BENCH_AGENT = sys.argv[4:7]
STAGES = ["http", "rst", "offer", "answer", "ice", "dtls", "sctp", "call"]


def begin(url, *options):
    command = [LOAD, "--url", url] + [str(option) for option in options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, code):
    """Returns: its JSON."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, (process.returncode, err)
    return json.loads(out)


def load(server, *options, code=0):
    return finish(begin("http://127.0.0.1:%d" % server.port, *options), code)


def at_rest(stats):
    return stats["sessions"]["active"] == 0


def serve(*options):
    # With more workers ready than calls begin at once: a stalled machine forks late.
    return start("--workers", "8", "--max-sessions", "20", *options)


def test_holds_calls():
    with serve() as server:
        report = load(server, "--calls", 8, "--ramp", 0.3, "--hold", 2)
        calls, (phase,) = report["calls"], report["phases"]
        assert report["ok"] and not report["interrupted"], report
        assert (calls["attempted"], calls["connected"], calls["refused"]) == (8, 8, 0), calls
        assert calls["failed"] == {} and calls["killed"] == {}, calls
        assert (phase["calls"], phase["up"]) == (8, 8), phase
        # Every call was set up and answered on its data channel once.
        assert phase["setup_ms"]["n"] == phase["bot_ready_ms"]["n"] == 8, phase
        assert phase["setup_ms"]["p50"] > 0, phase
        # Whatever the machine's speed, each packet is there, once, and can be decrypted.
        assert phase["packets"] > 0 and phase["packets_sent"] > 0, phase
        assert phase["lost"] == phase["duplicates"] == phase["reordered"] == phase["undecipherable"] == 0, phase
        # The first of a call that is just up has none before it.
        assert phase["packets"] - 8 <= phase["interval_ms"]["n"] <= phase["packets"], phase
        # What was late made gaps, and gaps have intervals.
        assert (phase["interval_ms"]["max"] > 40) == (phase["gaps_over_40ms"] > 0), phase
        assert phase["stats"]["sessions"]["active"] == 8, phase["stats"]
        assert report["own"]["cpu_ms_per_call_second"] > 0, report["own"]
        server.await_stats(at_rest)
        assert_log_is_clean(server)


def test_takes_steps():
    with serve() as server:
        report = load(server, "--steps", "2,5,3", "--ramp", 0.2, "--hold", 0.5)
        assert [phase["calls"] for phase in report["phases"]] == [2, 5, 3], report
        assert [phase["up"] for phase in report["phases"]] == [2, 5, 3], report
        assert [phase["setup_ms"]["n"] for phase in report["phases"]] == [2, 3, 0], report
        assert report["calls"]["attempted"] == 5, report["calls"]


def test_replaces_calls():
    with serve() as server:
        report = load(server, "--calls", 4, "--call-length", 0.3, "--total", 20)
        assert report["calls"]["attempted"] == report["calls"]["connected"] == 20, report["calls"]
        assert report["phases"][0]["setup_ms"]["n"] == 20, report
        stats = server.await_stats(at_rest)
        assert stats["sessions"]["total"] == 20, stats["sessions"]
        # They hung up in order: nobody was waited for.
        assert {call["end"] for call in stats["recent"]} == {"client"}, stats["recent"]


def test_vanishes_at_every_stage():
    # So long that a stalled machine connects, and with room for those that vanish meanwhile.
    with serve("--connect-timeout", "5", "--inactivity-timeout", "5", "--max-sessions", "40") as server:
        report = load(server, "--calls", 4, "--total", 24, "--kill-at", "mix", "--kill-share", 1)
        calls = report["calls"]
        assert calls["killed"] == {stage: 3 for stage in STAGES}, calls
        assert calls["connected"] == 3 and calls["failed"] == {}, calls
        assert report["ok"], report
        # The server gets over each of them, and goes on.
        server.await_stats(at_rest)
        assert load(server, "--calls", 2, "--hold", 0.5)["calls"]["connected"] == 2


def test_kills_a_share():
    with serve("--connect-timeout", "5", "--inactivity-timeout", "5", "--max-sessions", "40") as server:
        report = load(server, "--calls", 4, "--total", 20, "--kill-at", "http,dtls", "--call-length", 0.3)
        killed = report["calls"]["killed"]
        assert set(killed) == {"http", "dtls"}, killed
        assert 0 < sum(killed.values()) < 20, killed
        assert report["calls"]["connected"] == 20 - sum(killed.values()), report["calls"]


def test_counts_refusals():
    with serve("--max-sessions", "2") as server:
        report = load(server, "--calls", 5, "--ramp", 0, "--hold", 0.5, code=1)
        calls = report["calls"]
        assert (calls["attempted"], calls["connected"], calls["refused"]) == (5, 2, 3), calls
        assert calls["retry_after_s"] >= 1 and calls["failed"] == {}, calls
        assert not report["ok"], report


def test_bad_networks():
    with serve() as server:
        report = load(
            server, "--calls", 4, "--ramp", 0, "--hold", 2, "--continuous", "--no-data", "--loss", 20, "--burst", 2,
            "--in-loss", 20, "--in-duplicate", 10
        )
        phase = report["phases"][0]
        assert report["calls"]["connected"] == 4, report["calls"]
        assert phase["bot_ready_ms"]["n"] == 0, phase
        assert phase["lost"] > 0 and phase["duplicates"] > 0 and phase["gaps_over_40ms"] > 0, phase
        losses = [call["loss"] for call in server.await_stats(at_rest)["recent"]]
        assert len(losses) == 4 and max(losses) > 0, losses


def test_stops_when_told():
    for number in (signal.SIGTERM, signal.SIGINT):
        with serve() as server:
            process = begin("http://127.0.0.1:%d" % server.port, "--calls", 3, "--ramp", 0, "--hold", 600)
            server.await_stats(lambda stats: stats["sessions"]["active"] == 3)
            process.send_signal(number)
            report = finish(process, 0)
            assert report["interrupted"], report
            server.await_stats(at_rest)


def test_calls_this_machine_alone():
    for arguments in (
        ("--url", "http://192.0.2.1:8080"),
        ("--url", "https://127.0.0.1"),
        ("--url", "http://127.0.0.1:1/path"),
        ("--calls", "0"),
        ("--calls", "2001"),
        ("--hold", "7201"),
        ("--kill-at", "lunch"),
        ("--kill-share", "2"),
        ("--speech",),
        ("--loss", "much"),
        ("--nonsense",),
    ):
        done = subprocess.run((LOAD,) + arguments, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 2, (arguments, done)
        assert done.stderr.startswith("repartee-load: ") and done.stdout == "", done
    assert "--kill-at" in subprocess.run((LOAD, "--help"), capture_output=True, text=True, check=True).stdout


def test_nobody_there():
    report = finish(begin("http://127.0.0.1:1", "--calls", 2, "--ramp", 0), 1)
    assert sum(report["calls"]["failed"].values()) == 2, report["calls"]


def test_hears_answers():
    """With real workers: what is measured from the lengths of packets is there, and near what the server says."""
    try:
        server = Server(sys.argv[1], WORKER, "--agent", BENCH_AGENT)
    except AssertionError as reason:
        if "model" in str(reason):
            return "the speech models are not there"
        raise
    with server:
        report = load(server, "--calls", 2, "--ramp", 0, "--hold", 15)
        phase = report["phases"][0]
        assert phase["voice_to_voice_ms"]["n"] >= 2, phase
        assert phase["answers_missing"] == 0, phase
        # The agent waits for 200 ms of silence before it answers.
        assert phase["voice_to_voice_ms"]["p50"] > 150, phase


if __name__ == "__main__":
    sys.exit(
        run_tap(
            [
                test_holds_calls,
                test_takes_steps,
                test_replaces_calls,
                test_vanishes_at_every_stage,
                test_kills_a_share,
                test_counts_refusals,
                test_bad_networks,
                test_stops_when_told,
                test_calls_this_machine_alone,
                test_nobody_there,
                test_hears_answers,
            ]
        )
    )
