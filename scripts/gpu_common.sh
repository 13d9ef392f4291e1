# shellcheck shell=bash
# What the scripts for a GPU share. To be sourced.

# Prints where one of NVIDIA's tools is: find_tool NAME
find_tool() {
  local candidate
  for candidate in "$1" "${CUDA_PATH:+$CUDA_PATH/bin/$1}" "${CUDA_HOME:+$CUDA_HOME/bin/$1}" "/usr/local/cuda/bin/$1" \
    /opt/nvidia/nsight-compute/*/"$1" /opt/nvidia/nsight-systems/*/bin/"$1"; do
    [[ -n $candidate ]] && command -v "$candidate" && return
  done
  return 1
}

has_gpu() {
  [[ $'\n'$(nvidia-smi -L 2>/dev/null) == *$'\nGPU '* ]]
}

# Why a program does not start, as a sentence: why_not_started PROGRAM STATUS
why_not_started() {
  local libraries versions
  if [[ ! -x $1 ]]; then
    echo "$1 is not there: build it, with cmake --preset cuda && cmake --build --preset cuda"
    return
  fi
  libraries=$(ldd "$1" 2>/dev/null | awk '/=> not found/ { printf "%s%s", sep, $1; sep = ", " }')
  versions=$(ldd "$1" 2>&1 | sed -n 's/.*version `\([^'\'']*\)'\'' not found.*/\1/p' | sort -u | paste -sd' ')
  if [[ -n $libraries ]]; then
    echo "$1 does not start: this machine lacks $libraries (on Debian, scripts/dependencies.sh list build names the packages)"
  elif [[ -n $versions ]]; then
    echo "$1 does not start: this machine's C libraries are older than those it was built with, and lack $versions"
  elif (($2 == 132)); then
    echo "$1 holds instructions that this CPU does not know: build it on this machine"
  else
    echo "$1 does not start: it ended with status $2"
  fi
}
