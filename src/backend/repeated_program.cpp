#include "src/backend/repeated_program.h"

#include <algorithm>
#include <utility>

namespace rushlight {
namespace {

// An epoch of the lab has 22,200. Making a graph ready takes about 2 us a node (a model, not a measurement).
constexpr std::int64_t kMostNodes = 32768;

}  // namespace

RepeatedProgram::RepeatedProgram(std::shared_ptr<Backend> backend, Program program)
    : backend_(std::move(backend)), program_(std::move(program)), graphs_(backend_->graph_capture()) {}

void RepeatedProgram::run(std::int64_t times) {
  if (graphs_ == nullptr || program_.empty()) return run_nodes(times);
  const std::int64_t asked = times;
  if (!warm_ && times > 0) {
    run_nodes(1);
    warm_ = true;
    --times;
  }
  if (times == 0) return;
  capture(asked);
  for (; many_ && times >= many_repeats_; times -= many_repeats_) many_->replay();
  for (; times > 0; --times) one_->replay();
}

void RepeatedProgram::run_nodes(std::int64_t times) {
  for (; times > 0; --times) backend_->run(program_);
}

void RepeatedProgram::capture(std::int64_t asked) {
  if (!one_) one_ = graphs_->capture(program_, 1);
  const std::int64_t most = std::max<std::int64_t>(1, kMostNodes / static_cast<std::int64_t>(program_.size()));
  const std::int64_t repeats = std::min(asked, most);
  if (repeats < 2 * std::max<std::int64_t>(1, many_repeats_)) return;
  many_ = graphs_->capture(program_, repeats);
  many_repeats_ = repeats;
}

}  // namespace rushlight
