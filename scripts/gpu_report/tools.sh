# shellcheck shell=bash disable=SC2154,SC2034,SC2016 # The variables are those of gpu_report.sh; single quotes are meant.
# The parts of gpu_report.sh that take other tools: PyTorch and JAX, Nsight Compute, compute-sanitizer. To be sourced.

part_peers() {
  local python=${PYTHON:-python3} limit peer rows=""
  command="${PYTHON:-python3} bench/gpu_peers.py pytorch jax"
  if ! command -v "$python" >/dev/null; then
    status=skipped
    reason="there is no $python: name one that has PyTorch or JAX by PYTHON"
    return
  fi
  status=passed
  for peer in pytorch jax; do
    limit=$(share 35)
    # Cases that do not begin within the first two thirds are left out, so that those before them are heard of.
    bounded "$limit" "$python" "$root/bench/gpu_peers.py" "$peer" --seconds $((limit * 2 / 3))
    rows+=$(grep '^{.*}$' "$work/out" | sed 's/$/\n/')$'\n'
    if ((code == 124)); then
      cut_off "$limit"
      reason="$peer: $reason"
    elif ((code)) && [[ $status != "cut off" ]]; then
      status=failed
      reason="$peer ended with status $code: $(last_words)"
    fi
  done
  rows=$(grep . <<<"$rows") || rows=""
  results="[$(paste -sd, <<<"$rows")]"
  table=$(peers_table <<<"$rows")
  judge_peers "$rows"
}

# Nothing measured is no pass; a case that was cut off or failed shows in the status, and a peer that is not there in
# what was not run.
judge_peers() {
  local bad missing
  [[ $status == passed ]] || return 0
  if bad=$(grep '"status":"failed"' <<<"$1" | head -1) && [[ -n $bad ]]; then
    status=failed
    reason="$(text_of peer <<<"$bad"), $(text_of case <<<"$bad"): $(text_of reason <<<"$bad")"
  elif bad=$(grep '"status":"cut off"' <<<"$1" | head -1) && [[ -n $bad ]]; then
    status="cut off"
    reason="$(text_of peer <<<"$bad"), $(text_of case <<<"$bad"): $(text_of reason <<<"$bad")"
  elif ! grep -q '"status":"measured"' <<<"$1"; then
    status=skipped
    reason=$(while read -r bad; do text_of reason <<<"$bad"; done <<<"$1" | sort -u | paste -sd';' | sed 's/;/; /g')
  else
    while read -r missing; do
      gaps+=("peers, in part (skipped: $(text_of peer <<<"$missing"), $(text_of case <<<"$missing"): $(text_of reason <<<"$missing"))")
    done < <(grep '"status":"skipped"' <<<"$1")
  fi
}

peers_table() {
  local row
  printf '| Peer | Case | Precision | Median epoch, seconds | Status |\n|---|---|---|---|---|\n'
  while read -r row; do
    printf '| %s %s | %s | %s | %s | %s |\n' "$(text_of peer <<<"$row")" "$(text_of version <<<"$row")" \
      "$(text_of case <<<"$row")" "$(text_of precision <<<"$row")" "$(number_of median_seconds <<<"$row")" \
      "$(text_of status <<<"$row")"
  done
}

ncu_metrics=gpu__time_duration.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed
ncu_metrics+=,lts__throughput.avg.pct_of_peak_sustained_elapsed,sm__warps_active.avg.pct_of_peak_sustained_active
ncu_metrics+=,launch__registers_per_thread,launch__waves_per_multiprocessor

# The second step of three, all kernels of ours, with caches and clocks as they are in training.
part_ncu() {
  local tool images limit rows options kernels=17
  if ! tool=$(find_tool ncu); then
    status=skipped
    reason="ncu is not there: it comes with the CUDA toolkit, or alone from https://developer.nvidia.com/nsight-compute"
    return
  fi
  if ! any_images; then
    reason="random images could not be made in $work"
    return
  fi
  limit=$(share 40)
  options=(--csv --page raw --kernel-name-base demangled
    --kernel-name 'regex:(elementwise|row_reduction_warp|row_reduction_block|column_reduction)_kernel'
    --launch-skip "$kernels" --launch-count "$kernels" --cache-control none --clock-control none --metrics "$ncu_metrics")
  command="$tool $(printf '%q ' "${options[@]}")$program train --device cuda --no-graph --max-steps 3 --quiet --data $(shown_images)"
  bounded "$limit" "$tool" "${options[@]}" \
    "$program" train --device cuda --no-graph --max-steps 3 --quiet --data "$images" --out "$work/ncu"
  rows=$(awk -f "$root/scripts/gpu_report/ncu_table.awk" "$work/out")
  if ((code == 124)); then
    cut_off "$limit"
  elif grep -q ERR_NVGPUCTRPERM "$work/out" "$work/err"; then
    status=skipped
    reason="performance counters are for root alone here (ERR_NVGPUCTRPERM): run it as root, or see https://developer.nvidia.com/ERR_NVGPUCTRPERM"
    return
  elif ((code)) || [[ -z $rows ]]; then
    reason=$(grep -hm1 '==ERROR==' "$work/out" "$work/err" || last_words)
    reason="ncu ended with status $code and $(grep -c . <<<"$rows") kernels${reason:+: $reason}"
  elif cut -f2 <<<"$rows" | grep -qx -e -; then
    reason="ncu told no time of $(grep -m1 -P '\t-\t' <<<"$rows" | cut -f1)"
  else
    status=passed
    (($(grep -c . <<<"$rows") == kernels)) || gaps+=("ncu, in part ($(grep -c . <<<"$rows") kernels were told of, and a step has $kernels)")
  fi
  results="[$(ncu_json <<<"$rows" | paste -sd,)]"
  table=$(ncu_markdown <<<"$rows")
}

# From rows of kernel, microseconds, % of DRAM, % of L2, % of warps, registers, waves; - where it was not told.
ncu_json() {
  local kernel duration dram l2 warps registers waves
  while IFS=$'\t' read -r kernel duration dram l2 warps registers waves; do
    [[ -n $kernel ]] || continue
    printf '{"kernel": %s, "microseconds": %s, "dram_percent": %s, "l2_percent": %s, "occupancy_percent": %s, "registers": %s, "waves": %s}\n' \
      "$(json_string "$kernel")" "$duration" "$dram" "$l2" "$warps" "$registers" "$waves" | sed 's/: -\([,}]\)/: null\1/g'
  done
}

ncu_markdown() {
  printf '| Kernel | Microseconds | DRAM %% | L2 %% | Occupancy %% | Registers | Waves |\n|---|---|---|---|---|---|---|\n'
  sed '/./!d; s/\t/ | /g; s/^/| /; s/$/ |/'
}

# The tests under one tool: bash -c "$sanitized_tests" SANITIZER TOOL EXECUTABLE...
# Calls that fail are what some tests are about, so memcheck does not report them.
sanitized_tests='
code=0 options=()
[[ $1 != memcheck ]] || options=(--report-api-errors no)
for executable in "${@:2}"; do
  "$0" --tool "$1" --error-exitcode 99 --print-limit 20 "${options[@]}" "$executable" "--gtest_filter=*Cuda*" || code=$?
done
exit "$code"'

# What became of a tool: judge TOOL STATUS LIMIT; in tool_status, tool_reason and errors.
judge() {
  local summaries
  summaries=$(grep -E '(ERROR|RACECHECK) SUMMARY:' "$work/$1.out" | sed 's/^=* *//') || summaries=""
  errors=$(awk '{ sum += $3 } END { print sum + 0 }' <<<"$summaries")
  tool_status=passed tool_reason=""
  if (($2 == 124 || $2 == 137)); then
    tool_status="cut off" tool_reason="cut off after $3 s"
  elif (($2 || errors || $(grep -c . <<<"$summaries") != ${#executables[@]})); then
    tool_status=failed
    tool_reason="status $2; $(paste -sd';' <<<"${summaries:-no summary}")"
    cp "$work/$1.out" "$work/out" # For the record.
  fi
}

# All tools side by side: they keep the CPU busy, more than the GPU.
part_sanitizers() {
  local sanitizer executables tool tools=(memcheck racecheck synccheck initcheck) tool_status tool_reason errors index limit
  command="for tests in $build/bin/*_tests; do RUSHLIGHT_REQUIRE_CUDA=1 compute-sanitizer --tool memcheck --error-exitcode 99 \$tests '--gtest_filter=*Cuda*'; done # and ${tools[*]:1}"
  if ! sanitizer=$(find_tool compute-sanitizer); then
    status=skipped
    reason="compute-sanitizer is not there: it comes with the CUDA toolkit"
    return
  fi
  find_tests || return 0
  status=passed
  table=$'| Tool | Status | Errors |\n|---|---|---|'
  limit=$(left)
  for tool in "${tools[@]}"; do
    timeout -k 5 "$limit" bash -c "$sanitized_tests" "$sanitizer" "$tool" "${executables[@]}" \
      >"$work/$tool.out" 2>&1 </dev/null &
    children+=("$!")
  done
  for index in "${!tools[@]}"; do
    tool=${tools[index]}
    code=0
    wait "${children[index]}" || code=$?
    judge "$tool" "$code" "$limit"
    say "   $tool: $tool_status${tool_reason:+: $tool_reason}"
    items+=("{\"tool\": \"$tool\", \"status\": \"$tool_status\", \"errors\": $errors, \"reason\": $(json_string "$tool_reason")}")
    table+=$'\n'"| $tool | $tool_status${tool_reason:+: ${tool_reason//|/\\|}} | $errors |"
    [[ $tool_status != passed ]] || continue
    [[ $status == failed ]] || status=$tool_status
    reason+="${reason:+; }$tool: $tool_reason"
  done
  children=()
}
