#!/usr/bin/env bash
# What a GPU says of this program: is it right and clean, how fast is it, beside whom. One command, one record of it.
#   scripts/gpu_report.sh [OPTION...] [PART...]
#     --build DIR    what to run (build/cuda); nothing is built here
#     --out DIR      where the record goes (bench/results)
#     --data DIR     MNIST's four files, for what trains; else where `rushlight train` looks
#     --minutes N    in all (8.5)
#     --overwrite    replace a record of the same name; else the new one gets a number
#   Parts: doctor tests lab epochs peers ncu sanitizers; all of them unless some are named.
# Exit status: 0 no part failed; 1 one failed, or none passed; 2 wrong usage, or a folder that cannot be written to;
# 3 the record was not written, or there is no room for temporary files; 130 and 143 interrupted.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export LC_ALL=C # Numbers with points.
# Of the tests: without a GPU they fail, and their files may lie elsewhere than where they were built.
export RUSHLIGHT_REQUIRE_CUDA=1 RUSHLIGHT_GOLDENS=$root/tests/goldens
# shellcheck source-path=SCRIPTDIR source=gpu_common.sh
source "$root/scripts/gpu_common.sh"
# shellcheck source-path=SCRIPTDIR source=gpu_report/record.sh
source "$root/scripts/gpu_report/record.sh"
# shellcheck source-path=SCRIPTDIR source=gpu_report/parts.sh
source "$root/scripts/gpu_report/parts.sh"
# shellcheck source-path=SCRIPTDIR source=gpu_report/tools.sh
source "$root/scripts/gpu_report/tools.sh"

all_parts=(doctor tests lab epochs peers ncu sanitizers)
parts=()
build=$root/build/cuda
out=$root/bench/results
data=""
minutes=8.5
overwrite=no
command_line="scripts/gpu_report.sh $*"

usage() {
  sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

wrong() {
  echo "gpu_report.sh: $*" >&2
  exit 2
}

read_arguments() {
  while (($#)); do
    case $1 in
      --build | --out | --data | --minutes)
        (($# > 1)) || wrong "$1 needs a value"
        case $1 in
          --build) build=$2 ;;
          --out) out=$2 ;;
          --data) data=$2 ;;
          --minutes) minutes=$2 ;;
        esac
        shift
        ;;
      --overwrite) overwrite=yes ;;
      --help) usage && exit ;;
      *)
        [[ " ${all_parts[*]} " == *" $1 "* ]] || wrong "there is no part or option \"$1\"; parts: ${all_parts[*]}"
        [[ " ${parts[*]} " == *" $1 "* ]] || parts+=("$1")
        ;;
    esac
    shift
  done
  [[ $minutes =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrong "--minutes needs a number, but was given \"$minutes\""
  [[ -z $data || -d $data ]] || wrong "--data: there is no folder $data"
  [[ -z $data ]] || find_images || wrong "--data: $data holds no train-images-idx3-ubyte, with .gz or without"
}

# A record is worth more than somebody who listens.
say() {
  echo "$*" >&2 || true
}

# Seconds that are left of all; of those a share: share PERCENT
left() {
  echo $((deadline > SECONDS ? deadline - SECONDS : 0))
}

share() {
  echo $(($(left) * $1 / 100))
}

# Runs a command for so many seconds at most: bounded SECONDS COMMAND...  Its output: $work/out, $work/err; `code` is 124
# if it was cut off. In the background, as a signal is heard at once by `wait` alone.
bounded() {
  local limit=$1 start=$SECONDS
  shift
  : >"$work/out" 2>"$work/err"
  code=124
  ((limit > 0)) || return 0
  code=0
  timeout -k 5 "$limit" "$@" >"$work/out" 2>"$work/err" </dev/null &
  children=("$!")
  wait "${children[0]}" || code=$?
  children=()
  if ((code == 137 && SECONDS - start >= limit)); then code=124; fi
}

# What this build and this machine are, and what they lack.
look_around() {
  program=$build/bin/rushlight
  program_problem="" gpu_problem="" version="" emulated=false
  local code=0
  version=$("$program" --version 2>/dev/null) || code=$?
  if ((code)); then
    version=""
    program_problem=$(why_not_started "$program" "$code")
    has_gpu || gpu_problem="no GPU is visible: nvidia-smi -L lists none, or is not there"
  else
    [[ $version != *"the emulated device"* ]] || emulated=true
    bounded 60 "$program" plan --device cuda --json
    ((code == 0)) || gpu_problem=$(head -1 "$work/err" | sed 's/^rushlight: //')
    if ((code == 124)); then gpu_problem="rushlight plan --device cuda did not answer within 60 s"; fi
  fi
  commit=$(sed -n 's/^commit *//p' <<<"$version")
  backends=$(sed -n 's/^backends *//p' <<<"$version")
  device="" driver="" toolkit=""
  if [[ $emulated == false ]]; then
    local row
    row=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -1) || row=""
    [[ $row != *,* ]] || device=${row%%,*} driver=${row##*, }
  fi
  # Its name is doctor's to tell.
  [[ -n $device || $emulated == true || -n $program_problem$gpu_problem ]] || device="unknown GPU"
  local nvcc
  if nvcc=$(find_tool nvcc); then toolkit=$("$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9.]*\).*/\1/p'); fi
}

# Why a part cannot be run, in `status` and `reason`; true if it can.
may_run() {
  status=skipped
  if ! head -c 65536 /dev/zero 2>/dev/null >"$work/room"; then
    status=failed
    reason="there is no room left for temporary files in ${TMPDIR:-/tmp}: name another folder by TMPDIR"
  elif [[ -n $program_problem && $part != peers ]]; then
    status=failed
    reason=$program_problem
  elif [[ -n $gpu_problem && $part != doctor ]]; then
    reason=$gpu_problem
  elif [[ $emulated == true && " peers ncu sanitizers " == *" $part "* ]]; then
    reason="it takes a GPU, and this build is for the emulated device"
  elif (($(left) == 0)); then
    status="cut off"
    reason="no time was left; give more with --minutes"
  else
    return 0
  fi
  return 1
}

run_part() {
  part=$1
  clear_part
  say "== $part"
  if may_run; then
    status=failed
    "part_$part" || reason=${reason:-"the script ended it: please report this"}
  fi
  keep_part
  part=""
}

# Parts that are not named here are not part of the record.
run_parts() {
  local one
  for one in "${all_parts[@]}"; do
    [[ " ${parts[*]} " == *" $one "* ]] && run_part "$one"
  done
  return 0
}

# A signal: what is there is written, as what it is.
interrupted() {
  trap '' INT TERM
  ((${#children[@]} == 0)) || { kill "${children[@]}" && wait "${children[@]}"; } 2>/dev/null || true
  if [[ -n $part ]]; then
    status="cut off"
    reason="interrupted after $((SECONDS - part_start)) s"
    keep_part
  fi
  local one
  for one in "${parts[@]}"; do
    [[ -z ${part_status[$one]:-} ]] || continue
    part=$one
    clear_part
    status="cut off"
    reason="interrupted before it began"
    keep_part
  done
  complete=false
  finish || true
  exit "$1"
}

read_arguments "$@"
complete=true gaps=()
((${#parts[@]} == 0)) || complete=false
((${#parts[@]})) || parts=("${all_parts[@]}")
deadline=$((SECONDS + $(awk -v minutes="$minutes" 'BEGIN { printf "%d", minutes * 60 }')))
children=() part=""
work=$(mktemp -d "${TMPDIR:-/tmp}/gpu_report.XXXXXX") || {
  say "gpu_report.sh: there is no room for temporary files in ${TMPDIR:-/tmp}: name another folder by TMPDIR"
  exit 3
}
trap 'rm -rf "$work"' EXIT
open_record
look_around
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
run_parts
finish
