# Sourced by bash: installs the packages of npm that the tests need, outside the tree, pinned by
# package-lock.json, and sets RP_E2E_MODULES to where they are.

rp_e2e_modules () {
  local e2e=$1 cache pin modules
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/repartee
  pin=$(sha256sum < "$e2e/package-lock.json" | cut -c1-12)
  modules=$cache/e2e-$pin
  if [ ! -f "$modules/complete" ]; then
    mkdir -p -- "$modules"
    (
      flock 9
      if [ -f "$modules/complete" ]; then exit 0; fi
      cp -- "$e2e/package.json" "$e2e/package-lock.json" "$modules/"
      npm --prefix "$modules" ci --ignore-scripts --no-audit --no-fund --loglevel error
      touch "$modules/complete"
    ) 9> "$cache/e2e.lock"
  fi
  export RP_E2E_MODULES=$modules
}

rp_e2e_modules "$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
