// The case `infer`: predictions of the lab's network from host to host, one row at a time and many.
#include <fmt/format.h>

#include <utility>

#include "src/backend/cpu/processor.h"
#include "src/train/bench_cases.h"
#include "src/train/inference.h"
#include "src/train/lab.h"
#include "src/train/random_data.h"

namespace rushlight {
namespace {

std::shared_ptr<Sequential> lab_on(const Device& device) {
  auto model = std::make_shared<Sequential>(lab_modules());
  model->to(device).initialize(XavierUniform{}).eval();
  return model;
}

/// Calls of Sequential::predict, each on the next `rows` rows of the data. The model is the part's own, as it keeps the
/// memory of one batch size.
BenchPart predict_part(const Device& device, const Dataset& data, std::int64_t rows, std::int64_t flops) {
  BenchPart part;
  part.measurement = {.name = fmt::format("predict_{}", rows),
                      .what = fmt::format("a call of predict on {} row{}, host to host", rows, rows == 1 ? "" : "s"),
                      .samples = rows,
                      .flops = rows * flops};
  part.run = [model = lab_on(device), data, rows, next = std::int64_t{0}](std::int64_t times) mutable {
    for (; times > 0; --times) {
      model->predict(data.rows(next, rows));
      next = next + 2 * rows > data.size() ? 0 : next + rows;
    }
  };
  return part;
}

}  // namespace

BenchReport bench_inference(const BenchOptions& options, const BenchPlace& place) {
  const Device device = place.backend->device();
  const std::int64_t many = place.emulated ? 100 : 10'000, rows = std::min(many / 2, kInferenceRows);
  const Dataset data = random_data(many, kLabFeatures, kLabClasses);
  const auto rehearsal = std::make_shared<Rehearsal>(lab_modules(), rows, Mode::eval, place.backend, data);
  const std::int64_t flops = flops_of(products_of(rehearsal->program())) / rows;

  BenchPart one = predict_part(device, data, 1, flops), all = predict_part(device, data, many, flops);
  one.clock = BenchPart::Clock::around_each_run;
  one.run(1);
  all.run(1);
  BenchReport report{.network = widths_of(lab_modules()),
                     .parameters = Sequential(lab_modules()).parameter_count(),
                     .peak_memory_bytes = peak_memory_bytes()};
  const std::string first = one.measurement.name, last = all.measurement.name;

  const auto clock = std::make_shared<NodeClock>(rehearsal);
  const auto plain = place.on_cpu()
                         ? std::make_shared<Rehearsal>(lab_modules(), rows, Mode::eval, place.plain_backend(), data)
                         : rehearsal;
  BenchRounds rounds(options.seconds, options.rounds);
  add_ceilings(rounds, place);
  rounds.add(products_part(plain, many / rows));
  rounds.add(std::move(one));
  rounds.add(std::move(all));
  rounds.add(nodes_part(clock));
  rounds.warm_up();
  clock->forget();
  rounds.run();

  report.ceilings = ceilings_of(rounds);
  report.results = {rounds.measured(first), rounds.measured(last)};
  report.ratios = {{last + "_to_products", rounds.ratio(last, "products")}};
  report.phases = clock->phases();
  report.nodes = clock->nodes();
  return report;
}

}  // namespace rushlight
