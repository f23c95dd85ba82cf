"""A worker that was taken over tries what it can: at the most its own call notices.

usage: hostile-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import asyncio
import os
import sys
import tempfile
import time

sys.path.insert(0, sys.argv[3])
from caller import Caller, off, with_server  # noqa: E402
from processes import named  # noqa: E402
from serverfixture import PATIENCE_S, offer, run_tap  # noqa: E402

DATA = tempfile.mkdtemp(prefix="rp-hostile-")
OUTSIDE = tempfile.mkdtemp(prefix="rp-outside-")


async def attack(caller, words):
    """Returns: what came of it."""
    caller.tell("attack " + words)
    said = await caller.expect("user-transcription", lambda m: m["data"]["text"].startswith(words + ": "))
    return said["data"]["text"].split(": ", 1)[1]


async def lives(server, caller):
    """The bystander's call, and the server."""
    report = await caller.report()
    assert report["gaps"] == 0 and report["resumed"] == "", report
    assert (await off(server.request, "GET", "/healthz"))[0] == 200


def enforced():
    """Landlock's version, 0 without; and whether the workers are in a sandbox at all."""
    import ctypes

    return max(0, ctypes.CDLL(None).syscall(444, 0, 0, 1))


ABI = enforced()
# Sanitizers need what a sandbox takes: memory without end.
SANITIZED = "asan" in os.popen("ldd %s" % sys.argv[2]).read()


@with_server("--data", DATA)
async def test_refusals(server):
    bystander = await Caller(server).dial()
    caller = await Caller(server).dial()
    await off(server.await_stats, lambda s: s["workers"]["idle"] == 2)
    workers = named(server.process.pid, "rp-zygote") + named(server.process.pid, "rp-worker")
    victims = [server.process.pid] + workers
    no = ("EPERM", "EACCES", "ENOSYS")
    for words in ("socket", "unix", "connect %d" % server.port, "listen", "sendfd", "code", "thread"):
        result = await attack(caller, words)
        assert result in no + ("refused",), (words, result)
    itself = int(await attack(caller, "pid"))
    assert itself in victims and len(victims) >= 5, victims
    victims.remove(itself)
    for pid in victims:
        for words in ("signal %d", "limits-of %d"):
            result = await attack(caller, words % pid)
            assert result in no, (words, result)
    for words in ("signal -1", "signal 0", "signal 1"):
        assert await attack(caller, words) in no, words
    for name in ("memfd_create", "clone3", "timer_create", "setpriority", "shmget", "msgget", "prctl", "ioctl"):
        result = await attack(caller, "call " + name)
        assert result in no, (name, result)
    descriptors = (await attack(caller, "descriptors")).split()
    assert descriptors[:3] == ["0:c", "1:c", "2:p"] and len(descriptors) == 4, descriptors
    assert descriptors[3].endswith(":s"), descriptors
    await lives(server, bystander)
    await caller.close()
    await bystander.close()


@with_server("--data", DATA)
async def test_files(server):
    if ABI == 0:
        return
    caller = await Caller(server).dial()
    with open(os.path.join(OUTSIDE, "secret"), "w", encoding="ascii") as file:
        file.write("x")
    for words in (
        "read /etc/shadow",
        "read /etc/passwd",
        "read /proc/%d/cmdline" % server.process.pid,
        "read /proc/self/environ",
        "read %s/secret" % OUTSIDE,
        "read %s/../%s/secret" % (DATA, os.path.basename(OUTSIDE)),
        "list /",
        "list %s" % OUTSIDE,
        "list /proc/%d/fd" % server.process.pid,
        "write %s/new" % OUTSIDE,
        "write %s/secret" % OUTSIDE,
        "write /tmp/rp-hostile",
        "write /dev/shm/rp-hostile",
        "write %s" % sys.argv[1],
    ):
        result = await attack(caller, words)
        assert result in ("EACCES", "EPERM", "ETXTBSY"), (words, result)
    assert await attack(caller, "write %s/mine" % DATA) == "done"
    assert await attack(caller, "read /etc/localtime") in ("done", "ENOENT")
    assert os.listdir(OUTSIDE) == ["secret"] and not os.path.exists("/tmp/rp-hostile")
    await caller.close()


async def dies(server, caller, other, words, how=None):
    """The worker does not survive it; its call does, and the other one notices nothing."""
    before = len([r for r in server.records() if r["message"] == "worker lost"])
    caller.tell("checkpoint kept")
    caller.tell("attack " + words)
    await off(server.await_count, "worker lost", before + 1)
    losses = [r for r in server.records() if r["message"] == "worker lost"]
    assert how is None or losses[-1]["how"] == how, losses[-1]
    await caller.report_until(lambda r: r["resumed"] in ("kept", "") and r["start"]["resume"])
    await lives(server, other)


def deadly(*attacks):
    @with_server("--data", DATA, "--workers", "3")
    async def test(server):
        other = await Caller(server).dial()
        # A call ends after its sixth loss in half a minute.
        for i in range(0, len(attacks), 5):
            caller = await Caller(server).dial()
            for words in attacks[i : i + 5]:
                await dies(server, caller, other, words % {"server": server.process.pid})
            await caller.close()
        signals = [r for r in server.records() if "signal 31" in str(r.get("what"))]
        assert len(signals) == 0 or len(signals) <= len(attacks)
        await other.close()

    return test


def test_other_processes():
    deadly("fork", "exec", "ptrace %(server)d", "memory-of %(server)d", "pidfd %(server)d", "call vfork")()


def test_kernel():
    deadly("call bpf", "call io_uring_setup", "call userfaultfd", "call perf_event_open", "call keyctl",
           "call mount", "call unshare", "call setns", "call setuid", "call reboot")()


@with_server("--data", DATA)
async def test_eats_memory(server):
    if SANITIZED:
        return
    other = await Caller(server).dial()
    caller = await Caller(server).dial()
    got = int(await attack(caller, "eat"))
    assert got < 1536, got
    await lives(server, other)
    await caller.close()
    await other.close()


@with_server("--data", DATA)
async def test_spins(server):
    other = await Caller(server).dial()
    caller = await Caller(server).dial()
    await dies(server, caller, other, "spin", "hung")
    await caller.close()
    await other.close()


def flooded(words, how):
    @with_server("--data", DATA)
    async def test(server):
        other = await Caller(server).dial()
        caller = await Caller(server).dial()
        await dies(server, caller, other, words, how)
        await caller.close()
        await other.close()

    return test


def test_floods_events():
    flooded("flood", "garbage")()


def test_floods_audio():
    flooded("flood-audio", "garbage")()


def test_floods_checkpoints():
    flooded("checkpoints", "garbage")()


def test_sends_a_giant():
    flooded("giant", "garbage")()


def test_sends_zeros():
    flooded("zeros", "garbage")()


async def crowd(server, calls):
    """So many more, however busy the machine is with something else."""
    deadline = time.monotonic() + PATIENCE_S
    while calls > 0:
        status, answer = await off(server.api, "POST", "/api/offer", offer())
        assert status == 200 or "too busy to understand" not in answer["detail"], answer
        assert time.monotonic() < deadline, answer
        calls -= status == 200
        await asyncio.sleep(0 if status == 200 else 0.5)


@with_server("--data", DATA, admission=True)
async def test_lies_about_load(server):
    """One that says it is overloaded does not close the server to everybody."""
    caller = await Caller(server).dial()
    other = await Caller(server).dial()
    await crowd(server, 3)
    for _ in range(25):
        assert await attack(caller, "load") == "done"
        assert ((await off(server.stats))["admission"]["stt_ms"] or 0) < 1000
        await asyncio.sleep(0.2)
    refusals = [r for r in server.records() if r["message"] == "callers are refused"]
    assert all(r["reason"] != "stt" for r in refusals), refusals
    # Two who wait are a busy machine.
    for _ in range(100):
        assert await attack(caller, "load") == await attack(other, "load") == "done"
        if ((await off(server.stats))["admission"]["stt_ms"] or 0) > 1000:
            break
        await asyncio.sleep(0.2)
    else:
        raise AssertionError("nobody is believed")
    await caller.close()
    await other.close()


@with_server("--data", DATA)
async def test_shouts(server):
    """What it writes to standard error is said once in a while, as what it is."""
    caller = await Caller(server).dial()
    assert await attack(caller, "stderr") == "done"
    await off(server.await_log, "a worker says")
    said = [r for r in server.records() if r["message"] == "a worker says"]
    assert 0 < len(said) < 1000, len(said)
    assert all(line.startswith("{") for line in server.log)
    await caller.close()


@with_server("--data", DATA, "--no-confine")
async def test_unconfined(server):
    """The attacks are real: without the sandbox they work."""
    caller = await Caller(server).dial()
    for words in ("socket", "connect %d" % server.port, "signal %d" % server.process.pid, "read /etc/passwd", "thread"):
        assert await attack(caller, words) == "done", words
    await caller.close()


if __name__ == "__main__":
    sys.exit(run_tap([value for name, value in list(globals().items()) if name.startswith("test_")]))
