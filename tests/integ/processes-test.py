"""The server's processes: what each of them may, and what becomes of the server when one is lost.

usage: processes-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from processes import began, family, holdings, named, status, still_there  # noqa: E402
from serverfixture import PATIENCE_S, free_port, offer, run_tap, start  # noqa: E402

DIED = "the spawner has died: going down, to be started again"


def kill(server, *names):
    victims = []
    for name in names:
        victims += named(server.process.pid, name)
    assert len(victims) == len(names), victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def restart_zygote(server):
    before = server.await_log("ready")
    kill(server, "rp-zygote")
    server.await_log("trouble")
    deadline = time.monotonic() + PATIENCE_S
    while [r for r in server.records() if r["message"] == "ready"] == [before]:
        assert time.monotonic() < deadline, server.log
        time.sleep(0.02)


def errors(server):
    return [record["message"] for record in server.records() if record["level"] == "error"]


# --- what they may ---


def capabilities(fields):
    """All sets: what it has, can get, hands on, and what an executed file could give it."""
    return {fields[key] for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")}


def assert_confined(server, names, of_the_server=0):
    """@of_the_server: the capabilities that are left to it."""
    members = family(server.process.pid)
    assert set(members.values()) == names, members
    for pid, name in members.items():
        fields = status(pid)
        held = {int(value, 16) for value in capabilities(fields)}
        assert held == ({0, of_the_server} if name == "repartee" else {0}), (name, fields)
        assert fields["NoNewPrivs"] == "1", (name, fields)
        assert fields["Seccomp"] == ("2" if name in ("repartee", "rp-worker") else "0"), (name, fields)
        with open("/proc/%d/limits" % pid, encoding="ascii") as file:
            core = [line.split() for line in file if line.startswith("Max core")][0]
        assert core[4:6] == ["0", "0"], (name, core)


def test_capabilities():
    """None has any: when it is asked for workers as little as while it still reads models, and root's no more than
    another's. Processes with sanitizers are the same."""
    with start(wait_ready=False) as server:
        server.await_log("listening")
        members = family(server.process.pid)
        for pid in members:
            assert set(int(value, 16) for value in capabilities(status(pid))) == {0}, members
        server.await_stats(lambda s: s["workers"]["idle"] == 2)
        assert_confined(server, {"repartee", "rp-spawner", "rp-zygote", "rp-worker"})
        # Nor has one that is started again; the workers there were are nobody's children now.
        restart_zygote(server)
        assert_confined(server, {"repartee", "rp-spawner", "rp-zygote"})


def test_low_port():
    """The one there is a use for, in the one process that has it."""
    if os.geteuid() != 0:
        return "only root has a port below 1024 to give"
    with start("--ice-tcp", str(free_port(600, 1024)), "--user", "nobody") as server:
        server.await_stats(lambda s: s["workers"]["idle"] == 2)
        assert_confined(server, {"repartee", "rp-spawner", "rp-zygote", "rp-worker"}, of_the_server=1 << 10)
    return None


def test_user():
    """Root's server becomes somebody with less to lose, and all below it."""
    if os.geteuid() != 0:
        return "only root can become another user"
    nobody = pwd.getpwnam("nobody")
    with start("--user", "nobody") as server:
        server.await_stats(lambda s: s["workers"]["idle"] == 2)
        assert_confined(server, {"repartee", "rp-spawner", "rp-zygote", "rp-worker"})
        for pid, name in family(server.process.pid).items():
            fields = status(pid)
            assert set(fields["Uid"].split()) == {str(nobody.pw_uid)}, (name, fields)
            assert set(fields["Gid"].split()) == {str(nobody.pw_gid)}, (name, fields)
            assert set(fields["Groups"].split()) <= {str(nobody.pw_gid)}, (name, fields)
    return None


# --- one is lost ---


def test_spawner_dies():
    """Nobody is on the line: the server ends in order, and says why in one line."""
    with start() as server:
        below = {pid: began(pid) for pid in family(server.process.pid)}
        kill(server, "rp-spawner")
        assert server.wait() == 1, server.log
        assert errors(server) == [DIED], server.log
        assert [r["how"] for r in server.records() if r["message"] == DIED] == ["signal 9 (Killed)"]
        deadline = time.monotonic() + PATIENCE_S
        while left := still_there(below):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)


@with_server()
async def test_spawner_dies_in_a_call(server):
    """The call goes on, nobody else is let in, and with its end the server ends."""
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    await off(kill, server, "rp-spawner")
    await off(server.await_log, DIED)
    assert (await off(server.request, "GET", "/readyz"))[0] == 503
    assert (await off(server.api, "POST", "/api/offer", offer()))[0] == 503
    # Its worker can still be replaced: the zygote has no need of the spawner.
    caller.tell("checkpoint kept")
    caller.tell("crash")
    await off(server.await_log, "worker lost")
    await caller.report_until(lambda r: r["start"]["resume"])
    caller.tell("say 20")
    await caller.report_until(lambda r: r["ended"] >= 1 and r["gaps"] == 0)
    await caller.close()
    assert await off(server.wait) == 1
    assert errors(server) == [DIED], server.log


@with_server("--drain-timeout", "1")
async def test_spawner_dies_in_a_long_call(server):
    """One that does not end is asked to, as in any drain; a signal does not cut that short."""
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    await off(kill, server, "rp-spawner")
    await off(server.await_log, DIED)
    server.signal(signal.SIGTERM)
    await caller.expect("signalling", lambda m: m["message"]["type"] == "peerLeft")
    await off(server.await_log, "ended", reason="the agent hung up: drained")
    assert await off(server.wait) == 1
    await caller.close()


@with_server()
async def test_spawner_and_zygote_die(server):
    """No zygote is started for ever that cannot be; the call still goes on."""
    caller = await Caller(server).dial()
    await caller.report_until(lambda r: r["ended"] == 1)
    await off(kill, server, "rp-zygote", "rp-spawner")
    await off(server.await_log, "no worker can be started")
    caller.tell("say 20")
    await caller.report_until(lambda r: r["ended"] == 2)
    await caller.close()
    assert await off(server.wait) == 1
    assert sorted(errors(server)) == ["no worker can be started", DIED], server.log
    assert len([r for r in server.records() if r["message"] == "trouble"]) == 1, server.log


def test_spawner_dies_early():
    """Before there was any worker: still no matter of the configuration."""
    with start(wait_ready=False) as server:
        kill(server, "rp-spawner")
        assert server.wait() == 1, server.log


def test_signal_to_all():
    """As systemd sends it by default, or a shell to its job: the server's way of ending, and no fault."""
    with start() as server:
        for pid in family(server.process.pid):
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass  # it has gone with the others
        assert server.wait() == 0, server.log
        assert errors(server) == [], server.log


def test_zygote_dies():
    """Another takes its place, also in a server that was started by who ignores its children."""

    def prepare():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    for arguments in ({}, {"prepare": prepare}):
        with start(**arguments) as server:
            server.await_stats(lambda s: s["workers"]["idle"] == 2)
            restart_zygote(server)
            assert server.stats()["workers"]["restarts"] == 1
            assert errors(server) == []


# --- what is told of them ---

# Maps the file, reads all of it, and waits for a line.
READER = """
import mmap, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
    sum(view[::4096])
    print("read", flush=True)
    sys.stdin.readline()
"""


def test_memory_is_of_itself():
    """What a process holds does not change when another that has the same file open ends: the endurance tests compare
    two moments of one."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(16 << 20))
        file.flush()
        command = [sys.executable, "-c", READER, file.name]
        readers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for reader in readers:
            assert reader.stdout.readline() == b"read\n"
        before = holdings(readers[0].pid)
        readers[1].communicate(b"\n")
        after = holdings(readers[0].pid)
        readers[0].communicate(b"\n")
    assert before["rss_kib"] > 16 << 10, before
    # It may still have come to where it waits: nothing beside the file.
    assert abs(after["own_kib"] - before["own_kib"]) < 1 << 10, (before, after)
    assert holdings(readers[0].pid)["own_kib"] == 0


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
