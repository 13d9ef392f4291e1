#!/usr/bin/env bash
# Is commit B faster than commit A? Builds both, runs `rushlight bench` of each in turn, A B A B, and prints both medians, their
# ratio, and the noise: A beside A. What to run before and after a change of the hot path.
#   scripts/bench_compare.sh A B [--rounds N] [-- ARGUMENT...]
#     A, B         commits, as git names them: HEAD~1, main, 1a2b3c4; both the same shows the noise alone
#     --rounds N   turns of each (7)
#   Arguments behind -- go to `rushlight bench`: -- infer --threads 1. Without, it is the lab, and a turn 2 seconds.
#   Builds are kept in build/compare, one folder a commit. What is changed and not committed takes no part.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/build/compare
rounds=7
begun= # A folder that is not finished: removed whatever ends this script.

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

misused() {
  usage >&2
  exit 2
}

fail() {
  echo "bench_compare: $*" >&2
  exit 2
}

# The full name of a commit: resolve NAME
resolve() {
  git -C "$root" rev-parse --verify --quiet "$1^{commit}" ||
    fail "there is no commit \"$1\" in $root: name one that \`git log\` shows, or fetch it first"
}

# Builds a commit in a folder of its own: build_commit NAME SHA
build_commit() {
  local name=$1 sha=$2 folder=$cache/$2 launcher=()
  [[ ! -f $folder/done ]] || return 0
  command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  echo "Building $name ($sha) in build/compare." >&2
  rm -rf "$folder"
  begun=$folder
  mkdir -p "$folder/source"
  git -C "$root" archive "$sha" | tar -x -C "$folder/source"
  if ! cmake -S "$folder/source" -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DRUSHLIGHT_TESTS=OFF \
    "${launcher[@]}" >&2 || ! cmake --build "$folder/build" --target rushlight_program >&2; then
    fail "$name ($sha) does not build, for the reason above"
  fi
  : >"$folder/done"
  begun=
}

names=()
while (($# > 0)); do
  case $1 in
    --help) usage && exit ;;
    --rounds)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || fail "--rounds takes a number of 1 or more"
      rounds=$2
      shift
      ;;
    --)
      shift
      break
      ;;
    -*) misused ;;
    *) names+=("$1") ;;
  esac
  shift
done
((${#names[@]} == 2)) || misused
command -v python3 >/dev/null || fail "there is no python3, which reads the figures"

# The exit of a signal passes through here, too.
trap '[[ -z $begun ]] || rm -rf "$begun"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
programs=()
for name in "${names[@]}"; do
  sha=$(resolve "$name") || exit
  git -C "$root" cat-file -e "$sha:src/app/bench_command.cpp" 2>/dev/null ||
    fail "$name ($sha) has no \`rushlight bench\` yet: name a later commit"
  build_commit "$name" "$sha"
  programs+=("$cache/$sha/build/bin/rushlight")
done
python3 "$root/scripts/bench_compare/turns.py" --rounds "$rounds" "${names[@]}" "${programs[@]}" -- "$@"
