#include "src/train/lab.h"

namespace rushlight {

std::vector<Module> lab_modules(std::int64_t width) {
  std::vector<Module> modules;
  std::int64_t inputs = kLabFeatures;
  for (int layer = 0; layer < 4; ++layer) {
    modules.insert(modules.end(), {Linear(inputs, width), ReLU(), Dropout(0.3)});
    inputs = width;
  }
  modules.push_back(Linear(inputs, kLabClasses));
  return modules;
}

}  // namespace rushlight
