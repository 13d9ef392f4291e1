#!/usr/bin/env bash
# The one list of Debian packages that Rushlight needs, in groups, and what installs those that are missing.
#   scripts/dependencies.sh list GROUP...       prints the names
#   scripts/dependencies.sh install GROUP...    installs what is missing, with one call of apt
# Groups: build, tests, checks, bench. Ubuntu's names are the same; libdnnl-dev and libisal-dev are in its component universe.
set -euo pipefail

build_packages="
g++                   the compiler
cmake                 configures the build
ninja-build           runs the build
pkg-config            finds xxHash
git                   tells the program its commit
ca-certificates       lets git and apt speak https
libdnnl-dev           oneDNN: matrix products on the CPU
libcli11-dev          the command line
nlohmann-json3-dev    the headers of safetensors files, and --json
libtomlplusplus-dev   config.toml
libxxhash-dev         the hash of a data set
libfmt-dev            text
libisal-dev           inflates data sets
dataset-fashion-mnist 70,000 images to train and test on
"
tests_packages="
libgtest-dev          GoogleTest
libgmock-dev          its matchers
zlib1g-dev            compresses data sets of the tests
librandom123-dev      Philox's own source, to compare with
clang-format          the format check
ccache                makes a second build of a file free
"
checks_packages="
clang-tidy            finds defects
shellcheck            finds defects in these scripts
python3               reads what nvcc says of the kernels
gcovr                 counts the lines that tests reach
libbenchmark-dev      Google Benchmark, for bench/
valgrind              counts the instructions of a step
"
bench_packages="
python3               measures Rushlight beside its peers
python3-venv          keeps PyTorch, JAX and onnxruntime apart from the system
python3-dev           torch.compile needs its headers
"

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

# The lines "name  why" of the groups given.
lines() {
  local group
  for group in "$@"; do
    case $group in
      build) printf '%s' "$build_packages" ;;
      tests) printf '%s' "$tests_packages" ;;
      checks) printf '%s' "$checks_packages" ;;
      bench) printf '%s' "$bench_packages" ;;
      *) usage ;;
    esac
  done | sed '/^$/d'
}

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

install_missing() {
  local wanted name why missing=()
  wanted=$(lines "$@")
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    echo "This system has no apt. Rushlight needs what Debian calls:" >&2
    awk '{ print "  " $0 }' <<<"$wanted" >&2
    echo "Install these by your system's names, then: cmake --preset cpu && cmake --build --preset cpu" >&2
    exit 1
  fi
  while read -r name why; do
    if ! is_installed "$name"; then
      ((${#missing[@]})) || echo "Missing packages:" >&2
      printf '  %-22s%s\n' "$name" "$why" >&2
      missing+=("$name")
    fi
  done <<<"$wanted"
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      echo "Installing them takes root, and there is no sudo. As root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing them with apt." >&2
  # A fresh machine has no package lists yet; where a mirror can't be reached, the lists at hand may do.
  "${as_root[@]}" apt-get update -qq >&2 || echo "apt-get update failed; trying with the lists at hand." >&2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

(($# >= 2)) || usage
action=$1
shift
case $action in
  list) lines "$@" | awk '{ print $1 }' ;;
  install) install_missing "$@" ;;
  *) usage ;;
esac
