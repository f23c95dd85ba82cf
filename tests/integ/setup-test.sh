#!/bin/bash
# tools/lib/setup.sh with a dpkg-query, an apt-get and a user of our own. Prints TAP.
set -u

source_root=$1
# shellcheck source=tests/support/tap.sh
. "$source_root/tests/support/tap.sh"

ran () { grep -q -- "$1" "$work/calls" 2> /dev/null; }

# Only what is listed here can be found; $work/installed has the packages there are.
mkdir "$work/bin"
for tool in bash awk mktemp rm tail env cat mkdir cp mv chmod; do ln -s "$(command -v $tool)" "$work/bin/$tool"; done
fake () { # name, body
  printf '#!/bin/bash\n%s\n' "$2" > "$work/bin/$1"
  chmod +x "$work/bin/$1"
}
fake dpkg-query "cat '$work/installed'; exit 1"
fake apt-get "echo \"\$@\" >> '$work/calls'; case \"\$*\" in *install*) echo 'E: no such thing'; exit \$(cat '$work/status') ;; *download*) cat '$work/deb' > prometheus_1_all.deb ;; esac"
fake dpkg-deb 'mkdir -p "$3/usr/bin" && cp "$2" "$3/usr/bin/promtool" && chmod +x "$3/usr/bin/promtool"'
fake node ''
fake npm ''
fake id 'echo 0'
echo 0 > "$work/status"

run () { with_setup 'rp_setup "$@"' "$@"; }
with_setup () { # script, argument…
  local script=$1
  shift
  rm -f "$work/calls"
  PATH=$work/bin XDG_CACHE_HOME=$work/cache bash -c ". \"\$0/tools/lib/setup.sh\"; $script" \
    "$source_root" "$@" > "$work/out" 2>&1
}
# shellcheck disable=SC1091
all=$(. "$source_root/tools/lib/setup.sh"; echo "$RP_PACKAGES_build")
list_installed () {
  local package
  for package in $all; do echo "installed $package"; done
}

list_installed > "$work/installed"
check 'nothing is missing' run build
check 'is silent' not test -s "$work/out"
check 'does not run apt-get' not test -e "$work/calls"

list_installed | sed 's/^installed meson$/config-files meson/; /libnice-dev/d' > "$work/installed"
check 'installs' run build
check 'what is missing' ran 'install --no-install-recommends meson libnice-dev$'
check 'from fresh lists' ran update
check 'says what' says 'installing meson libnice-dev'
check 'the tests need more' run build test
check 'as chromium' ran 'chromium'
check 'and a sound server for Firefox' ran 'pulseaudio'
fake pipewire ''
run build test
check 'not on a desktop that has one' not ran 'pulseaudio'
check 'but no server of Prometheus' not ran 'prometheus'

check 'promtool is missing' not with_setup rp_setup_promtool
printf '#!/bin/bash\necho promtool runs\n' > "$work/deb"
check 'promtool comes alone' with_setup 'rp_setup_promtool && promtool'
check 'out of its package' ran '^-q .*download prometheus$'
check 'and runs' says 'promtool runs'
check 'promtool is there' with_setup 'rp_setup_promtool && promtool'
check 'and not fetched again' not test -e "$work/calls"

echo 100 > "$work/status"
check 'fails when apt-get does' not run build
check 'with its words' says 'E: no such thing'
check 'and ours' says 'could not install meson libnice-dev'

fake id 'echo 1000'
check 'fails without the right to install' not run build
check 'says what to run' says 'apt-get install --no-install-recommends meson libnice-dev'
fake sudo 'exec "$@"'
echo 0 > "$work/status"
check 'uses sudo' run build

rm "$work/bin/npm"
check 'npm from Debian' run build
check 'only when there is none' ran 'npm$'

rm "$work/bin/dpkg-query"
check 'another system is left alone' run build
check 'and told what is needed' says 'this is not a Debian system'

finish
