#!/usr/bin/env bash
# Profiles the lab on a GPU: a timeline of 256 steps with Nsight Systems, every kernel of one step with Nsight Compute.
#   scripts/profile.sh [--build DIR] [--out DIR] [OPTION of rushlight train...]
# DIR is build/cuda and build/cuda/profile unless given. docs/profiling.md tells how to read what they write.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=gpu_common.sh
source "$root/scripts/gpu_common.sh"

# A step of the lab launches 17 kernels of ours. The first step is left out: it brings code and memory to the GPU.
kernels='regex:(elementwise|row_reduction_warp|row_reduction_block|column_reduction)_kernel'
step_kernels=17
build=$root/build/cuda
out=""
ran=0
failed=0

options=()
while (($#)); do
  case $1 in
    --build | --out)
      (($# > 1)) || { echo "profile.sh: $1 needs a folder" >&2 && exit 2; }
      if [[ $1 == --build ]]; then build=$2; else out=$2; fi
      shift
      ;;
    --help) sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit ;;
    *) options+=("$1") ;;
  esac
  shift
done
out=${out:-$build/profile}
program=$build/bin/rushlight
status=0
"$program" --version >/dev/null 2>&1 || status=$?
if ((status)); then
  why_not_started "$program" "$status" >&2
  exit 1
fi
mkdir -p "$out"
runs=$(mktemp -d "$out/runs.XXXXXX")
trap 'rm -rf "$runs"' EXIT

# Runs a tool, or says where to get it: profile TOOL FROM_WHERE FILE ARGUMENT...
profile() {
  local name=$1 from=$2 file=$3 tool
  shift 3
  if ! tool=$(find_tool "$name"); then
    echo "not run: $name is not there. It comes with the CUDA toolkit, or alone from $from" >&2
    return
  fi
  echo "$name $*" >&2
  rm -f "$file"
  if "$tool" "$@" && [[ -s $file ]]; then
    echo "$file" && ran=$((ran + 1))
  else
    echo "failed: $name wrote no $file, for the reason above. ERR_NVGPUCTRPERM: performance counters are for root alone;" \
      "run it as root, or see https://developer.nvidia.com/ERR_NVGPUCTRPERM" >&2
    failed=$((failed + 1))
  fi
}

# 256 is a multiple of 64: the graphs are those of a whole training.
profile nsys https://developer.nvidia.com/nsight-systems "$out/steps.nsys-rep" \
  profile --trace=cuda,nvtx,osrt --sample=none --cuda-graph-trace=node --force-overwrite=true --output="$out/steps" \
  "$program" train --device cuda --max-steps 256 --quiet --out "$runs/nsys" "${options[@]}"

# Clocks and caches as they are in training: a step finds its data in the L2 cache.
profile ncu https://developer.nvidia.com/nsight-compute "$out/kernels.ncu-rep" \
  --set full --nvtx --kernel-name-base demangled --kernel-name "$kernels" \
  --launch-skip "$step_kernels" --launch-count "$step_kernels" --cache-control none --clock-control none \
  --force-overwrite --export "$out/kernels" \
  "$program" train --device cuda --no-graph --max-steps 3 --quiet --out "$runs/ncu" "${options[@]}"

((failed == 0 && ran > 0))
