// The products of a training step of the lab, each alone: `product/3.matmul.dw/ours`, `product/3.matmul.dw/dense`.
#include <memory>
#include <string>

#include "bench/benches.h"
#include "src/backend/command_cost.h"
#include "src/backend/cpu/dense_backend.h"
#include "src/train/bench_parts.h"
#include "src/train/lab.h"

namespace rushlight {
namespace {

constexpr std::int64_t kBatch = 100;

enum class Layout { ours, dense };

void run_product(benchmark::State& state, std::size_t which, Layout layout) {
  const std::shared_ptr<Backend> backend =
      layout == Layout::ours ? open_backend(Device::cpu()) : std::make_shared<DenseBackend>(0);
  const Rehearsal step(lab_modules(), kBatch, Mode::train, backend);
  backend->run(step.program());
  const Node product = products_of(step.program())[which];
  for (auto _ : state) backend->run(product);
  count(state, cost_of(product.command));
}

}  // namespace

void add_product_benches() {
  const Rehearsal step(lab_modules(), kBatch, Mode::train, open_backend(Device::cpu()));
  const Program products = products_of(step.program());
  for (std::size_t i = 0; i < products.size(); ++i) {
    const auto add = [&](const char* name, Layout layout) {
      benchmark::RegisterBenchmark(("product/" + products[i].name + name).c_str(), run_product, i, layout)
          ->Unit(benchmark::kMicrosecond)
          ->UseRealTime();
    };
    add("/ours", Layout::ours);
    add("/dense", Layout::dense);
  }
}

}  // namespace rushlight
