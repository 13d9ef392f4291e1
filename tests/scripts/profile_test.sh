#!/usr/bin/env bash
# scripts/profile.sh with profilers that are scripts: what it asks of them, and what it says where one is missing or fails.
#   profile_test.sh SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

new_profile() {
  new_tree
  build=$folder/tree/build/cuda
  out=$build/profile
  fake "$build/bin/rushlight" ':'
}

# shellcheck disable=SC2016 # Expanded where they run.
nsys='for word in "$@"; do [[ $word == --output=* ]] && echo report >"${word#--output=}.nsys-rep"; done; echo "$*" >"$FOLDER/nsys.log"'
# shellcheck disable=SC2016
ncu='while (($#)); do [[ $1 == --export ]] && echo report >"$2.ncu-rep"; echo "$1" >>"$FOLDER/ncu.log"; shift; done'

new_profile
fake "$folder/bin/nsys" "$nsys"
fake "$folder/bin/ncu" "$ncu"
run_script profile.sh --data "my images"
expect_code "both" 0
expect "both" "$folder/out" "$out/steps.nsys-rep"
expect "both" "$folder/out" "$out/kernels.ncu-rep"
expect "both" "$folder/nsys.log" "train --device cuda --max-steps 256 --quiet"
expect "both" "$folder/ncu.log" "my images"
[[ -z $(find "$out" -name 'runs.*') ]] || fail "both: runs were left behind"

new_profile
fake "$folder/bin/ncu" "$ncu"
run_script profile.sh --out "$folder/elsewhere"
expect_code "no nsys" 0
expect "no nsys" "$folder/err" "not run: nsys is not there"
expect "no nsys" "$folder/out" "$folder/elsewhere/kernels.ncu-rep"

new_profile
run_script profile.sh
expect_code "no profiler" 1
expect "no profiler" "$folder/err" "https://developer.nvidia.com/nsight-systems"
expect "no profiler" "$folder/err" "https://developer.nvidia.com/nsight-compute"

new_profile
fake "$folder/bin/nsys" "$nsys"
fake "$folder/bin/ncu" "$ncu"
run_script profile.sh
fake "$folder/bin/ncu" 'echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"; exit 1'
run_script profile.sh
expect_code "no permission" 1
expect "no permission" "$folder/err" "performance counters are for root alone"
[[ ! -e $out/kernels.ncu-rep ]] || fail "no permission: the report of an earlier run is still there"

new_profile
rm "$build/bin/rushlight"
run_script profile.sh
expect_code "no build" 1
expect "no build" "$folder/err" "rushlight is not there: build it, with cmake --preset cuda"

((failures == 0))
