#!/usr/bin/env bash
# The lab from a fresh clone: installs what is missing, builds, and trains on Fashion-MNIST; on a GPU where there is one
# and nvcc, else on the CPU.
# Arguments go to `rushlight train`. Files named there, and the run's folder, are relative to where you are.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source-path=SCRIPTDIR source=gpu_common.sh
source "$root/scripts/gpu_common.sh"

# Builds the program of a preset in build/<preset>: build PRESET [OPTION...]
build() {
  local preset=$1 folder=$root/build/$1
  shift
  if [[ ! -f $folder/build.ninja ]]; then
    echo "Configuring (preset $preset)." >&2
    (cd "$root" && cmake --fresh --preset "$preset" -DRUSHLIGHT_TESTS=OFF "$@") >&2 || return
  fi
  echo "Building $folder/bin/rushlight." >&2
  cmake --build "$folder" --target rushlight_program >&2
}

# A GPU that cannot be used is no reason to stop: the CPU runs the same lab.
build_for_gpu() {
  local nvcc
  if ! nvcc=$(find_tool "${CUDACXX:-nvcc}"); then
    echo "There is a GPU, but no nvcc to build for it: install the CUDA toolkit, 12.4 or later" \
      "(https://developer.nvidia.com/cuda-downloads), or name its folder by CUDA_PATH. Going on with the CPU." >&2
    return 1
  fi
  build cuda "-DCMAKE_CUDA_COMPILER=$nvcc" -DCMAKE_CUDA_ARCHITECTURES=native && return
  echo "The build for the GPU failed, for the reason above (it takes the CUDA toolkit 12.4 or later)." \
    "Going on with the CPU." >&2
  return 1
}

"$root/scripts/dependencies.sh" install build
preset=cpu
if has_gpu && build_for_gpu; then
  preset=cuda
else
  build cpu
fi
exec "$root/build/$preset/bin/rushlight" train "$@"
