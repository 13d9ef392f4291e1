#include "src/backend/cpu/command_parts.h"

#include <algorithm>

#include "src/backend/cpu/lane_kernels.h"
#include "src/backend/cpu/product.h"
#include "src/backend/cpu/reductions.h"

namespace rushlight {
namespace {

// What is split among threads, and how many of it are worth a thread.
struct Work {
  std::int64_t count;
  std::int64_t grain;

  int useful(int threads) const { return static_cast<int>(std::clamp<std::int64_t>(count / grain, 1, threads)); }
};

constexpr std::int64_t kBlockGrain = 256;
constexpr std::int64_t kRowGrain = 16;
constexpr std::int64_t kColumnGrain = 4;

std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(1, kBlockGrain / lane_blocks(columns));
}

// f(model, range) for each member's part of a range that counts them all.
template <class F>
void for_each_member(Range range, std::int64_t of_each, const F& f) {
  for (std::int64_t begin = range.begin; begin < range.end;) {
    const std::int64_t model = begin / of_each, first = model * of_each;
    const std::int64_t end = std::min(range.end, first + of_each);
    f(model, Range{begin - first, end - first});
    begin = end;
  }
}

// By items.
template <class Operation>
Work work_of(const Operation& one) {
  return {static_cast<std::int64_t>(one.work_items()), kBlockGrain};
}
template <class Operation>
void run_range(const Operation& one, Range items, const LaneKernels&) {
  for (std::int64_t item = items.begin; item < items.end; ++item) one(static_cast<std::uint64_t>(item));
}

Work work_of(const SelectBatch& one) {
  return {one.rows, kRowGrain};
}

void run_range(const AdamUpdate& one, Range items, const LaneKernels& kernels) {
  for_each_member(items, one.parameters.size / kLanes,
                  [&](std::int64_t model, Range blocks) { kernels.adam(one, model, blocks); });
}

// By rows.
Work work_of(const GatherPixels& one) {
  return {one.x.rows, row_grain(one.x.cols)};
}
void run_range(const GatherPixels& one, Range rows, const LaneKernels& kernels) {
  kernels.gather(one, rows);
}

Work work_of(const BiasReluDropoutForward& one) {
  return {one.y.models * one.y.rows, row_grain(one.y.cols)};
}
void run_range(const BiasReluDropoutForward& one, Range rows, const LaneKernels& kernels) {
  for_each_member(rows, one.y.rows, [&](std::int64_t model, Range some) {
    kernels.forward(one, model, some, {0, lane_blocks(one.y.cols)});
  });
}

Work work_of(const SoftmaxCrossEntropy& one) {
  return {one.rows(), kRowGrain};
}
void run_range(const SoftmaxCrossEntropy& one, Range rows, const LaneKernels&) {
  reduce_rows(one, rows);
}

// By items of columns.
Work work_of(const BiasReluDropoutBackward& one) {
  return {static_cast<std::int64_t>(one.work_items()), kColumnGrain};
}
void run_range(const BiasReluDropoutBackward& one, Range items, const LaneKernels& kernels) {
  for_each_member(items, lane_blocks(one.dx.cols), [&](std::int64_t model, Range blocks) {
    kernels.backward(one, model, {0, one.dx.rows}, blocks, one.dbias.member(model));
  });
}

Work work_of(const LossSum& one) {
  return {static_cast<std::int64_t>(one.work_items()), kColumnGrain};
}
void run_range(const LossSum& one, Range items, const LaneKernels&) {
  reduce_columns(one, items);
}

// f(operation) of a command that is no product.
template <class F>
auto visit_operation(const Command& command, const F& f) {
  if (const auto* const elementwise = std::get_if<Elementwise>(&command)) return std::visit(f, *elementwise);
  if (const auto* const rows = std::get_if<RowReduction>(&command)) return std::visit(f, *rows);
  return std::visit(f, std::get<ColumnReduction>(command));
}

}  // namespace

int useful_parts(const Command& command, int threads) {
  if (const Matmul* const product = std::get_if<Matmul>(&command)) {
    return std::min(threads, plan_of(*product).useful_parts());
  }
  if (const auto* const tall = tall_backward(command)) return Work{segments_of(*tall), 1}.useful(threads);
  return visit_operation(command, [threads](const auto& one) { return work_of(one).useful(threads); });
}

void run_part(const Command& command, Part part, InstructionSet set, SegmentSums& sums) {
  if (const Matmul* const product = std::get_if<Matmul>(&command)) return plan_of(*product).run(*product, part);
  const Part mine{part.index, useful_parts(command, part.of)};
  if (mine.index >= mine.of) return;
  if (const auto* const tall = tall_backward(command)) return run_tall(*tall, mine, lane_kernels(set), sums);
  visit_operation(command, [&](const auto& one) { run_range(one, mine.range(work_of(one).count), lane_kernels(set)); });
}

}  // namespace rushlight
