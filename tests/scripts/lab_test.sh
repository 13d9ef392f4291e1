#!/usr/bin/env bash
# scripts/lab.sh with a GPU, a CUDA toolkit and CMake that are scripts: which preset it builds, what it says, what it runs.
#   lab_test.sh SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

# A CMake that writes down what it is asked for, and makes a program that tells where it is.
new_lab() {
  new_tree
  fake "$folder/tree/scripts/dependencies.sh" ':'
  # shellcheck disable=SC2016 # Expanded where it runs.
  fake "$folder/bin/cmake" '
    echo "$*" >>"$FOLDER/cmake.log"
    if [[ $1 == --build ]]; then
      mkdir -p "$2/bin"
      printf "#!/bin/sh\necho \"%s \$*\"\n" "${2##*/}" >"$2/bin/rushlight"
      chmod +x "$2/bin/rushlight"
      exit 0
    fi
    [[ $* == *cuda* && -n ${OLD_TOOLKIT:-} ]] && exit 1
    preset=$3
    mkdir -p "build/$preset"
    : >"build/$preset/build.ninja"'
}

new_lab
run_script lab.sh --epochs 2
expect "no GPU" "$folder/out" "cpu train --epochs 2"
expect_no "no GPU" "$folder/err" "GPU"

gpu='echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)"'
no_driver='echo "NVIDIA-SMI has failed because it couldn'\''t communicate with the NVIDIA driver."; exit 9'

new_lab
fake "$folder/bin/nvidia-smi" "$no_driver"
fake "$folder/bin/nvcc" ':'
run_script lab.sh
expect "a broken driver" "$folder/out" "cpu train"

new_lab
fake "$folder/bin/nvidia-smi" "$gpu"
run_script lab.sh
expect "a GPU without nvcc" "$folder/out" "cpu train"
expect "a GPU without nvcc" "$folder/err" "There is a GPU, but no nvcc to build for it: install the CUDA toolkit"
expect_no "a GPU without nvcc" "$folder/cmake.log" "cuda"

new_lab
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/bin/nvcc" ':'
run_script lab.sh --dropout 0
expect "a GPU and nvcc" "$folder/out" "cuda train --dropout 0"
expect "a GPU and nvcc" "$folder/cmake.log" "-DCMAKE_CUDA_COMPILER=$folder/bin/nvcc -DCMAKE_CUDA_ARCHITECTURES=native"
: >"$folder/cmake.log"
run_script lab.sh
expect_no "a second run" "$folder/cmake.log" "--preset"
expect "a second run" "$folder/out" "cuda train"

new_lab
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/elsewhere/bin/nvcc" ':'
settings=(CUDA_HOME="$folder/elsewhere")
run_script lab.sh
expect "nvcc in CUDA_HOME" "$folder/cmake.log" "-DCMAKE_CUDA_COMPILER=$folder/elsewhere/bin/nvcc"

new_lab
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/bin/nvcc" ':'
settings=(OLD_TOOLKIT=1)
run_script lab.sh
expect "an old toolkit" "$folder/out" "cpu train"
expect "an old toolkit" "$folder/err" "The build for the GPU failed"

((failures == 0))
