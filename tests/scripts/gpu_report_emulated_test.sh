#!/usr/bin/env bash
# scripts/gpu_report.sh with a build for the emulated device: it runs to its end, says what it is, and tells no time.
#   gpu_report_emulated_test.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
build=$2
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

new_tree
# shellcheck disable=SC2016 # Expanded where it runs.
fake "$folder/bin/nvidia-smi" '[[ $1 == -L ]] && echo "GPU 0: NVIDIA H100 (UUID: GPU-1)" || echo "NVIDIA H100, 580.65.06"'
run_script gpu_report.sh --build "$build" doctor lab epochs peers ncu sanitizers
expect_code "emulated" 0
json=$(head -1 "$folder/out")
[[ ${json##*/} == gpu-emulated-*-partial.json ]] || fail "the record is $json"
expect "emulated" "$json" '"emulated": true'
for part in doctor lab epochs; do expect "emulated" "$json" "\"$part\": {\"status\": \"passed\""; done
for part in peers ncu sanitizers; do
  expect "emulated" "$json" "\"$part\": {\"status\": \"skipped\", \"reason\": \"it takes a GPU"
done
expect "emulated" "$json" '"shortened": true'
expect_no "emulated" "$json" "H100"
if grep -nE '"[a-z_]*seconds": *[-0-9.[]' "$json"; then fail "a time of the emulated device is in the record"; fi
expect "emulated" "${json%.json}.md" "no time here is a GPU's"

mkdir "$folder/empty"
settings=(RUSHLIGHT_DATA="$folder/empty")
run_script gpu_report.sh --build "$build" lab epochs
json=$(head -1 "$folder/out")
expect_code "no images" 0
expect "no images" "$json" '"lab": {"status": "skipped", "reason": "there are no images'
expect "no images" "$json" '"epochs": {"status": "passed"'
expect "no images" "$json" "--data <random images>"

((failures == 0))
