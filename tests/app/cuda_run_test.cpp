// Runs on a GPU by the command line, beside the same on the CPU.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/command_line.h"
#include "tests/support/backends.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;

class CudaRunTest : public OnCuda {
 protected:
  std::vector<std::string> train(const std::string& out, const std::string& device,
                                 const std::vector<std::string>& more = {}) const {
    return line_.train(out, std::vector<std::string>{"--device", device} + more);
  }

  static nlohmann::json done(const std::vector<std::string>& words) {
    const Outcome outcome = call(words + std::vector<std::string>{"--json"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out.empty() ? nlohmann::json()
                               : nlohmann::json::parse(outcome.out.substr(0, outcome.out.find('\n')));
  }

  void expect_same_log(const std::string& found, const std::string& expected) const {
    const auto rows = json_lines(line_.bytes(found, "log.jsonl")),
               others = json_lines(line_.bytes(expected, "log.jsonl"));
    ASSERT_EQ(rows.size(), others.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(rows[i]["step"], others[i]["step"]);
      for (const char* loss : {"train_loss", "test_loss"}) {
        const double there = others[i][loss];
        EXPECT_NEAR(rows[i][loss].get<double>(), there, 1e-5 * there) << loss << " of row " << i;
      }
    }
  }

  CommandLine line_;
};

TEST_F(CudaRunTest, TrainsEvaluatesAndPredictsAsTheCpuDoes) {
  done(train("gpu", "cuda"));
  done(train("cpu", "cpu"));
  expect_same_log("gpu", "cpu");
  for (const std::string run : {"gpu", "cpu"}) {
    const std::vector<std::string> eval{"eval", line_.path(run), "--data", line_.data()};
    const nlohmann::json on_gpu = done(eval + std::vector<std::string>{"--device", "cuda"});
    const nlohmann::json on_cpu = done(eval + std::vector<std::string>{"--device", "cpu"});
    EXPECT_EQ(on_gpu["accuracy"], on_cpu["accuracy"]);
    EXPECT_NEAR(on_gpu["loss"].get<double>(), on_cpu["loss"].get<double>(), 1e-5 * on_cpu["loss"].get<double>());
  }
  const std::vector<std::string> predict{"predict", line_.path("gpu"), line_.data() + "/t10k-images-idx3-ubyte"};
  EXPECT_EQ(done(predict + std::vector<std::string>{"--device", "cuda"})["class"],
            done(predict + std::vector<std::string>{"--device", "cpu"})["class"]);
}

TEST_F(CudaRunTest, GraphsChangeNoByteOfARun) {
  done(train("graphs", "cuda"));
  done(train("none", "cuda", {"--no-graph"}));
  done(train("every", "cuda", {"--checkpoint-every", "5"}));
  for (const std::string other : {"none", "every"}) {
    EXPECT_TRUE(line_.bytes("graphs", "checkpoint.safetensors") == line_.bytes(other, "checkpoint.safetensors"))
        << other;
  }
}

TEST_F(CudaRunTest, StopsAtExactlyTheStepThatWasAskedForAndGoesOnOnTheOtherDevice) {
  for (const std::string first : {"cuda", "cpu"}) {
    const std::string run = "from-" + first, other = first == "cpu" ? "cuda" : "cpu";
    done(train(run, first, {"--max-steps", "17"}));
    EXPECT_THAT(line_.bytes(run, "checkpoint.safetensors"), HasSubstr(R"("step":"17")"));
    done(line_.resume(run, {"--max-steps", "0", "--device", other}));
  }
  expect_same_log("from-cuda", "from-cpu");
}

}  // namespace
}  // namespace rushlight
