# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # The variables are those of gpu_report.sh; single quotes are meant.
# The parts of gpu_report.sh that take the build alone. Each sets `status` (passed, failed, skipped, cut off), `reason`, `command`, `results` (JSON;
# or `items`, one by one, for a list) and `table` (Markdown). To be sourced.

# A part's limit as a word: cut_off SECONDS
cut_off() {
  status="cut off"
  reason="cut off after $1 s; give more with --minutes"
}

# The last sentence of an error.
last_words() {
  grep -v '^ *$' "$work/err" | tail -1 | sed 's/^rushlight: //' | cut -c1-500
}

part_doctor() {
  local limit line name
  limit=$(share 25)
  command="$program doctor --device cuda --json"
  bounded "$limit" "$program" doctor --device cuda --json
  line=$(grep '^{.*}$' "$work/out" | tail -1) || line=""
  if ((code == 124)); then
    cut_off "$limit"
    return
  elif [[ -z $line ]]; then
    reason="doctor ended with status $code and no result: $(last_words)"
    return
  fi
  results=$(without_times <<<"$line")
  name=$(text_of name <<<"${line#*'"gpus":['}")
  [[ -z $name || $emulated == true ]] || device=$name
  table=$(doctor_table <<<"$results")
  if ((code == 0)) && [[ $line == *'"passed":true'* ]]; then
    status=passed
  else
    reason=$(text_of advice <<<"$line")
    reason=${reason:-$(last_words)}
    reason=${reason:-"doctor ended with status $code"}
  fi
}

# How many checks ended how, those that failed, and what was timed.
doctor_table() {
  local line
  read -r line
  printf '%s checks passed, %s failed, %s skipped.\n' "$(grep -o '"status":"passed"' <<<"$line" | grep -c .)" \
    "$(grep -o '"status":"failed"' <<<"$line" | grep -c .)" "$(grep -o '"status":"skipped"' <<<"$line" | grep -c .)"
  grep -o '{[^{}]*"status":"failed"[^{}]*}' <<<"$line" | sed 's/.*/- `&`/' || true
  grep -o '{[^{}]*"seconds":[^{}]*}' <<<"$line" | sed 's/.*/- `&`/' || true
}

# The executables that hold tests of the GPU's code, in `executables`; fails with a reason.
find_tests() {
  local executable code list
  executables=()
  for executable in "$build"/bin/*_tests; do
    [[ -x $executable ]] || continue
    code=0
    list=$(timeout 60 "$executable" --gtest_list_tests '--gtest_filter=*Cuda*' 2>/dev/null) || code=$?
    if ((code)); then
      reason=$(why_not_started "$executable" "$code")
      return 1
    fi
    if grep -q '^  ' <<<"$list"; then executables+=("$executable"); fi
  done
  ((${#executables[@]})) && return
  status=skipped
  reason="there are no tests in $build/bin: build with -DRUSHLIGHT_TESTS=ON"
  return 1
}

# How many tests ended so: tests_that WORD; in the last output.
tests_that() {
  awk -v word="$1" 'index($0, word) && / tests?(, listed below:|\.)/ { count = $0; sub(/^.*\] /, "", count); sum += count } END { print sum + 0 }' "$work/out"
}

# The tests that ended so, each once: names_of WORD; from the last output.
names_of() {
  sed -n 's/^\[ *'"$1"' *\] \([A-Za-z_0-9./]*\)\(, where.*\)\{0,1\}$/ \1/p' "$work/out" | sort -u | tr -d '\n'
}

part_tests() {
  local executables executable limit passed=0 skipped=0 failed=0 names="" left_out=""
  command="for tests in $build/bin/*_tests; do RUSHLIGHT_REQUIRE_CUDA=1 \$tests '--gtest_filter=*Cuda*'; done"
  find_tests || return 0
  status=passed
  for executable in "${executables[@]}"; do
    limit=$(share 50)
    bounded "$limit" "$executable" '--gtest_filter=*Cuda*'
    passed=$((passed + $(tests_that '[  PASSED  ]')))
    skipped=$((skipped + $(tests_that '[  SKIPPED ]')))
    failed=$((failed + $(tests_that '[  FAILED  ]')))
    names+=$(names_of FAILED)
    left_out+=$(names_of SKIPPED)
    if ((code == 124)); then
      cut_off "$limit"
      break
    elif ((code)); then
      status=failed
      reason="${executable##*/} ended with status $code${names:+; failed:$names}"
      break
    fi
  done
  if [[ $status == passed ]] && ((passed == 0)); then
    status=failed
    reason="no test ran"
  fi
  [[ -z $left_out ]] || gaps+=("tests, in part (skipped:$left_out)")
  results="{\"passed\": $passed, \"skipped\": $skipped, \"failed\": $failed, \"failed_tests\": $(json_string "${names# }")}"
  table="$passed passed, $skipped skipped, $failed failed."
}

# The folder of images, in `images`, where `rushlight train` looks; fails where there is none.
find_images() {
  local asked=${data:-${RUSHLIGHT_DATA:-}}
  for images in "${asked:-$PWD/data}" "${asked:-/usr/share/datasets/fashion-mnist}"; do
    [[ ! -e $images/train-images-idx3-ubyte && ! -e $images/train-images-idx3-ubyte.gz ]] || return 0
  done
  return 1
}

now() {
  echo "${EPOCHREALTIME:-$(date +%s.%N)}"
}

# One row an epoch, from the last run of train.
epoch_rows() {
  grep '^{"epoch":.*}$' "$work/out" | without_times
}

part_lab() {
  local images limit rows epochs=15 options=() start wall accuracy
  if ! find_images; then
    status=skipped
    reason="there are no images: name a folder with MNIST's four files by --data, or install Debian's dataset-fashion-mnist"
    return
  fi
  if [[ $emulated == true ]]; then
    epochs=2
    options=(--limit-train 512 --hidden "64,64" --epochs 2)
  fi
  limit=$(share 50)
  start=$(now)
  command="$program train --device cuda --json ${options[*]:+${options[*]} }--data $images"
  bounded "$limit" "$program" train --device cuda --json "${options[@]}" --data "$images" --out "$work/lab"
  wall=$(awk -v a="$start" -v b="$(now)" 'BEGIN { printf "%.3f", b - a }')
  [[ $emulated == false ]] || wall=null
  rows=$(epoch_rows) || rows=""
  accuracy=$(tail -1 <<<"$rows" | number_of test_accuracy)
  results="{\"shortened\": $emulated, \"data\": $(json_string "$images"), \"wall_seconds\": $wall, \"test_accuracy\": ${accuracy:-null},
      \"epochs\": [$(paste -sd, <<<"$rows")]}"
  table=$(lab_table <<<"$rows")
  if ((code == 124)); then
    cut_off "$limit"
  elif ((code)); then
    reason="train ended with status $code: $(last_words)"
  elif (($(grep -c . <<<"$rows") != epochs)); then
    reason="train told of $(grep -c . <<<"$rows") epochs, not of $epochs"
  elif [[ $emulated == false ]] && awk -v accuracy="$accuracy" 'BEGIN { exit !(accuracy < 0.85) }'; then
    reason="the test accuracy is $accuracy after 15 epochs, and should be above 0.85: it does not learn as it should"
  else
    status=passed
  fi
}

lab_table() {
  local row
  [[ $emulated == false ]] || printf '512 images, 64,64 hidden units and 2 epochs, as the device is emulated; no times.\n\n'
  printf '| Epoch | Train loss | Train accuracy | Test loss | Test accuracy | Seconds |\n|---|---|---|---|---|---|\n'
  while read -r row; do
    [[ -n $row ]] || continue
    printf '| %s | %.4f | %.4f | %.4f | %.4f | %s |\n' "$(number_of epoch <<<"$row")" "$(number_of train_loss <<<"$row")" \
      "$(number_of train_accuracy <<<"$row")" "$(number_of test_loss <<<"$row")" "$(number_of test_accuracy <<<"$row")" \
      "$(number_of seconds <<<"$row")"
  done
}

# Images for what measures time alone, in `images`: the real ones, or random ones, whose content costs the same.
any_images() {
  find_images && return
  images=$work/images
  [[ -d $images ]] && return
  mkdir -p "$images"
  random_images "$images/train" 60000 '\0000\0000\0352\0140' && random_images "$images/t10k" 10000 '\0000\0000\0047\0020'
}

shown_images() {
  if [[ $images == "$work"/* ]]; then echo "<random images>"; else echo "$images"; fi
}

# IDX files: random_images PREFIX COUNT COUNT_AS_FOUR_BYTES
random_images() {
  { printf '\000\000\010\003%b\000\000\000\034\000\000\000\034' "$3" && head -c $(($2 * 784)) /dev/urandom; } \
    >"$1-images-idx3-ubyte" &&
    { printf '\000\000\010\001%b' "$3" && head -c "$2" < <(tr -dc '\000-\011' </dev/urandom); } >"$1-labels-idx1-ubyte"
}

median() {
  sort -g | awk '{ value[NR] = $1 } END { if (NR) printf "%.6f", (value[int((NR + 1) / 2)] + value[int((NR + 2) / 2)]) / 2 }'
}

part_epochs() {
  local images limit precision mode rows seconds middle options epochs=9 graphs
  if ! any_images; then
    reason="random images could not be made in $work"
    return
  fi
  options=(--epochs "$epochs")
  [[ $emulated == false ]] || options=(--epochs 2 --limit-train 256 --hidden "64,64")
  command="$program train --device cuda --json ${options[*]} --precision fp32 --data $(shown_images) # and tf32, bf16; each also with --no-graph"
  table=$'| Precision | Graphs | Median epoch, seconds |\n|---|---|---|'
  status=passed
  for precision in fp32 tf32 bf16; do
    for mode in "" --no-graph; do
      limit=$(share 30)
      rm -rf "$work/epochs"
      graphs=true
      [[ -z $mode ]] || graphs=false
      bounded "$limit" "$program" train --device cuda --json "${options[@]}" --precision "$precision" ${mode:+"$mode"} \
        --data "$images" --out "$work/epochs"
      if ((code == 124)); then
        cut_off "$limit"
        break 2
      elif ((code)); then
        status=failed
        reason="$precision${mode:+ $mode}: train ended with status $code: $(last_words)"
        break 2
      fi
      # The first epoch records graphs and brings the code to the GPU.
      rows=$(epoch_rows | tail -n +2)
      middle=null seconds=null
      if [[ $emulated == false ]]; then
        seconds="[$(while read -r row; do number_of seconds <<<"$row"; done <<<"$rows" | paste -sd,)]"
        middle=$(tr -d '[]' <<<"$seconds" | tr ',' '\n' | median)
      fi
      items+=("{\"precision\": \"$precision\", \"graphs\": $graphs, \"median_seconds\": $middle, \"seconds\": $seconds}")
      table+=$'\n'"| $precision | $graphs | ${middle/null/-} |"
    done
  done
}
