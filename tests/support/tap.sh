# shellcheck shell=bash
# TAP for a test that is a shell script, to be sourced. It leaves a directory of the test's own in $work, removed
# at the end; what it tries says its words in $work/out, which a failed row shows.
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
count=0
failed=0

check () { # description, command…
  local what=$1
  shift
  count=$((count + 1))
  if "$@" > /dev/null; then
    echo "ok $count $what"
  else
    echo "not ok $count $what"
    sed 's/^/# /' "$work/out"
    failed=1
  fi
}

says () { grep -qF -- "$1" "$work/out"; }
not () { ! "$@"; }

# The last line of a test.
finish () {
  echo "1..$count"
  exit $failed
}
