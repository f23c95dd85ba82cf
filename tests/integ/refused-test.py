"""Places that let the server give up, or do, less than it wants: it starts all the same.

usage: refused-test.py REPARTEE SCRIPTED_ZYGOTE SUPPORT_DIR"""
import ctypes
import os
import sys
import tempfile

sys.path.insert(0, sys.argv[3])
from serverfixture import offer, run_tap, start  # noqa: E402

ALLOW = 0x7FFF0000
EPERM = 0x00050001
# A sanitizer ends the process that cannot read its limits.
SANITIZED = any(name in os.popen("ldd %s" % sys.argv[1]).read() for name in ("asan", "tsan"))


def refusing(*calls, capabilities=True):
    """As containers and service managers do: these system calls fail with EPERM."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    libc = ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ALLOW)))
    for name in calls:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            assert seccomp.seccomp_rule_add_array(context, ctypes.c_uint32(EPERM), number, 0, None) == 0, name

    def prepare():
        if not capabilities:
            header = (ctypes.c_uint32 * 2)(0x20080522, 0)
            assert libc.capset(header, (ctypes.c_uint32 * 6)()) == 0
        if calls:
            assert seccomp.seccomp_load(context) == 0

    return prepare


def serves(*options, **arguments):
    """It takes a call. Returns: the log."""
    with start(*options, **arguments) as server:
        status, answer = server.api("POST", "/api/offer", offer())
        assert status == 200, answer
    return server.records()


def warned(records, what):
    return any(r["level"] == "warning" and what in r.get("confined", "") for r in records)


def test_no_precedence():
    calls = ("setpriority", "sched_setscheduler", "setrlimit") + (() if SANITIZED else ("prlimit64",))
    serves(prepare=refusing(*calls))


def test_no_landlock():
    calls = ("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")
    assert warned(serves(prepare=refusing(*calls)), "no landlock")


def test_no_seccomp():
    assert warned(serves(prepare=refusing("seccomp")), "no seccomp")


def test_no_capabilities_to_lose():
    serves(prepare=refusing("capset", capabilities=False))


def test_data_out_of_reach():
    with tempfile.TemporaryDirectory(prefix="rp-refused-") as directory:
        closed = os.path.join(directory, "closed")
        os.makedirs(os.path.join(closed, "data"))
        os.chmod(closed, 0)
        serves("--data", os.path.join(closed, "data"), prepare=refusing(capabilities=False))
        with open(os.path.join(directory, "file"), "w", encoding="ascii"):
            pass
        serves("--data", os.path.join(directory, "file", "data"))
        os.chmod(closed, 0o700)


def test_no_close_range():
    """As before Linux 5.9: the spawner keeps nothing of the server's all the same."""
    with start(prepare=refusing("close_range")) as server:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid, encoding="ascii") as file:
                    before, after = file.read().rsplit(")", 1)
                if before.endswith("(rp-spawner") and int(after.split()[1]) == server.process.pid:
                    assert len(os.listdir("/proc/%s/fd" % pid)) == 4
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue


def test_no_standard_input():
    """Its number must not become another file's: the workers' sockets would be taken for it."""

    def prepare():
        os.close(0)

    with start(prepare=prepare) as server:
        try:
            assert os.readlink("/proc/%d/fd/0" % server.process.pid) == "/dev/null"
        except PermissionError:
            pass
        assert server.api("POST", "/api/offer", offer())[0] == 200


sys.exit(
    run_tap(
        (
            test_no_precedence,
            test_no_landlock,
            test_no_seccomp,
            test_no_capabilities_to_lose,
            test_data_out_of_reach,
            test_no_close_range,
            test_no_standard_input,
        )
    )
)
