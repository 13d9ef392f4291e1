#!/usr/bin/env bash
# How many instructions does a training step of the lab take? A count that is the same run after run, beside times that never are:
# callgrind counts two trainings of different lengths, whose difference is divided by the steps. By function for what is ours; a
# line each for the libraries. One thread; AVX2, as valgrind knows no AVX-512.
#   scripts/count_instructions.sh [--steps N] [-- ARGUMENT...]
#     --steps N   the difference (2)
#   Arguments behind -- go to `rushlight train`: -- --hidden 64,64. The program is built in build/count. It takes some minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$root/build/count
launcher=()

case ${1:-} in
  "" | --steps | --) ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
"$root/scripts/dependencies.sh" install build checks
command -v ccache >/dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S "$root" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS=-g1 \
  -DRUSHLIGHT_TESTS=OFF "${launcher[@]}" >&2
cmake --build "$folder" --target rushlight_program >&2
exec python3 "$root/scripts/count_instructions/steps.py" "$folder/bin/rushlight" "$@"
