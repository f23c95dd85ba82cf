#!/usr/bin/python3
"""What `meson test` wrote of its tests, for tools/test.

usage: meson_results.py sums JUNIT_XML [AGAIN_XML]   "passed failed skipped", one test program's rows each; those of
                                                     the second in place of the first's
       meson_results.py failures TESTLOG_JSON NAME   what each failed program said of it, with its name
       meson_results.py stalled TESTLOG_JSON STALLS  the failed programs, a line each, if the machine itself stood
                                                     still while each of them ran (machine-stalls)
"""
import json
import re
import sys
import time
import xml.etree.ElementTree as tree

LINES = 30
MOST = 3  # of one program
GOOD = ("OK", "SKIP", "EXPECTEDFAIL")


def suites(path):
    """Returns: {name: its rows}"""
    # meson copies what tests print as it is, and XML has no place for control characters.
    with open(path, encoding="utf-8", errors="replace") as file:
        text = re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", file.read())
    return {suite.get("name"): list(suite.iter("testcase")) for suite in tree.fromstring(text.encode()).iter("testsuite")}


def sums(path, again=None):
    passed = failed = skipped = 0
    found = {**suites(path), **(suites(again) if again else {})}
    for case in [case for rows in found.values() for case in rows]:
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    print(passed, failed, skipped)


def failed_tests(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        tests = [json.loads(line) for line in file if line.strip()]
    return [test for test in tests if test["result"] not in GOOD]


def own_name(test):
    return test["name"].split(" / ")[-1]


def failures(path, name):
    for test in failed_tests(path):
        printed = (test.get("stdout") or "").splitlines() + (test.get("stderr") or "").splitlines()
        print("--- %s: %s: %s after %.0f s" % (name, own_name(test), test["result"], test["duration"]))
        # What a test says of its failure comes before, and others may come after.
        ends = [i + 1 for i, line in enumerate(printed) if line.startswith(("not ok", "Bail out!"))][:MOST]
        for end in ends or [len(printed)]:
            print("\n".join(printed[max(0, end - LINES) : end]))


def stalled(path, stalls):
    """Prints nothing when one of them failed by itself."""
    ahead = time.time() - time.monotonic()
    with open(stalls, encoding="ascii") as file:
        ends = [(float(line.split()[0]) + ahead, float(line.split()[2]) / 1000) for line in file]
    failed = failed_tests(path)
    for test in failed:
        begin, end = test["starttime"], test["starttime"] + test["duration"]
        if not any(at > begin and at - length < end for at, length in ends):
            return
    print("\n".join(own_name(test) for test in failed))


if __name__ == "__main__":
    {"sums": sums, "failures": failures, "stalled": stalled}[sys.argv[1]](*sys.argv[2:])
