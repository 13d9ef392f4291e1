#!/usr/bin/env bash
# scripts/gpu_report.sh with a program, a GPU, profilers and sanitizers that are scripts: what becomes of each part, what
# the record says, and what the exit status is.
#   gpu_report_test.sh SOURCE_DIR
# shellcheck disable=SC2016 # What is in single quotes is expanded where it runs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

# The program: FAKE_GPU=none, FAKE_DOCTOR=broken, FAKE_ACCURACY, FAKE_LAB=error change what it does.
program_text='
case $1 in
  --version)
    printf "rushlight 0.1.0\ncommit    0123456789ab\ncompiler  GNU\nbackends  cpu, 2 threads; CUDA 13.0, code for %s\n" \
      "${FAKE_CODE:-sm_90}" ;;
  plan)
    [[ -z ${FAKE_GPU:-} ]] || { echo "rushlight: cuda:0 cannot be used: there is no NVIDIA driver: install one" >&2; exit 4; } ;;
  doctor)
    [[ -z ${FAKE_GPU:-} ]] || {
      echo "{\"gpus\":[],\"checks\":[],\"timings\":[],\"passed\":false,\"advice\":\"there is no NVIDIA driver: install one\"}"
      exit 4
    }
    passed=true status=passed advice=""
    [[ -z ${FAKE_DOCTOR:-} ]] || passed=false status=failed advice="the kernel of \\\"Adam\\\" is wrong: report it"
    printf "{\"version\":\"0.1.0\",\"emulated\":false,\"gpus\":[{\"device\":\"cuda:0\",\"name\":\"NVIDIA H100 80GB HBM3\"}],"
    printf "\"checks\":[{\"name\":\"input\",\"status\":\"passed\"},{\"name\":\"Adam\",\"status\":\"%s\"}]," "$status"
    printf "\"timings\":[{\"name\":\"copy\",\"seconds\":0.5}],\"passed\":%s,\"advice\":\"%s\"}\n" "$passed" "$advice"
    [[ -z ${FAKE_DOCTOR:-} ]] || exit 4 ;;
  train)
    echo "$*" >>"$FOLDER/train.log"
    [[ -z ${FAKE_LAB:-} ]] || { echo "rushlight: cuda:0 has too little memory" >&2; exit 4; }
    epochs=15
    while (($#)); do [[ $1 == --epochs ]] && epochs=$2; shift; done
    for ((epoch = 1; epoch <= epochs; ++epoch)); do
      printf "{\"epoch\":%d,\"step\":%d,\"train_loss\":0.5,\"train_accuracy\":0.8,\"test_loss\":0.4," $epoch $((epoch * 600))
      printf "\"test_accuracy\":%s,\"lr\":0.001,\"seconds\":0.0%d}\n" "${FAKE_ACCURACY:-0.8851}" $((epoch + 10))
    done
    echo "{\"run\":\"runs/lab-1\",\"model\":\"runs/lab-1/model.safetensors\"}" ;;
  *) exit 2 ;;
esac'

# Its tests: FAKE_TESTS=fail, skip, crash, none.
tests_text='
if [[ $1 == --gtest_list_tests ]]; then printf "Running main()\nCudaTest.\n  Adds\n  Takes\n"; exit; fi
echo "RUSHLIGHT_REQUIRE_CUDA=$RUSHLIGHT_REQUIRE_CUDA" >>"$FOLDER/tests.log"
case ${FAKE_TESTS:-} in
  skip) printf "[  PASSED  ] 1 test.\n[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] CudaTest.Takes\n" ;;
  fail)
    printf "[  PASSED  ] 1 test.\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] CudaTest.Takes\n\n 1 FAILED TEST\n"; exit 1 ;;
  none) echo "[  PASSED  ] 0 tests." ;;
  crash) echo "[ RUN      ] CudaTest.Adds"; kill -SEGV $$ ;;
  *) printf "[==========] 2 tests from 1 test suite ran. (3 ms total)\n[  PASSED  ] 2 tests.\n" ;;
esac'

# compute-sanitizer: FAKE_ERROR, FAKE_SILENT and FAKE_HANG name a tool; FAKE_CODE_OF_ERROR is what it then ends with.
sanitizer_text='
tool=$2
echo "========= COMPUTE-SANITIZER"
if [[ $tool == "${FAKE_HANG:-}" ]]; then : >"$FOLDER/hangs"; sleep 100; fi
if [[ $tool == "${FAKE_ERROR:-}" ]]; then
  if [[ $tool == racecheck ]]; then echo "========= RACECHECK SUMMARY: 1 hazard displayed (1 error, 0 warnings)"
  else echo "========= ERROR SUMMARY: 3 errors"; fi
  exit "${FAKE_CODE_OF_ERROR:-99}"
fi
[[ $tool != "${FAKE_SILENT:-}" ]] || exit 0
if [[ $tool == racecheck ]]; then echo "========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)"
else echo "========= ERROR SUMMARY: 0 errors"; fi'

# Nsight Compute: with FAKE_NCU=part it tells of 2 kernels, else of all 17.
ncu_text='
echo "==PROF== Connected to process 1234 (rushlight)"
echo "==PROF== Profiling \"elementwise_kernel\" - 0: 0%....50%....100% - 4 passes"
cat <<END
"ID","Process ID","Process Name","Host Name","Kernel Name","Context","Stream","Block Size","Grid Size","Device","CC","dram__throughput.avg.pct_of_peak_sustained_elapsed","gpu__time_duration.sum","launch__registers_per_thread","launch__waves_per_multiprocessor","lts__throughput.avg.pct_of_peak_sustained_elapsed","sm__warps_active.avg.pct_of_peak_sustained_active"
"","","","","","","","","","","","%","ns","register/thread","","%","%"
"0","1234","rushlight","127.0.0.1","void rushlight::elementwise_kernel<rushlight::AdamUpdate>(T1)","1","7","(256, 1, 1)","(588, 1, 1)","0","9.0","12.25","4,704","40","0.56","61.50","48.75"
"1","1234","rushlight","127.0.0.1","void rushlight::column_reduction_kernel<rushlight::LossSum>(T1)","1","7","(256, 1, 1)","(1, 1, 1)","0","9.0","0.10","2,112","32","0.01","0.20","n/a"
END
[[ -z ${FAKE_NCU:-} ]] || exit 0
for i in {2..16}; do
  echo "\"$i\",\"1234\",\"rushlight\",\"127.0.0.1\",\"void rushlight::elementwise_kernel<rushlight::Advance>(T1)\",\"1\",\"7\",\"(256, 1, 1)\",\"(1, 1, 1)\",\"0\",\"9.0\",\"0.10\",\"1,600\",\"12\",\"0.01\",\"0.20\",\"1.00\""
done'

peers_text='
echo "{\"peer\":\"$2\",\"version\":\"1.0\",\"case\":\"eager\",\"precision\":\"fp32\",\"status\":\"measured\",\"reason\":\"\",\"median_seconds\":0.25}"'

new_report() {
  new_tree
  build=$folder/tree/build/cuda
  results=$folder/tree/bench/results
  name=gpu-h100-80gb-hbm3-0123456789ab
  mkdir -p "$folder/images"
  : >"$folder/images/train-images-idx3-ubyte"
  fake "$build/bin/rushlight" "$program_text"
  fake "$build/bin/rushlight_tests" "$tests_text"
  fake "$folder/bin/nvidia-smi" '
    [[ $1 == -L ]] && echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)" || echo "NVIDIA H100 80GB HBM3, 580.65.06"'
  fake "$folder/bin/compute-sanitizer" "$sanitizer_text"
  fake "$folder/bin/ncu" "$ncu_text"
  fake "$folder/bin/python3" "$peers_text"
}

report() {
  run_script gpu_report.sh --data "$folder/images" "$@"
  json=$(head -1 "$folder/out")
}

# The record has this status for a part, and is JSON: expect_part NAME PART STATUS
expect_part() {
  expect "$1" "$json" "\"$2\": {\"status\": \"$3\""
  [[ ! -x /usr/bin/python3 ]] || /usr/bin/python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$json" ||
    fail "$1: the record is no JSON"
}

new_report
report
expect_code "all is well" 0
for part in doctor tests lab epochs peers ncu sanitizers; do expect_part "all is well" "$part" passed; done
[[ $json == "$results/$name.json" && -f $results/$name.md ]] || fail "all is well: the record is $json"
expect "all is well" "$json" '"driver": "580.65.06"'
expect "all is well" "${json%.json}.md" "2 checks passed, 0 failed, 0 skipped."
expect "all is well" "${json%.json}.md" '- `{"name":"copy","seconds":0.5}`'
expect "all is well" "$json" '"complete": true'
expect_no "all is well" "${json%.json}.md" "Not run"
expect "all is well" "$json" '"wall_seconds": 0.'
expect "all is well" "$json" '"precision": "bf16", "graphs": false, "median_seconds": 0.015500'
expect "all is well" "$json" \
  '{"kernel": "elementwise_kernel<AdamUpdate>", "microseconds": 4.704, "dram_percent": 12.25, "l2_percent": 61.50, "occupancy_percent": 48.75, "registers": 40, "waves": 0.56}'
expect "all is well" "$json" '"kernel": "column_reduction_kernel<LossSum>", "microseconds": 2.112, "dram_percent": 0.10, "l2_percent": 0.20, "occupancy_percent": null'
expect "all is well" "${json%.json}.md" '| elementwise_kernel<AdamUpdate> | 4.704 |'
expect "all is well" "$folder/tests.log" "RUSHLIGHT_REQUIRE_CUDA=1"
[[ -z $(find "$results" -name '.*' -type f) ]] || fail "all is well: temporary files were left behind"
report tests
[[ $json == "$results/$name-partial.json" ]] || fail "a chosen part: the record is $json"
report
[[ $json == "$results/$name-2.json" ]] || fail "a second run: the record is $json"
report --overwrite
[[ $json == "$results/$name.json" ]] || fail "--overwrite: the record is $json"

for tool in memcheck racecheck; do
  new_report
  settings=(FAKE_ERROR="$tool")
  report
  expect_code "an error of $tool" 1
  expect_part "an error of $tool" sanitizers failed
  expect "an error of $tool" "$json" "\"tool\": \"$tool\", \"status\": \"failed\""
  expect_part "an error of $tool" tests passed
done

new_report
settings=(FAKE_ERROR=racecheck FAKE_CODE_OF_ERROR=0)
report sanitizers
expect_code "an error with status 0" 1
settings=(FAKE_ERROR=memcheck FAKE_CODE_OF_ERROR=99 FAKE_SILENT=initcheck)
report sanitizers
expect "two tools that fail" "$json" '"reason": "memcheck: status 99; ERROR SUMMARY: 3 errors; initcheck: status 0; no summary"'

new_report
settings=(FAKE_HANG=synccheck)
report --minutes 0.3 tests sanitizers
expect_code "a sanitizer that hangs" 0
expect_part "a sanitizer that hangs" sanitizers "cut off"
expect "a sanitizer that hangs" "$json" '"tool": "memcheck", "status": "passed"'
expect "a sanitizer that hangs" "$folder/err" "not run: sanitizers (cut off: synccheck: cut off after"

new_report
rm "$folder/bin/compute-sanitizer"
fake "$folder/bin/ncu" 'echo "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters"; exit 1'
fake "$folder/bin/python3" 'echo "{\"peer\":\"$2\",\"case\":\"all\",\"status\":\"skipped\",\"reason\":\"No module named $2\",\"median_seconds\":null}"'
report
expect_code "no tools" 0
for part in sanitizers ncu peers; do expect_part "no tools" "$part" skipped; done
expect "no tools" "$folder/err" "not run: sanitizers (skipped: compute-sanitizer is not there"
expect "no tools" "$folder/err" "not run: ncu (skipped: performance counters are for root alone"
expect "no tools" "$folder/err" "No module named jax"
[[ $json == "$results/$name-partial.json" ]] || fail "no tools: the record is $json"

new_report
fake "$folder/bin/python3" '
  status=measured reason=""
  [[ $2 == pytorch ]] || status=skipped reason="No module named jax"
  echo "{\"peer\":\"$2\",\"case\":\"all\",\"status\":\"$status\",\"reason\":\"$reason\",\"median_seconds\":1}"'
report peers
expect_part "one peer of two" peers passed
expect "one peer of two" "$folder/err" "not run: peers, in part (skipped: jax, all: No module named jax)"
expect "one peer of two" "$json" '"not_run": ["peers, in part'
expect "one peer of two" "${json%.json}.md" "- peers, in part (skipped: jax, all: No module named jax)"
report
expect_code "one peer of two, and all else" 0
[[ $json == "$results/$name-partial-2.json" ]] || fail "one peer of two, and all else: the record is $json"
expect "one peer of two, and all else" "${json%.json}.md" "Not complete"

new_report
settings=(FAKE_NCU=part)
report ncu
expect_part "ncu with few kernels" ncu passed
expect "ncu with few kernels" "$folder/err" "not run: ncu, in part (2 kernels were told of, and a step has 17)"
settings=()
fake "$folder/bin/ncu" "${ncu_text/4,704/n/a}"
report ncu
expect_part "ncu without times" ncu failed
expect "ncu without times" "$json" "told no time of elementwise_kernel<AdamUpdate>"

new_report
fake "$folder/bin/ncu" 'echo "==ERROR== Failed to find metric"; exit 1'
report ncu
expect_code "ncu that fails" 1
expect_part "ncu that fails" ncu failed

new_report
settings=(FAKE_TESTS=fail)
report tests
expect_code "a test that fails" 1
expect "a test that fails" "$json" '"passed": 1, "skipped": 0, "failed": 1, "failed_tests": "CudaTest.Takes"'
settings=(FAKE_TESTS=skip)
report tests
expect_part "a test that is skipped" tests passed
expect "a test that is skipped" "$folder/err" "not run: tests, in part (skipped: CudaTest.Takes)"
settings=(FAKE_TESTS=none)
report tests
expect "no test" "$json" '"status": "failed", "reason": "no test ran"'
settings=(FAKE_TESTS=crash)
report tests
expect_code "a test that crashes" 1
expect_part "a test that crashes" tests failed

new_report
settings=(FAKE_ACCURACY=0.1)
report lab
expect_code "a lab that learns nothing" 1
expect "a lab that learns nothing" "$json" "the test accuracy is 0.1 after 15 epochs"
settings=(FAKE_LAB=error)
report lab epochs
expect_part "a lab that ends early" lab failed
expect "a lab that ends early" "$json" "cuda:0 has too little memory"

new_report
settings=(FAKE_DOCTOR=broken)
report doctor
expect_code "a doctor's finding" 1
expect_part "a doctor's finding" doctor failed
expect "a doctor's finding" "$folder/err" 'the kernel of "Adam" is wrong'

new_report
rm "$folder/bin/nvidia-smi"
settings=(FAKE_GPU=none)
report
expect_code "no GPU" 1
expect "no GPU" "$folder/err" "not run: lab (skipped: cuda:0 cannot be used: there is no NVIDIA driver"
expect "no GPU" "$folder/err" "failed: there is no NVIDIA driver: install one"
expect "no GPU" "$folder/err" "no record was written"
[[ ! -e $results || -z $(ls -A "$results") ]] || fail "no GPU: something was written to $results"

new_report
rm -r "$build"
report
expect_code "no build" 1
expect_part "no build" tests failed
expect_part "no build" peers passed
expect "no build" "$json" "build/cuda/bin/rushlight is not there"

new_report
fake "$build/bin/rushlight" 'exit 127'
fake "$folder/bin/ldd" 'printf "\tlibdnnl.so.3 => not found\n\tlibc.so.6 => /lib/libc.so.6\n"'
report lab
expect_code "a library that is missing" 1
expect "a library that is missing" "$json" "does not start: this machine lacks libdnnl.so.3"

new_report
report --out /proc/rushlight
expect_code "a folder that cannot be written to" 2
expect "a folder that cannot be written to" "$folder/err" "/proc/rushlight cannot be written to: name another folder by --out"
[[ ! -e $folder/train.log ]] || fail "a folder that cannot be written to: it trained all the same"

new_report
fake "$folder/bin/mktemp" '
  [[ ${1:-} != *bench/results* ]] && exec /usr/bin/mktemp "$@"
  ln -s /dev/full "${1%.XXXXXX}.full" && echo "${1%.XXXXXX}.full"'
report tests
expect_code "a full disk" 3
expect "a full disk" "$folder/err" "could not be written to"
expect "a full disk" "$folder/out" '"tests": {"status": "passed"'
[[ -z $(find "$results" -name 'gpu-*') ]] || fail "a full disk: a record was written"

new_report
code=0
FOLDER="$folder" PATH="$folder/bin:/usr/bin:/bin" "$folder/tree/scripts/gpu_report.sh" tests >"$folder/out" 2>/dev/full || code=$?
json=$(head -1 "$folder/out")
expect_code "nobody listens" 0
expect_part "nobody listens" tests passed
for nowhere in /dev/full closed; do
  new_report
  code=0
  (
    if [[ $nowhere == closed ]]; then exec >&-; else exec >"$nowhere"; fi
    FOLDER="$folder" PATH="$folder/bin:/usr/bin:/bin" exec "$folder/tree/scripts/gpu_report.sh" tests 2>"$folder/err"
  ) || code=$?
  expect_code "stdout is $nowhere" 0
  expect "stdout is $nowhere" "$folder/err" "$results/$name-partial.json"
  [[ -f $results/$name-partial.json ]] || fail "stdout is $nowhere: there is no record"
done

# A signal while the third tool runs. In the background it would be ignored, but for env.
new_report
settings=(FAKE_HANG=synccheck)
env --default-signal=INT FOLDER="$folder" PATH="$folder/bin:/usr/bin:/bin" "${settings[@]}" \
  "$folder/tree/scripts/gpu_report.sh" tests sanitizers >"$folder/out" 2>"$folder/err" &
pid=$!
for ((i = 0; i < 300; ++i)); do
  [[ ! -e $folder/hangs ]] || break
  sleep 0.1
done
# A shell that waits for a command in the foreground drops a signal that the command did not get: once more, then.
for ((i = 0; i < 100; ++i)); do
  [[ ! -s $folder/out ]] || break
  kill -INT "$pid"
  sleep 0.3
done
code=0
wait "$pid" || code=$?
json=$(head -1 "$folder/out")
expect_code "a signal" 130
[[ $json == "$results/$name-partial.json" ]] || fail "a signal: the record is $json"
expect_part "a signal" tests passed
expect_part "a signal" sanitizers "cut off"
expect "a signal" "$json" "interrupted after"

new_report
mkdir "$folder/empty"
run_script gpu_report.sh --data "$folder/empty" lab
expect_code "a folder without images" 2
expect "a folder without images" "$folder/err" "empty holds no train-images-idx3-ubyte"

new_report
fake "$folder/bin/head" '[[ $1 == -c && $2 == 65536 ]] && exit 1; exec /usr/bin/head "$@"'
report doctor
expect_part "no room" doctor failed
expect "no room" "$json" "no room left for temporary files"

new_report
report lba
expect_code "a part that there is not" 2
expect "a part that there is not" "$folder/err" 'there is no part or option "lba"'

((failures == 0))
