# Set-up shared by tools/run and tools/test, to be sourced by bash.
#
#   rp_setup build         installs the Debian packages that are missing for building and running
#   rp_setup build test    and those that the tests need
#   rp_setup_promtool      puts promtool on the PATH
#   rp_setup_janus         fetches Janus for the benches and sets RP_JANUS_ROOT
#
# Costs some milliseconds and prints nothing when nothing is missing. Returns 1 with a message on
# standard error otherwise. Two at a time are fine: apt waits for the other.

# A registry that does not answer at once is asked again.
RP_APT_RETRIES='-o Acquire::Retries=3'
export npm_config_fetch_retries=${npm_config_fetch_retries:-5}

# meson builds with gcc; node and npm may come from elsewhere, see below.
RP_PACKAGES_build="gcc libc6-dev meson ninja-build pkg-config libglib2.0-dev libnice-dev libsrtp2-dev
  libgnutls28-dev libopus-dev libmicrohttpd-dev libjson-glib-dev libusrsctp-dev libsoup-3.0-dev
  flite1-dev libsqlite3-dev libseccomp-dev ca-certificates"
# chromium, Firefox and aiortc are the callers of the end-to-end tests, clang runs the fuzz targets,
# coturn and nftables make the networks that calls have to get through, the sounds are recorded
# speech that every Debian machine can have. A page without any font has no text; DejaVu is what
# chromium would get with recommended packages.
RP_PACKAGES_test="chromium firefox-esr fonts-dejavu-core python3-aiortc clang libclang-rt-dev
  asterisk-core-sounds-en-wav curl clang-format coturn nftables iproute2 procps"

# Prints those of the packages given that are not installed.
rp_missing_packages () {
  local status
  # "package:arch status" of the known ones; unknown names only go to standard error.
  status=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2> /dev/null |
    awk '$1 == "installed" { print $2 }')
  local package
  for package in "$@"; do
    case $'\n'$status$'\n' in
      *$'\n'"$package"$'\n'*) ;;
      *) printf '%s\n' "$package" ;;
    esac
  done
}

# Runs apt-get as root, quietly, with its whole output shown if it fails.
rp_apt_get () {
  local as_root=() log
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  log=$(mktemp) || return 1
  # shellcheck disable=SC2086 # two words
  if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=600 $RP_APT_RETRIES "$@" > "$log" 2>&1; then
    rm -f -- "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f -- "$log"
  return 1
}

rp_setup () {
  local wanted=() missing=() set name
  for set in "$@"; do
    name=RP_PACKAGES_$set
    # shellcheck disable=SC2206 # a list of words
    wanted+=(${!name})
  done
  # A node that is not Debian's (a newer one, as developers have) brings its own npm.
  if ! command -v node > /dev/null; then wanted+=(nodejs); fi
  if ! command -v npm > /dev/null; then wanted+=(npm); fi
  # Firefox's Web Audio stands still without a sound server. The tests start one of their own; only
  # its program is needed, and a desktop with PipeWire must not be given PulseAudio.
  case " $* " in
    *' test '*) if ! command -v pipewire > /dev/null; then wanted+=(pulseaudio); fi ;;
  esac

  if ! command -v dpkg-query > /dev/null || ! command -v apt-get > /dev/null; then
    # Another distribution: the build itself says what it lacks.
    echo "set-up: this is not a Debian system; needed are the equivalents of:" >&2
    printf '  %s\n' "${wanted[*]}" >&2
    return 0
  fi
  mapfile -t missing < <(rp_missing_packages "${wanted[@]}")
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi

  echo "set-up: installing ${missing[*]}"
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo > /dev/null; then
    echo "set-up: not root, and there is no sudo. As root, run:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    return 1
  fi
  # Old package lists are the usual reason of a failed download; they may be absent altogether.
  if ! rp_apt_get update; then
    echo "set-up: 'apt-get update' failed (network? sources?): trying with the lists as they are" >&2
  fi
  if ! rp_apt_get install --no-install-recommends "${missing[@]}"; then
    echo "set-up: could not install ${missing[*]}" >&2
    echo "  Repartee is built for Debian 12 or later; see the messages above." >&2
    return 1
  fi
}

# rp_fetch PACKAGE DIR PATH…: puts these files or folders of a Debian package below DIR without
# installing it: there is a server in it that would listen on all addresses from its installation on.
rp_fetch () {
  local package=$1 dir=$2 work status=0
  shift 2
  echo "set-up: fetching $package"
  work=$(mktemp -d) || return 1
  {
    # shellcheck disable=SC2086 # two words
    (cd "$work" && apt-get -q $RP_APT_RETRIES download "$package") || (cd "$work" && rp_apt_get update &&
      apt-get -q $RP_APT_RETRIES download "$package")
  } > "$work/log" 2>&1 && dpkg-deb -x "$work/$package"_*.deb "$work/tree" &&
    mkdir -p "$dir.$$" && (cd "$work/tree" && cp -r --parents -- "$@" "$dir.$$") || status=1
  # Another may have been faster.
  if [ "$status" -eq 0 ] && ! mv -T "$dir.$$" "$dir" 2> /dev/null && [ ! -d "$dir" ]; then
    status=1
  fi
  if [ "$status" -ne 0 ]; then
    tail -n 20 "$work/log" >&2
    echo "set-up: could not fetch Debian's package $package" >&2
  fi
  rm -rf -- "$work" "$dir.$$"
  return "$status"
}

rp_setup_promtool () {
  local dir=${XDG_CACHE_HOME:-$HOME/.cache}/repartee/promtool
  PATH=$PATH:$dir/usr/bin
  if command -v promtool > /dev/null; then return 0; fi
  if ! command -v apt-get > /dev/null; then
    echo "set-up: the check of /metrics wants promtool, of Prometheus" >&2
    return 0
  fi
  rp_fetch prometheus "$dir" usr/bin/promtool
}

# Only for tests/bench/capacity, which compares with it.
rp_setup_janus () {
  local dir=${XDG_CACHE_HOME:-$HOME/.cache}/repartee/janus missing=()
  export RP_JANUS_ROOT=
  if command -v janus > /dev/null; then return 0; fi
  RP_JANUS_ROOT=$dir
  if [ -x "$dir/usr/bin/janus" ]; then return 0; fi
  if ! command -v apt-get > /dev/null; then
    echo "set-up: there is no janus to compare with" >&2
    return 1
  fi
  # Those libraries of Janus itself and its AudioBridge that a build of Repartee does not bring.
  mapfile -t missing < <(rp_missing_packages libconfig9 libcurl4 libjansson4 libogg0 libssl3)
  if [ ${#missing[@]} -gt 0 ]; then
    rp_apt_get update
    rp_apt_get install --no-install-recommends "${missing[@]}" || return 1
  fi
  rp_fetch janus "$dir" usr/bin/janus usr/lib
}
