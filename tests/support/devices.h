// The devices that a suite above the backend runs on.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/support/backends.h"

namespace rushlight {

/// One of `backend_cases()` for each kind of device: the last, so that a CPU has threads.
inline std::vector<BackendCase> device_cases() {
  std::vector<BackendCase> cases;
  for (const BackendCase& one : backend_cases()) {
    if (!cases.empty() && cases.back().device.kind == one.device.kind) cases.pop_back();
    cases.push_back(one);
  }
  return cases;
}

/// A suite that runs on each of `device_cases()`. What needs the device is made by `prepare`, not by constructors.
class OnEachDevice : public ::testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override {
    require_usable(device());
    if (!IsSkipped() && !HasFatalFailure()) prepare();
  }
  virtual void prepare() {}

  const Device& device() const { return GetParam().device; }
};

/// As above, for a suite whose bodies have a number as well.
class OnEachDeviceWithNumber : public ::testing::TestWithParam<std::tuple<BackendCase, std::int64_t>> {
 protected:
  void SetUp() override {
    require_usable(device());
    if (!IsSkipped() && !HasFatalFailure()) prepare();
  }
  virtual void prepare() {}

  const Device& device() const { return std::get<0>(GetParam()).device; }
  std::int64_t number() const { return std::get<1>(GetParam()); }
};

inline std::string numbered_case_name(const ::testing::TestParamInfo<std::tuple<BackendCase, std::int64_t>>& info) {
  return std::get<0>(info.param).name + "_" + std::to_string(std::get<1>(info.param));
}

}  // namespace rushlight
