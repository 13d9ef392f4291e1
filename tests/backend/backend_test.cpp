// What every backend promises, besides memory (buffer_test.cpp) and products (matmul_test.cpp).
#include "src/backend/backend.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "src/backend/cpu/instruction_set.h"
#include "tests/kernels/dropout_oracle.h"
#include "tests/support/backends.h"
#include "tests/support/guarded.h"
#include "tests/support/numbers.h"

namespace rushlight {
namespace {

/// The results of a network's last layer, as bits: one command of each variant, at one size.
std::vector<std::uint32_t> results_of(const std::shared_ptr<Backend>& backend, std::int64_t models, std::int64_t rows,
                                      std::int64_t cols) {
  const std::int64_t count = models * rows * cols;
  const DropoutArrays arrays(backend, {{777, 0}, {777, 1}, {5, 0}}, {0.3, 0.5, 0.1}, {.step = 3});
  const std::vector<std::int32_t> labels(static_cast<std::size_t>(rows), static_cast<std::int32_t>(cols / 2));
  const Guarded<std::int32_t> classes = guarded_values(backend, labels);
  Guarded<float> x(backend, models, rows, cols), y(backend, models, rows, cols), dy(backend, models, rows, cols);
  Guarded<float> bias(backend, models, 1, cols), dbias(backend, models, 1, cols), loss(backend, models, 1, rows);
  Guarded<std::uint32_t> correct(backend, models, 1, rows);
  x.write(arbitrary_floats(count, 10));
  bias.write(arbitrary_floats(models * cols, 11));
  const DropoutDraw draw = arrays.draw(7);
  Program program;
  program.push_back({"forward", Elementwise{BiasReluDropoutForward{x.matrix().as_const(), bias.vector().as_const(),
                                                                   y.matrix(), Activation::relu, draw}}});
  program.push_back({"loss", RowReduction{SoftmaxCrossEntropy{y.matrix().as_const(), classes.data(), loss.vector(),
                                                              correct.vector(), dy.matrix(), 0.1F}}});
  program.push_back(
      {"backward", ColumnReduction{BiasReluDropoutBackward{y.matrix().as_const(), dy.matrix().as_const(), dy.matrix(),
                                                           dbias.vector(), Activation::relu, draw}}});
  backend->run(program);
  EXPECT_TRUE(x.intact() && y.intact() && dy.intact() && bias.intact() && dbias.intact() && loss.intact());
  EXPECT_TRUE(correct.intact() && classes.intact());
  std::vector<std::uint32_t> all = correct.read();
  for (const Guarded<float>* memory : {&y, &dy, &dbias, &loss}) {
    const std::vector<std::uint32_t> bits = bits_of(memory->read());
    all.insert(all.end(), bits.begin(), bits.end());
  }
  return all;
}

class BackendTest : public OnEachBackend {};

TEST_P(BackendTest, SaysWhatItIs) {
  EXPECT_EQ(backend_->device(), GetParam().device);
  EXPECT_TRUE(backend_->describe().starts_with(GetParam().device.kind == Device::Kind::cpu ? "cpu, " : "cuda"));
  EXPECT_EQ(backend_->describe().find('\n'), std::string::npos);
  EXPECT_EQ(backend_->allocated_bytes(), 0);
}

TEST_P(BackendTest, RowsAreAsLongAsTheColumnsOrLongerAndKeepBlocksAligned) {
  for (std::int64_t columns = 1; columns <= 2100; ++columns) {
    const std::int64_t stride = backend_->row_stride(columns);
    ASSERT_GE(stride, columns);
    ASSERT_LE(stride, columns + 32);
    ASSERT_EQ(stride % kLanes, 0) << columns;
  }
}

TEST_P(BackendTest, CommandsOfAProgramRunInTheirOrder) {
  const Guarded<PassState> state = guarded_values<PassState>(backend_, {{.samples = 50}});
  const Guarded<std::int64_t> indices(backend_, 1, 1, 4);
  const Elementwise select = SelectBatch{state.data(), nullptr, 4, 0, SampleOrder::file, indices.data(), nullptr};
  const Elementwise advance = Advance{state.data(), 10, StepCount::advance};
  backend_->run(Program{{"", advance}, {"", select}, {"", advance}, {"", advance}});
  EXPECT_EQ(indices.read(), (std::vector<std::int64_t>{10, 11, 12, 13}));
  EXPECT_EQ(state.read()[0].position, 30U);
  backend_->synchronize();
}

// More than what a transfer takes at once, and rows that lie apart.
TEST_P(BackendTest, RowsOfManyMegabytesArriveAndComeBack) {
  constexpr std::int64_t kBytes = 1000, kRows = 3001, kPitch = 1024;
  std::vector<std::uint8_t> values(kBytes * kRows), found(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 2654435761U >> 13);
  const Buffer memory(backend_, kPitch * kRows);
  const Rows rows{memory.data(), kBytes, kRows, kPitch};
  backend_->upload(rows, values.data());
  backend_->download(found.data(), rows);
  EXPECT_TRUE(found == values);
  std::vector<std::uint8_t> last(kBytes);
  backend_->download(last.data(), {memory.data() + kPitch * (kRows - 1), kBytes});
  EXPECT_TRUE(std::equal(last.begin(), last.end(), values.end() - kBytes));
}

// 128 bits at a time where rows lie aligned, a float at a time where they do not.
TEST_P(BackendTest, RowsOfAnyStrideGiveTheSameBits) {
  constexpr std::int64_t kRows = 5, kCols = 29;
  std::vector<std::vector<std::uint32_t>> results;
  for (const std::int64_t stride : {32, 40, 33, 34, 36, 31, 29}) {
    Guarded<float> x(backend_, 1, kRows, kCols, stride), y(backend_, 1, kRows, kCols, stride);
    x.write(arbitrary_floats(kRows * kCols, 12));
    backend_->run(
        Elementwise{BiasReluDropoutForward{x.matrix().as_const(), {}, y.matrix(), Activation::relu, DropoutDraw{}}});
    EXPECT_TRUE(x.intact() && y.intact()) << stride;
    results.push_back(bits_of(y.read()));
    EXPECT_EQ(results.back(), results.front()) << stride;
  }
}

TEST_P(BackendTest, GivesTheSameBitsRunAfterRun) {
  EXPECT_EQ(results_of(backend_, 3, 129, 129), results_of(backend_, 3, 129, 129));
}

INSTANTIATE_TEST_SUITE_P(Backends, BackendTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

TEST(CpuBackendTest, AnyNumberOfThreadsGivesTheSameBits) {
  for (const std::int64_t models : {1, 3}) {
    for (const std::int64_t rows : kOddSizes) {
      for (const std::int64_t cols : {1, 3, 17, 129, 1029}) {
        const std::vector<std::uint32_t> expected = results_of(open_backend(Device::cpu(1)), models, rows, cols);
        for (const int threads : {2, 3, 7}) {
          EXPECT_EQ(results_of(open_backend(Device::cpu(threads)), models, rows, cols), expected)
              << threads << " threads, " << models << "x" << rows << "x" << cols;
        }
      }
    }
  }
}

TEST(CpuBackendTest, RowsOfAMultipleOf1024BytesGet64Bytes) {
  const std::shared_ptr<Backend> backend = open_backend(Device::cpu(1));
  EXPECT_EQ(backend->row_stride(512), 528);
  EXPECT_EQ(backend->row_stride(256), 272);
  EXPECT_EQ(backend->row_stride(255), 272);
  EXPECT_EQ(backend->row_stride(784), 784);
  EXPECT_EQ(backend->row_stride(10), 16);
}

TEST(CpuBackendTest, SaysHowManyThreadsAndWhichVectorsItTakes) {
  const std::string vectors = to_string(best_instruction_set());
  EXPECT_EQ(open_backend(Device::cpu(1))->describe(), "cpu, 1 thread, " + vectors + ", fp32");
  EXPECT_EQ(open_backend(Device::cpu(3))->describe(), "cpu, 3 threads, " + vectors + ", fp32");
  EXPECT_EQ(open_backend(Device::cpu())->device(), Device::cpu(0));
}

}  // namespace
}  // namespace rushlight
