// `rushlight bench` on a CPU, with as little work as there can be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "tests/app/command_line.h"
#include "tests/support/sanitized.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

Json bench(const std::vector<std::string>& more, const char* rounds = "2") {
  const Outcome outcome = call(std::vector<std::string>{"bench"} + more +
                               std::vector<std::string>{"--device", "cpu", "--threads", "2", "--block", "1048576",
                                                        "--seconds", "0.001", "--rounds", rounds, "--json"});
  EXPECT_EQ(outcome.code, kDone) << outcome.err;
  return Json::parse(outcome.out);
}

std::set<std::string> keys_of(const Json& object) {
  std::set<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.insert(key);
  return keys;
}

std::vector<Json> measurements(const Json& found) {
  std::vector<Json> all;
  for (const auto& ceiling : found["ceilings"]) {
    if (!ceiling.is_null()) all.push_back(ceiling);
  }
  all.insert(all.end(), found["results"].begin(), found["results"].end());
  all.insert(all.end(), found["nodes"].begin(), found["nodes"].end());
  return all;
}

/// Rates follow from counts and medians, and shares from rates.
void expect_consistent(const Json& found) {
  for (const Json& one : measurements(found)) {
    const double median = one["seconds"]["median"];
    EXPECT_LE(one["seconds"]["min"], median) << one;
    EXPECT_GE(one["seconds"]["max"], median) << one;
    EXPECT_EQ(one["seconds"]["rounds"], found["rounds"]) << one;
    EXPECT_GE(one["timed"], found["rounds"]) << one;
    for (const std::string count : {"samples", "flops", "bytes"}) {
      const Json& rate = one[count + "_per_second"];
      ASSERT_EQ(one[count].is_null(), rate.is_null()) << one;
      if (rate.is_null()) continue;
      EXPECT_DOUBLE_EQ(rate, one[count].get<double>() / median) << one;
    }
    for (const auto& [share, rate, ceiling] : {std::array{"share_of_fma", "flops_per_second", "fma"},
                                               std::array{"share_of_copy", "bytes_per_second", "copy"}}) {
      if (one[share].is_null()) continue;
      EXPECT_NEAR(one[share], one[rate].get<double>() / found["ceilings"][ceiling][rate].get<double>(), 1e-9) << one;
    }
  }
}

TEST(BenchTest, ALabTellsItsEpochItsProductsAndItsPhases) {
  const Json found = bench({"lab"});
  EXPECT_EQ(
      keys_of(found),
      (std::set<std::string>{
          "schema",    "case",     "version", "commit",  "device",     "threads", "precision", "emulated",
          "backend",   "cpu",      "vectors", "network", "parameters", "batch",   "rounds",    "peak_memory_bytes",
          "cpu_share", "ceilings", "results", "ratios",  "phases",     "nodes"}));
  EXPECT_EQ(found["case"], "lab");
  EXPECT_EQ(found["threads"], 2);
  EXPECT_EQ(found["network"], "784-512-512-512-512-10");
  EXPECT_EQ(found["parameters"], 1195018);
  EXPECT_GT(found["peak_memory_bytes"], 60000 * 784);
  EXPECT_GT(found["cpu_share"], 0);
  EXPECT_LE(found["cpu_share"], 1);
  expect_consistent(found);

  ASSERT_EQ(found["results"].size(), 1U);
  const Json& epoch = found["results"][0];
  EXPECT_EQ(keys_of(epoch),
            (std::set<std::string>{"name", "what", "steps", "timed", "seconds", "samples", "samples_per_second",
                                   "flops", "flops_per_second", "bytes", "bytes_per_second", "share_of_fma",
                                   "share_of_copy", "kernel", "phase"}));
  EXPECT_EQ(epoch["steps"], 600);
  EXPECT_EQ(epoch["samples"], 60000);
  // Each weight of [out, in] takes part in three products of a batch, those of the first layer in two.
  EXPECT_EQ(epoch["flops"], std::int64_t{600} * 100 * 2 * (3 * (3 * 512 * 512 + 10 * 512) + 2 * 784 * 512));
  EXPECT_EQ(found["ceilings"]["products"]["flops"], epoch["flops"]);
  EXPECT_EQ(keys_of(found["ratios"]), std::set<std::string>{"epoch_to_products"});
}

TEST(BenchTest, PhasesAreTheSumsOfTheirNodes) {
  const Json found = bench({"lab", "--batch", "33"}, "1");
  EXPECT_EQ(found["batch"], 33);
  std::map<std::string, double> sums;
  int products = 0;
  for (const Json& node : found["nodes"]) {
    sums[node["phase"]] += node["seconds"]["median"].get<double>();
    products += node["name"].get<std::string>().find("matmul") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(products, 14);
  double share = 0;
  ASSERT_EQ(found["phases"].size(), 5U);
  for (const Json& phase : found["phases"]) {
    EXPECT_NEAR(phase["seconds"], sums.at(phase["phase"]), 1e-9) << phase;
    share += phase["share"].get<double>();
  }
  EXPECT_NEAR(share, 1.0, 1e-9);
}

TEST(BenchTest, PredictionsAreTimedOneByOneAndTogether) {
  if (kSanitized) GTEST_SKIP() << "10,000 predictions a round take minutes when instrumented";
  const Json found = bench({"infer"});
  expect_consistent(found);
  ASSERT_EQ(found["results"].size(), 2U);
  const Json &one = found["results"][0], &many = found["results"][1];
  EXPECT_EQ(one["name"], "predict_1");
  EXPECT_GE(one["seconds"]["p99"], one["seconds"]["median"]);
  EXPECT_EQ(many["name"], "predict_10000");
  EXPECT_EQ(many["samples"], 10000);
  EXPECT_EQ(keys_of(found["ratios"]), std::set<std::string>{"predict_10000_to_products"});
  EXPECT_EQ(many["flops"], found["ceilings"]["products"]["flops"]);
  EXPECT_EQ(many["flops"].get<std::int64_t>(), 10000 * one["flops"].get<std::int64_t>());
}

TEST(BenchTest, KernelsAreTimedBesideACopy) {
  const Json found = bench({"kernels"});
  expect_consistent(found);
  EXPECT_TRUE(found["network"].is_null());
  EXPECT_EQ(found["ceilings"]["copy"]["bytes"], 2 << 20);
  std::set<std::string> names;
  for (const Json& one : found["results"]) names.insert(one["name"]);
  EXPECT_THAT(names, testing::IsSupersetOf({"adam", "bias_relu_dropout_forward", "bias_relu_dropout_backward",
                                            "gather_pixels", "softmax_cross_entropy", "loss_sum"}));
  EXPECT_TRUE(found["ratios"].contains("adam_to_copy"));
  EXPECT_FALSE(found["ratios"].contains("advance_to_copy"));
}

TEST(BenchTest, TheTableNamesCeilingsAndShares) {
  const Outcome outcome = call({"bench", "--device", "cpu", "--threads", "1", "--seconds", "0.001", "--rounds", "1",
                                "--batch", "10", "--block", "1048576"});
  ASSERT_EQ(outcome.code, kDone) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("multiply-adds in registers"), HasSubstr("from memory to memory"),
                                 HasSubstr("the 14 matrix products alone"), HasSubstr("6000 training steps of 10"),
                                 HasSubstr("epoch_to_products"), HasSubstr("peak memory")));
}

TEST(BenchTest, WhatCannotBeTimedIsRefused) {
  EXPECT_THAT(refusal(call({"bench", "lap"}), kWrongUsage, "lap"), HasSubstr("lab, wide, infer or kernels"));
  EXPECT_THAT(refusal(call({"bench", "--seconds", "0"}), kWrongUsage, "0 s"), HasSubstr("above 0 and at most 3600"));
  refusal(call({"bench", "--seconds", "nan"}), kWrongUsage, "nan");
  EXPECT_THAT(refusal(call({"bench", "--rounds", "-1"}), kWrongUsage, "-1 rounds"), HasSubstr("from 1 to 10000"));
  EXPECT_THAT(refusal(call({"bench", "infer", "--batch", "5"}), kWrongUsage, "infer"),
              HasSubstr("infer takes no batch"));
  refusal(call({"bench", "--batch", "-1"}), kWrongUsage, "-1");
  refusal(call({"bench", "--block", "-1"}), kWrongUsage, "block");
  refusal(call({"bench", "--threads", "-1", "--device", "cpu"}), kWrongUsage, "threads");
  refusal(call({"bench", "--device", "tpu"}), kWrongUsage, "tpu");
}

}  // namespace
}  // namespace rushlight
