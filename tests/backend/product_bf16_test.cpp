// Products of bf16 on a CPU, without the instruction for them, and with it where the machine has it.
#include "src/backend/cpu/product_bf16.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/doctor.h>
#include <rushlight/error.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/backend/repeated_program.h"
#include "src/train/rehearsal.h"
#include "src/train/self_check.h"
#include "tests/backend/plain_bf16.h"
#include "tests/backend/product_case.h"
#include "tests/support/messages.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

bool is_vector(const ProductShape& shape) {
  return shape.m == 1 && shape.a == Transpose::no && shape.b == Transpose::yes;
}

std::vector<ProductShape> shapes() {
  std::vector<ProductShape> all = product_shapes();
  for (const Transpose a : {Transpose::no, Transpose::yes}) {
    for (const Transpose b : {Transpose::no, Transpose::yes}) {
      all.push_back({1, 9, 70, 1301, a, b});  // More words than are taken at a time, of few rows, and of many.
      all.push_back({1, 271, 5, 1301, a, b});
      all.push_back({2, 1, 37, 131, a, b});
      all.push_back({1, 3, 64, 1, a, b});
    }
  }
  return all;
}

/// A product's operands, rounded: a as [model, m, k], b as [model, n, k].
struct RoundedOperands {
  explicit RoundedOperands(const ProductCase& one) {
    const ProductShape& shape = one.shape();
    for (std::int64_t model = 0; model < shape.models; ++model) {
      for (std::int64_t i = 0; i < shape.m; ++i) {
        for (std::int64_t l = 0; l < shape.k; ++l) a.push_back(rounded_to_bf16(one.a(model, i, l)));
      }
      for (std::int64_t j = 0; j < shape.n; ++j) {
        for (std::int64_t l = 0; l < shape.k; ++l) b.push_back(rounded_to_bf16(one.b(model, l, j)));
      }
    }
  }

  std::vector<float> a, b;
};

/// Calls visit(element of c, row of a, column of b), both of k values.
template <class Visit>
void for_each_element(const ProductCase& one, Visit visit) {
  const ProductShape& shape = one.shape();
  const RoundedOperands operands(one);
  for (std::int64_t element = 0; element < shape.models * shape.m * shape.n; ++element) {
    const std::int64_t row = element / shape.n, model = row / shape.m;
    const std::int64_t column = model * shape.n + element % shape.n;
    visit(static_cast<std::size_t>(element), operands.a.data() + row * shape.k, operands.b.data() + column * shape.k);
  }
}

/// The contract of the plain kernel: pair after pair, of each the higher element first, each step rounded once.
std::vector<float> chains(const ProductCase& one) {
  std::vector<float> sums;
  for_each_element(one, [&, k = one.shape().k](std::size_t, const float* a, const float* b) {
    float sum = 0;
    for (std::int64_t l = 0; l < k; l += 2) {
      if (l + 1 < k) sum += a[l + 1] * b[l + 1];
      sum += a[l] * b[l];
    }
    sums.push_back(sum);
  });
  return sums;
}

/// The largest |c - sum| / (sum of |a| |b|) against the exact sum of rounded operands, in units of k · 2^-23; infinite
/// where something is NaN.
double worst_error(const ProductCase& one) {
  const std::vector<float> found = one.result();
  const std::int64_t k = one.shape().k;
  double worst = 0;
  for_each_element(one, [&](std::size_t element, const float* a, const float* b) {
    double sum = 0, size = 0;
    for (std::int64_t l = 0; l < k; ++l) {
      const double product = double{a[l]} * b[l];
      sum += product;
      size += std::fabs(product);
    }
    const double error = std::fabs(found[element] - sum);
    if (error != 0) worst = std::max(worst, std::isfinite(error) ? error / size : HUGE_VAL);
  });
  return worst / (static_cast<double>(k) * 0x1p-23);
}

std::shared_ptr<CpuBackend> plain_backend(int threads, GraphUse graphs = GraphUse::on) {
  return std::make_shared<CpuBackend>(threads, graphs, best_instruction_set(), &plain_bf16_product_kernel());
}

TEST(Bf16ProductTest, EachElementIsTheSumOfItsRoundedProducts) {
  for (const ProductShape& shape : shapes()) {
    ProductCase one(shape, plain_bf16_product_kernel(), 3);
    one.run();
    ASSERT_LE(worst_error(one), 1) << shape.text();
    ASSERT_TRUE(one.intact()) << shape.text();
  }
}

TEST(Bf16ProductTest, EachElementIsOneChainWhateverTheTileAndParts) {
  for (const ProductShape& shape : shapes()) {
    if (is_vector(shape)) continue;
    std::vector<float> expected;
    for (const int threads : {1, 2, 5}) {
      ProductCase one(shape, plain_bf16_product_kernel(), threads);
      one.run();
      if (expected.empty()) expected = chains(one);
      const std::vector<float> found = one.result();
      for (std::size_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], expected[i]) << shape.text() << ", " << threads << " parts, element " << i;
      }
    }
  }
}

TEST(Bf16ProductTest, AVectorTimesATransposedMatrixHasTheSameBitsForAnyNumberOfParts) {
  const ProductShape shape{2, 1, 3001, 131, Transpose::no, Transpose::yes};
  ProductCase one(shape, plain_bf16_product_kernel(), 1), three(shape, plain_bf16_product_kernel(), 3);
  one.run();
  three.run();
  EXPECT_GT(three.plan().useful_parts(), 1);
  EXPECT_EQ(bits_of(one.result()), bits_of(three.result()));
}

// The instruction is free in how it adds a pair; it does not see denormals, which no operand here is.
TEST(Bf16ProductTest, TheInstructionGivesThePlainResultToRounding) {
  const ProductKernel* const kernel = bf16_product_kernel();
  if (kernel == nullptr) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  for (const ProductShape& shape : shapes()) {
    ProductCase found(shape, *kernel, 3), expected(shape, plain_bf16_product_kernel(), 3);
    found.run();
    expected.run();
    ASSERT_LE(worst_error(found), 1) << shape.text();
    ASSERT_LT(worst_relative_error(found.result(), expected.result(), 1.0), 1e-3) << shape.text();
    ASSERT_TRUE(found.intact()) << shape.text();
  }
}

/// Odd values of every kind, denormals aside, which the instruction counts as 0.
std::vector<float> odd_values(std::size_t count) {
  const float inf = std::numeric_limits<float>::infinity();
  const float kinds[] = {1.00390625F,    -3.14159F, 1e-30F,      3.4e38F, inf,  -inf,
                         std::nanf("1"), -0.0F,     0.00390625F, 77.0F,   -1e9F};
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(kinds[i * 7 % std::size(kinds)]);
  return values;
}

TEST(Bf16ProductTest, TheInstructionPacksThePlainWords) {
  const ProductKernel* const kernel = bf16_product_kernel();
  if (kernel == nullptr) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  const ProductKernel& plain = plain_bf16_product_kernel();
  using Pack = void (*ProductKernel::*)(const ProductSource&, float*);
  const std::pair<Pack, bool> packs[] = {{&ProductKernel::pack, false},
                                         {&ProductKernel::pack_transposed, true},
                                         {&ProductKernel::pack_a, true},
                                         {&ProductKernel::pack_transposed_a, false}};
  for (const std::int64_t k : {1, 2, 7, 31, 32, 33, 65}) {
    for (std::int64_t columns = 1; columns <= 32; ++columns) {
      for (const auto& [pack, along] : packs) {
        // As long as its elements, so that a sanitizer finds what is read beside them.
        const std::vector<float> source = odd_values(static_cast<std::size_t>(k * columns));
        const ProductSource part{source.data(), along ? k : columns, k, columns};
        std::vector<std::uint32_t> found(40 * 40, 0xabcdef01), expected = found;
        (kernel->*pack)(part, static_cast<float*>(static_cast<void*>(found.data())));
        (plain.*pack)(part, static_cast<float*>(static_cast<void*>(expected.data())));
        ASSERT_EQ(found, expected) << "k " << k << ", " << columns << " columns, " << (along ? "along" : "across");
      }
    }
  }
}

/// With 65 rows its products are worth more threads than they have panels.
std::vector<Module> network() {
  return {Linear(301, 201), ReLU(), Dropout(0.3), Linear(201, 50, Bias::absent), ReLU(), Linear(50, 7)};
}

/// What is in memory after some steps, by name.
std::map<std::string, std::vector<float>> memory_after(std::int64_t steps, std::int64_t batch,
                                                       const std::vector<Module>& modules,
                                                       const std::shared_ptr<Backend>& backend) {
  const Rehearsal training(modules, batch, Mode::train, backend);
  RepeatedProgram(backend, training.program()).run(steps);
  std::map<std::string, std::vector<float>> memory;
  for (const Region& region : training.regions()) {
    std::vector<float>& values = memory[region.name];
    values.resize(static_cast<std::size_t>(region.bytes) / sizeof(float));
    backend->download(values.data(), {region.data, region.bytes});
  }
  return memory;
}

TEST(Bf16ProductTest, TrainingHasTheSameBitsAsATeamAndNodeByNode) {
  for (const std::int64_t batch : {1, 65}) {
    const auto expected = memory_after(5, batch, network(), plain_backend(1, GraphUse::off));
    for (const int threads : {1, 2, 5}) {
      for (const auto& [name, values] : memory_after(5, batch, network(), plain_backend(threads))) {
        EXPECT_EQ(bits_of(values), bits_of(expected.at(name))) << name << ", " << threads << " threads, " << batch;
      }
    }
  }
}

// Operands are off by 2^-9 at most. Without a ReLU, where some units near zero would come to lie on the other side.
TEST(Bf16ProductTest, AStepOfTrainingStaysNearFp32) {
  const std::vector<Module> modules{Linear(37, 61), Dropout(0.3), Linear(61, 130, Bias::absent), Linear(130, 7)};
  const auto expected = memory_after(1, 33, modules, std::make_shared<CpuBackend>(2));
  std::size_t gradients = 0, other_bits = 0;
  for (const auto& [name, values] : memory_after(1, 33, modules, plain_backend(2))) {
    if (!name.starts_with("gradients of ")) continue;
    double error = 0, size = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double other = expected.at(name)[i];
      error += (values[i] - other) * (values[i] - other);
      size += other * other;
    }
    EXPECT_LT(std::sqrt(error), 0.01 * std::sqrt(size)) << name;
    ++gradients;
    other_bits += bits_of(values) != bits_of(expected.at(name)) ? 1 : 0;
  }
  EXPECT_EQ(gradients, 7U);
  EXPECT_EQ(other_bits, 7U);
}

/// Says bf16, and rounds nothing.
class UnroundedBackend final : public CpuBackend {
 public:
  UnroundedBackend() : CpuBackend(1) {}
  Device device() const override {
    Device device = CpuBackend::device();
    device.precision = Precision::bf16;
    return device;
  }
};

TEST(Bf16ProductTest, TheDoctorHoldsProductsAgainstThoseOfRoundedOperands) {
  const auto checks = [](const std::shared_ptr<Backend>& backend) {
    std::vector<DeviceCheck> all;
    SelfCheck("small", network(), 65, Mode::train, backend).run([&](const DeviceCheck& check) {
      EXPECT_LE(check.tolerance, 1e-5) << check.name;
      all.push_back(check);
    });
    return all;
  };
  for (const DeviceCheck& check : checks(plain_backend(2))) {
    EXPECT_EQ(check.status, CheckStatus::passed) << check.name << ": " << check.detail;
  }
  for (const DeviceCheck& check : checks(std::make_shared<UnroundedBackend>())) {
    const bool product = check.name.find("matmul") != std::string::npos;
    EXPECT_EQ(check.status, product ? CheckStatus::failed : CheckStatus::passed) << check.name;
  }
}

TEST(Bf16ProductTest, TheBackendTellsItsPrecision) {
  const std::string vectors = to_string(best_instruction_set());
  EXPECT_EQ(plain_backend(3)->describe(), "cpu, 3 threads, " + vectors + ", bf16");
  Device device = Device::cpu(3);
  device.precision = Precision::bf16;
  EXPECT_EQ(plain_backend(3)->device(), device);
  EXPECT_EQ(CpuBackend(3).device().precision, Precision::fp32);
}

TEST(Bf16ProductTest, ACpuThatLacksTheInstructionIsToldSo) {
  Device device = Device::cpu();
  device.precision = Precision::bf16;
  if (bf16_product_kernel() != nullptr) GTEST_SKIP() << "this CPU has AVX512_BF16";
  EXPECT_THAT(message_of<DeviceError>([&] { open_backend(device); }),
              AllOf(HasSubstr("products of bf16 take a GPU, or a CPU with AVX512_BF16"),
                    HasSubstr(std::string("this one has ") + to_string(best_instruction_set()) + ": "),
                    HasSubstr("--device cuda"), HasSubstr("--precision fp32"), HasSubstr("--init-from")));
}

TEST(Bf16ProductTest, ACpuThatHasTheInstructionTakesIt) {
  Device device = Device::cpu(2);
  device.precision = Precision::bf16;
  if (bf16_product_kernel() == nullptr) GTEST_SKIP() << "this CPU has no AVX512_BF16";
  EXPECT_EQ(open_backend(device)->device(), device);
}

TEST(Bf16ProductTest, Tf32TakesAGpuAlone) {
  Device device = Device::cpu();
  device.precision = Precision::tf32;
  EXPECT_THAT(message_of<DeviceError>([&] { open_backend(device); }),
              AllOf(HasSubstr("products of tf32 take a GPU: "), HasSubstr("--device cuda"), Not(HasSubstr("AVX"))));
}

}  // namespace
}  // namespace rushlight
