#!/usr/bin/env bash
# What nvcc makes of the kernels, known without a GPU. Takes an nvcc, which the preset cuda finds.
#   scripts/kernel_report.sh                    writes docs/kernels.md, with the time that a model of a GPU allows
#   scripts/kernel_report.sh --check            fails where a kernel spills, exceeds kernels/budgets.txt or has no line there
#   scripts/kernel_report.sh --update-budgets   writes kernels/budgets.txt from what is found
#   ... --architectures 90,100                  of the latter two: not all of cmake/Cuda.cmake that the toolkit knows
set -euo pipefail
if ! command -v python3 >/dev/null; then
  echo "kernel_report: there is no python3, which reads what the compiler says; install it" >&2
  exit 2
fi
exec python3 "$(dirname "${BASH_SOURCE[0]}")/kernel_report" "$@"
