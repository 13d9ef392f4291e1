#!/usr/bin/env bash
# Installs what tests need, builds everything, runs every test of the preset cpu.
#   --all       also clang-tidy, the sanitizers, and what a CUDA toolkit allows: the emulated device under the sanitizers
#               and in two more orders of its threads, nvcc's build for one architecture, the kernels' budgets for all
#   --coverage  only a build of its own that prints how many lines of src and include the tests reach
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
# shellcheck source-path=SCRIPTDIR source=gpu_common.sh
source "$root/scripts/gpu_common.sh"
jobs=1
# Tests run beside each other: a thread that waits should sleep.
export OMP_WAIT_POLICY=passive
summary=()
failures=0

usage() {
  sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
  exit 2
}

launcher=()
use_ccache() {
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    export CCACHE_SLOPPINESS=pch_defines,time_macros # Else what has a precompiled header is not cached.
  fi
}

last_failures=Testing/Temporary/LastTestsFailed.log # ctest's, in a build directory: lines NUMBER:NAME.

failed_tests() {
  local log=build/$1/$last_failures
  if [[ -f $log ]]; then sed -e 's/^[0-9]*:/        /' -e '1s/^/\n/' "$log"; fi
}

# Runs a step, keeps going when it fails, and notes the outcome: record NAME COMMAND...
record() {
  local name=$1 start=$SECONDS status=0
  shift
  printf '\n=== %s\n' "$name"
  rm -f "build/${name#preset }/$last_failures"
  "$@" || status=$?
  if ((status == 0)); then
    summary+=("passed  $name, $((SECONDS - start)) s")
  else
    summary+=("FAILED  $name, $((SECONDS - start)) s$(failed_tests "${name#preset }")")
    failures=$((failures + 1))
  fi
}

# build PRESET [OPTION OF CMAKE...]
build() {
  local preset=$1
  shift
  cmake --preset "$preset" "${launcher[@]}" "$@" && cmake --build --preset "$preset"
}

test_preset() {
  build "$1" && ctest --preset "$1" -j "$jobs"
}

# Two threads are enough for a race and keep the instrumented runs short.
test_sanitized() {
  OMP_NUM_THREADS=2 test_preset "$1"
}

# The tests of the GPU's code, with another order of its threads, blocks and queued work for each seed.
test_emulated() {
  local seed
  build emulated || return
  for seed in 1 2; do
    printf -- '--- RUSHLIGHT_EMULATOR_SEED=%s\n' "$seed"
    RUSHLIGHT_EMULATOR_SEED=$seed ctest --preset emulated -L gpu -j "$jobs" || return
  done
}

# Without a GPU, a training on the CPU shows that nvcc's program runs; the other tests are those of the preset cpu.
test_cuda() {
  local architecture=90 chosen=(-R TrainCommandTest)
  if has_gpu; then
    architecture=native
    chosen=()
  fi
  build cuda -DCMAKE_CUDA_ARCHITECTURES="$architecture" && ctest --preset cuda -j "$jobs" "${chosen[@]}"
}

toolkit=${CUDA_PATH:-/usr/local/cuda}

has_toolkit() {
  [[ -f $toolkit/include/cuda_runtime.h ]]
}

# Many files at once, as most of the time goes into headers.
tidy() {
  local preset=cpu
  if has_toolkit; then preset=emulated; fi
  cmake --preset "$preset" -B build/tidy -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 &&
    cmake --build build/tidy --target rushlight_build_info &&
    grep -q '/rushlight\.dir/Unity/' build/tidy/compile_commands.json &&
    run-clang-tidy -p build/tidy -j "$jobs" -quiet "/rushlight(_app|_program)?\.dir/|^$root/src/.*\.cpp\$"
}

coverage() {
  cmake -S . -B build/coverage -G Ninja -DCMAKE_BUILD_TYPE=Debug -DRUSHLIGHT_COVERAGE=ON -DRUSHLIGHT_TESTS=ON \
    "${launcher[@]}" &&
    cmake --build build/coverage &&
    { find build/coverage -name '*.gcda' -delete; } &&
    ctest --test-dir build/coverage -j "$jobs" --output-on-failure &&
    gcovr --root . --filter src/ --filter include/ --exclude-throw-branches build/coverage
}

print_summary() {
  printf '\n'
  printf '%s\n' "${summary[@]}"
  ((failures == 0))
}

case ${1:-} in
  "" | --all | --coverage) mode=${1:-} ;;
  *) usage ;;
esac
(($# <= 1)) || usage
groups=(build tests)
[[ -n $mode ]] && groups+=(checks)
scripts/dependencies.sh install "${groups[@]}"
jobs=$(nproc)
use_ccache

if [[ $mode == --coverage ]]; then
  record coverage coverage
else
  record "preset cpu" test_preset cpu
fi
if [[ $mode == --all ]]; then
  sanitized=(asan tsan)
  if has_toolkit; then
    record "preset emulated" test_emulated
    # These run what asan and tsan run, too.
    sanitized=(emulated-asan emulated-tsan)
  else
    summary+=("skipped the emulated device: there is no CUDA toolkit")
  fi
  record clang-tidy tidy
  for preset in "${sanitized[@]}"; do
    record "preset $preset" test_sanitized "$preset"
  done
  if command -v nvcc >/dev/null || [[ -x $toolkit/bin/nvcc ]]; then
    record "preset cuda" test_cuda
    record "kernel budgets" scripts/kernel_report.sh --check
  else
    summary+=("skipped preset cuda and kernel budgets: there is no nvcc")
  fi
fi
print_summary
