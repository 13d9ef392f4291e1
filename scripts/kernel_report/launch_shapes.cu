// Prints a line a kernel that the backend can launch, for the report: its template, its operation, threads a
// block, bytes of shared memory that the launch asks for. Host code alone: it runs without a GPU.
#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <typeinfo>
#include <variant>

#include "kernels/column_reduction.h"
#include "kernels/elementwise.h"
#include "kernels/row_reduction.h"
#include "src/backend/cuda/launch_shape.cuh"

namespace rushlight {
namespace {

template <class Operation>
void print(const char* kernel, const LaunchShape& shape) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(typeid(Operation).name(), nullptr, nullptr, nullptr), &std::free);
  std::printf("%s %s %u %zu\n", kernel, name.get(), shape.threads, shape.shared_bytes);
}

// The parameter names the variant alone.
template <class... Operations>
void print_elementwise(const std::variant<Operations...>*) {
  (print<Operations>("elementwise_kernel", kElementwiseShape), ...);
}

template <class... Operations>
void print_rows(const std::variant<Operations...>*) {
  (print<Operations>("row_reduction_warp_kernel", kRowWarpShape), ...);
  (print<Operations>("row_reduction_block_kernel", kRowBlockShape<Operations>), ...);
}

template <class... Operations>
void print_columns(const std::variant<Operations...>*) {
  (print<Operations>("column_reduction_kernel", kColumnShape<Operations>), ...);
}

}  // namespace
}  // namespace rushlight

int main() {
  rushlight::print_elementwise(static_cast<const rushlight::Elementwise*>(nullptr));
  rushlight::print_rows(static_cast<const rushlight::RowReduction*>(nullptr));
  rushlight::print_columns(static_cast<const rushlight::ColumnReduction*>(nullptr));
}
