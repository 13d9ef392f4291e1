// A program of someone else: trains a network of its own on data of its own, and writes it.
#include <rushlight/rushlight.h>

#include <cmath>
#include <cstdio>

namespace rl = rushlight;

int main() {
  const rl::Dataset data({255, 0, 0, 255, 255, 0, 0, 255}, {0, 1, 0, 1}, {2}, "two corners");
  rl::Sequential model{rl::Linear(2, 8), rl::ReLU(), rl::Linear(8, 2)};
  model.initialize(rl::XavierUniform{}, {.seed = 1});

  rl::Trainer trainer(model, rl::CrossEntropyLoss{}, rl::Adam{{.lr = 0.05}}, {.batch = 4});
  rl::Metrics metrics;
  for (int epoch = 0; epoch < 50; ++epoch) metrics = trainer.train_epoch(data);
  std::printf("rushlight %s: loss %.4f, accuracy %.2f\n", rl::version().c_str(), metrics.loss, metrics.accuracy);
  return std::isfinite(metrics.loss) && metrics.accuracy == 1.0 ? 0 : 1;
}
