#include "src/train/inference.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <algorithm>
#include <utility>

namespace rushlight {

void check_features(const ModelState& model, const Dataset& data) {
  if (data.features() == model.in_features()) return;
  throw InvalidArgument(fmt::format("the model takes {} features a sample, but {} has {}", model.in_features(),
                                    data.name(), data.features()));
}

void check_labels(const ModelState& model, const Dataset& data) {
  if (!data.has_labels()) throw InvalidArgument(fmt::format("{} has no labels, which a loss needs", data.name()));
  if (data.classes() <= model.out_features()) return;
  const auto labels = data.labels();
  const auto at =
      std::find_if(labels.begin(), labels.end(), [&](std::int32_t label) { return label >= model.out_features(); });
  if (at == labels.end()) return;
  throw InvalidArgument(fmt::format("the model has {} outputs, so labels must be below {}, but sample {} of {} has {}",
                                    model.out_features(), model.out_features(), at - labels.begin(), data.name(), *at));
}

Metrics to_metrics(const EpochSums& sums) {
  const auto samples = static_cast<double>(sums.samples);
  return {sums.loss / samples, static_cast<double>(sums.correct) / samples, static_cast<std::int64_t>(sums.samples)};
}

InferencePlan::InferencePlan(const ModelState& model, std::int64_t rows, Mode mode)
    : pass(model.modules(), *model.layout(), *model.backend(), {model.models(), rows, mode}, layout) {}

Program InferencePlan::step(std::byte* arena, const ParameterBlock& parameters, const BatchSource& source) const {
  Program program;
  pass.append_forward(program, arena, parameters, source);
  pass.append_advance(program, arena);
  return program;
}

Inference::Inference(const ModelState& model, std::int64_t rows, Mode mode)
    : plan_(model, rows, mode),
      backend_(model.backend()),
      layout_(model.layout()),
      arena_(backend_, plan_.layout.bytes()) {
  backend_->fill_zero(arena_.data(), arena_.bytes());
}

void Inference::ready(const ModelState& model, const Dataset& data, const Request& request) {
  if (!resident_ || !resident_->data().same_view(data)) {
    std::unique_ptr<ResidentData> kept = std::move(resident_);  // None is left where the device fails meanwhile.
    if (!kept || !kept->replace(data)) {
      program_.reset();
      kept.reset();
      // A batch is copied, so that the next one can take its place and the program stays.
      const DataCopy copy = data.size() <= shape().rows ? DataCopy::always : DataCopy::if_needed;
      kept = std::make_unique<ResidentData>(backend_, data, copy);
    }
    resident_ = std::move(kept);
  }
  if (!program_ || request_ != request) {
    program_.emplace(backend_, plan_.step(arena_.data(), model.parameters(),
                                          {.pixels = resident_->pixels(),
                                           .labels = request.loss == LossUse::wanted ? resident_->labels() : nullptr,
                                           .scale = request.scale}));
    request_ = request;
  }
}

std::int64_t Inference::start(const ModelState& model, const Dataset& data, const Request& request,
                              std::uint32_t mc_pass) {
  ready(model, data, request);
  plan_.pass.initialize(*backend_, arena_.data(), model.members());
  const PassState state{.step = mc_pass,
                        .samples = static_cast<std::uint64_t>(data.size()),
                        .first = static_cast<std::uint64_t>(data.first())};
  upload_values(*backend_, plan_.pass.state(arena_.data()), &state, 1);
  return (data.size() + shape().rows - 1) / shape().rows;
}

std::vector<EpochSums> Inference::evaluate(const ModelState& model, const Dataset& data, PixelScale scale) {
  const std::int64_t batches = start(model, data, {scale, LossUse::wanted}, 0);
  program_->run(batches);
  std::vector<EpochSums> sums(static_cast<std::size_t>(model.models()));
  download_values(*backend_, sums.data(), plan_.pass.sums(arena_.data()), model.models());
  return sums;
}

std::vector<float> Inference::predict(const ModelState& model, const Dataset& data, PixelScale scale,
                                      std::uint32_t mc_pass, std::int64_t member) {
  const std::int64_t batches = start(model, data, {scale, LossUse::unwanted}, mc_pass);
  const Matrix<float> logits = plan_.pass.logits().in(arena_.data());
  std::vector<float> result(static_cast<std::size_t>(data.size() * logits.cols));
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    program_->run(1);
    const std::int64_t first = batch * shape().rows;
    constexpr std::int64_t kFloat = sizeof(float);
    backend_->download(result.data() + first * logits.cols,
                       {logits.row(member, 0), logits.cols * kFloat, std::min(shape().rows, data.size() - first),
                        logits.stride * kFloat});
  }
  return result;
}

}  // namespace rushlight
