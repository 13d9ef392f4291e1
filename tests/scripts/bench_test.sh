#!/usr/bin/env bash
# scripts/bench.sh with a CMake and a Python that are scripts: what it installs, builds and runs.
#   bench_test.sh SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

# A Python that writes down what it is asked for; of its kind is the one in the venv that it makes.
# shellcheck disable=SC2016 # Expanded where it runs.
new_bench() {
  new_tree
  fake "$folder/tree/scripts/dependencies.sh" 'echo "dependencies $*" >>"$FOLDER/log"'
  fake "$folder/bin/cmake" '
    echo "cmake $*" >>"$FOLDER/log"
    [[ $1 == --build ]] || { mkdir -p build/cpu && : >build/cpu/build.ninja; }'
  fake "$folder/bin/python3" '
    name=python3
    [[ $0 != */bench-venv/* ]] || name=venv
    echo "$name $*" >>"$FOLDER/log"
    case $1$2 in
      -mvenv) mkdir -p "$4/bin" && rm -f "$4/packages.txt" && cp "$0" "$4/bin/python" ;;
      -mpip) exit "${PIP_STATUS:-0}" ;;
    esac'
}

new_bench
run_script bench.sh --quick --out "my records"
expect_code "all" 0
expect "all" "$folder/log" "dependencies install build bench"
expect "all" "$folder/log" "cmake --fresh --preset cpu -DRUSHLIGHT_TESTS=OFF"
expect "all" "$folder/log" "cmake --build $folder/tree/build/cpu --target rushlight_program"
expect "all" "$folder/log" "venv -m pip install --quiet --disable-pip-version-check torch>="
expect "all" "$folder/log" "venv $folder/tree/bench/peers.py --quick --out my records"

: >"$folder/log"
run_script bench.sh
expect_no "a second run" "$folder/log" "pip install"
expect_no "a second run" "$folder/log" "--preset"
expect "a second run" "$folder/log" "venv $folder/tree/bench/peers.py"

sed -i 's/"onnx>=[^"]*"/"onnx>=99"/' "$folder/tree/scripts/bench.sh"
: >"$folder/log"
run_script bench.sh
expect "other packages are wanted" "$folder/log" "onnx>=99"

new_bench
run_script bench.sh --no-peers
expect_no "no peers" "$folder/log" "pip install"
expect "no peers" "$folder/log" "python3 $folder/tree/bench/peers.py --no-peers"

new_bench
settings=(PIP_STATUS=1)
run_script bench.sh
expect_code "PyPI is out of reach" 0
expect "PyPI is out of reach" "$folder/err" "The peers could not be installed"
expect "PyPI is out of reach" "$folder/log" "python3 $folder/tree/bench/peers.py"
settings=()
run_script bench.sh
expect "PyPI is back" "$folder/log" "venv $folder/tree/bench/peers.py"

new_bench
fake "$folder/bin/cmake" 'exit 1'
run_script bench.sh
expect_code "the build fails" 1
expect_no "the build fails" "$folder/log" "peers.py"

new_bench
run_script bench.sh --help
expect "help" "$folder/out" "--no-peers"
[[ ! -e $folder/log ]] || fail "help: something was run"

((failures == 0))
