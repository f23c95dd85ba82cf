#!/usr/bin/python3
"""What ThreadSanitizer must report of sync.c, and what not. Usage: sync-test.py EXECUTABLE"""
import os
import subprocess
import sys

CASES = ["right", "unlocked", "other-mutex", "failed-trylock", "after-push", "after-wait", "after-free"]
REPORTED = 66


def check(name):
    options = os.environ.get("TSAN_OPTIONS", "") + ":exitcode=%d:log_path=stderr" % REPORTED
    env = {**os.environ, "TSAN_OPTIONS": options}
    done = subprocess.run([sys.argv[1], name], env=env, capture_output=True, text=True, timeout=60)
    function = name.replace("-", "_")
    if name == "right":
        return done.returncode == 0 and not done.stderr, done.stderr
    reported = "data race" in done.stderr and function in done.stderr
    return done.returncode == REPORTED and reported, done.stderr or "nothing was reported"


print("1..%d" % len(CASES))
for number, case in enumerate(CASES, 1):
    ok, output = check(case)
    if not ok:
        print("".join("# %s\n" % line for line in output.splitlines()))
    what = "no report" if case == "right" else "the race is reported"
    print("%s %d %s: %s" % ("ok" if ok else "not ok", number, case, what))
