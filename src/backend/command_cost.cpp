#include "src/backend/command_cost.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

namespace rushlight {
namespace {

template <class Operation>
std::string with_name(const char* kernel, const Operation&) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(typeid(Operation).name(), nullptr, nullptr, nullptr), &std::free);
  const std::string full = name.get();
  return fmt::format("{}<{}>", kernel, full.substr(full.rfind(':') + 1));
}

struct CostOf {
  Cost operator()(const Matmul& product) const {
    const std::int64_t k = product.a.rows * product.a.cols / product.c.rows;
    const std::int64_t elements = product.c.elements();
    return {product.a.bytes() + product.b.bytes(), product.c.bytes(), 2 * k * elements, elements};
  }
  template <class Variant>
  Cost operator()(const Variant& operation) const {
    return std::visit([](const auto& one) { return one.cost(); }, operation);
  }
};

struct KernelOf {
  std::string operator()(const Elementwise& operation) const {
    return std::visit([](const auto& one) { return with_name("elementwise_kernel", one); }, operation);
  }
  std::string operator()(const RowReduction& operation) const {
    return std::visit(
        [](const auto& one) {
          return with_name(one.cols() <= kWarpRowCols ? "row_reduction_warp_kernel" : "row_reduction_block_kernel",
                           one);
        },
        operation);
  }
  std::string operator()(const ColumnReduction& operation) const {
    return std::visit([](const auto& one) { return with_name("column_reduction_kernel", one); }, operation);
  }
  std::string operator()(const Matmul&) const { return "cuBLAS"; }
};

}  // namespace

Cost cost_of(const Command& command) {
  return std::visit(CostOf{}, command);
}

std::string kernel_of(const Command& command) {
  return std::visit(KernelOf{}, command);
}

}  // namespace rushlight
