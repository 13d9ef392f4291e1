#!/usr/bin/env bash
# scripts/count_instructions.sh with a CMake and a callgrind that are scripts: what is counted for whom.
#   count_instructions_test.sh SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

new_tree
fake "$folder/tree/scripts/dependencies.sh" ':'
# shellcheck disable=SC2016 # Expanded where it runs.
fake "$folder/bin/cmake" '
  [[ $1 == --build ]] || exit 0
  mkdir -p "$2/bin"
  : >"$2/bin/rushlight"'
# A training takes 7,000,000 instructions of ours once and 2,000,000 a step, and the libraries theirs.
# shellcheck disable=SC2016
fake "$folder/bin/valgrind" '
  echo "$*" >>"$FOLDER/valgrind.log"
  [[ -z ${FAILS:-} ]] || { echo "no such option" >&2; exit 2; }
  for word in "$@"; do
    [[ $word != --callgrind-out-file=* ]] || out=${word#*=}
    [[ $word != */rushlight ]] || program=$word
    [[ $word != --data ]] || data=next
    [[ ${data:-} != next || $word == --data ]] || data=$word
    [[ ${before:-} != --max-steps ]] || steps=$word
    before=$word
  done
  for file in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    wc -c <"$data/$file-ubyte" >>"$FOLDER/sizes"
  done
  {
    echo "events: Ir"
    echo "ob=$program"
    echo "fn=rushlight::(anonymous namespace)::start()"
    echo "0 7000000"
    echo "fn=void rushlight::update<rushlight::AdamUpdate>(long)"
    echo "12 $((2000000 * steps - 5000))"
    echo "+3 5000"
    echo "cob=/usr/lib/libdnnl.so.2"
    echo "cfn=multiply"
    echo "calls=$steps 0"
    echo "14 99999999999"
    echo "ob=/usr/lib/libdnnl.so.2"
    echo "fn=multiply"
    echo "0 $((30000000 * steps))"
    echo "ob=???"
    echo "fn=0x0000000004a00000"
    echo "0 $((40000000 * steps))"
  } >"$out"'

run_script count_instructions.sh --steps 3 -- --hidden 64
expect_code "two trainings" 0
expect "two trainings" "$folder/out" "instructions a step, one thread (3 steps counted)"
expect "two trainings" "$folder/out" "     2,000,000  void update<AdamUpdate>(long)"
expect "two trainings" "$folder/out" "     2,000,000  ours, with what is below 1,000"
expect "two trainings" "$folder/out" "    30,000,000  libdnnl.so.2"
expect "two trainings" "$folder/out" "    40,000,000  code made at run time, by oneDNN"
expect_no "two trainings" "$folder/out" "start()"
expect "two trainings" "$folder/valgrind.log" "--max-steps 2 "
expect "two trainings" "$folder/valgrind.log" "--max-steps 5 "
expect "two trainings" "$folder/valgrind.log" "--quiet --hidden 64"
[[ $(sort -u "$folder/sizes" | sort -n | tr '\n' ' ') == "108 10008 78416 7840016 " ]] || fail "sizes: $(cat "$folder/sizes")"

settings=(FAILS=yes)
run_script count_instructions.sh
expect_code "a training that fails" 1
expect "a training that fails" "$folder/err" "no such option"
settings=()
run_script count_instructions.sh --steps 0
expect_code "no steps" 2
run_script count_instructions.sh --stepped
expect_code "an unknown option" 2

((failures == 0))
