#include "src/graph/pass.h"

namespace rushlight {
namespace {

template <class T>
Slot add(MemoryLayout& layout, MemoryUse use, const char* name, std::int64_t count) {
  return layout.add(use, name, count * static_cast<std::int64_t>(sizeof(T)));
}

}  // namespace

Pass::Pass(std::span<const Module> modules, const ParameterLayout& parameters, Backend& backend, PassShape shape,
           MemoryLayout& layout)
    : state_(add<PassState>(layout, MemoryUse::state, "step and position", 1)),
      sums_(add<EpochSums>(layout, MemoryUse::state, "epoch sums", shape.models)),
      indices_(add<std::int64_t>(layout, MemoryUse::state, "batch indices", shape.rows)),
      labels_(add<std::int32_t>(layout, MemoryUse::state, "batch labels", shape.rows)),
      loss_(add<float>(layout, MemoryUse::state, "batch losses", shape.models * shape.rows)),
      correct_(add<std::uint32_t>(layout, MemoryUse::state, "batch answers", shape.models * shape.rows)),
      network_(modules, parameters, backend, shape, layout) {}

void Pass::initialize(Backend& backend, std::byte* arena, std::span<const Member> members) const {
  set_members(backend, arena, members);
  backend.fill_zero(state(arena), static_cast<std::int64_t>(sizeof(PassState)));
  backend.fill_zero(sums(arena), models() * static_cast<std::int64_t>(sizeof(EpochSums)));
}

void Pass::append_forward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                          const BatchSource& source) const {
  program.push_back({"select batch",
                     Elementwise{SelectBatch{.state = state(arena),
                                             .labels = source.labels,
                                             .rows = shape().rows,
                                             .seed = source.shuffle_seed,
                                             .order = source.order,
                                             .indices = indices_.in<std::int64_t>(arena),
                                             .batch_labels = labels_.in<std::int32_t>(arena)}},
                     Phase::input});
  program.push_back({"gather pixels",
                     Elementwise{GatherPixels{.pixels = source.pixels,
                                              .indices = indices_.in<const std::int64_t>(arena),
                                              .x = network_.input().in(arena),
                                              .divisor = source.scale == PixelScale::unit ? 255.0f : 1.0f}},
                     Phase::input});
  network_.append_forward(program, arena, parameters, state(arena));
  if (source.labels != nullptr) append_loss(program, arena);
}

void Pass::append_loss(Program& program, std::byte* arena) const {
  const std::int64_t rows = shape().rows;
  const Vector<float> loss{loss_.in<float>(arena), models(), rows, rows};
  const Vector<std::uint32_t> correct{correct_.in<std::uint32_t>(arena), models(), rows, rows};
  SoftmaxCrossEntropy criterion{.logits = network_.logits().in(arena).as_const(),
                                .labels = labels_.in<const std::int32_t>(arena),
                                .loss = loss,
                                .correct = correct,
                                .dlogits = {},
                                .gradient_scale = 1.0f / static_cast<float>(rows)};
  if (shape().mode == Mode::train) criterion.dlogits = network_.logits_gradient().in(arena);
  program.push_back({"softmax cross-entropy", RowReduction{criterion}, Phase::loss});
  program.push_back(
      {"loss sum",
       ColumnReduction{
           LossSum{.loss = loss.as_const(), .correct = correct.as_const(), .state = state(arena), .sums = sums(arena)}},
       Phase::loss});
}

void Pass::append_backward(Program& program, std::byte* arena, const ParameterBlock& parameters,
                           const ParameterBlock& gradients, const Network::LayerDone& done) const {
  network_.append_backward(program, arena, parameters, gradients, state(arena), done);
}

void Pass::append_advance(Program& program, std::byte* arena) const {
  program.push_back({"advance",
                     Elementwise{Advance{.state = state(arena),
                                         .rows = static_cast<std::uint64_t>(shape().rows),
                                         .step = shape().mode == Mode::train ? StepCount::advance : StepCount::keep}},
                     Phase::update});
}

}  // namespace rushlight
