#include "src/train/resident_data.h"

#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "tests/support/backends.h"
#include "tests/support/small_data.h"

namespace rushlight {
namespace {

constexpr std::int64_t kFeatures = 300;

class ResidentDataTest : public OnEachBackend {
 protected:
  template <class T>
  std::vector<T> read(const T* data, std::size_t count) {
    std::vector<T> values(count);
    const auto bytes = static_cast<std::int64_t>(count * sizeof(T));
    backend_->download(values.data(), {const_cast<T*>(data), bytes});
    return values;
  }

  void expect_holds(const ResidentData& resident, const Dataset& data) {
    EXPECT_TRUE(resident.data().same_view(data));
    const std::span pixels = data.pixels();
    EXPECT_EQ(read(resident.pixels(), pixels.size()), std::vector(pixels.begin(), pixels.end()));
    const std::span labels = data.labels();
    EXPECT_EQ(read(resident.labels(), labels.size()), std::vector(labels.begin(), labels.end()));
  }

  const Dataset all_ = small_data(40, kFeatures, 7);
  const Dataset bare_{{all_.pixels().begin(), all_.pixels().end()}, {}, {kFeatures}};
};
INSTANTIATE_TEST_SUITE_P(Backends, ResidentDataTest, testing::ValuesIn(backend_cases()), backend_case_name);

TEST_P(ResidentDataTest, ACopyTakesOtherDataOfItsSizeAndStaysWhereItIs) {
  ResidentData resident(backend_, all_.rows(0, 6), DataCopy::always);
  expect_holds(resident, all_.rows(0, 6));
  const std::uint8_t* const pixels = resident.pixels();
  const std::int32_t* const labels = resident.labels();
  ASSERT_TRUE(resident.replace(all_.rows(17, 6)));
  expect_holds(resident, all_.rows(17, 6));
  EXPECT_EQ(resident.pixels(), pixels);
  EXPECT_EQ(resident.labels(), labels);
}

TEST_P(ResidentDataTest, OfAnotherSizeOrWithoutLabelsItIsRefused) {
  ResidentData resident(backend_, all_.rows(0, 6), DataCopy::always);
  EXPECT_FALSE(resident.replace(all_.rows(0, 7)));
  EXPECT_FALSE(resident.replace(bare_.rows(0, 6)));
  expect_holds(resident, all_.rows(0, 6));
  ResidentData without(backend_, bare_.rows(0, 6), DataCopy::always);
  EXPECT_EQ(without.labels(), nullptr);
  EXPECT_FALSE(without.replace(all_.rows(0, 6)));
  EXPECT_TRUE(without.replace(bare_.rows(9, 6)));
}

TEST_P(ResidentDataTest, NothingIsCopiedThatTheBackendReadsWhereItIs) {
  ResidentData resident(backend_, all_);
  EXPECT_EQ(resident.pixels() == all_.pixels().data(), backend_->reads_host_memory());
  EXPECT_EQ(resident.replace(small_data(40, kFeatures, 7)), !backend_->reads_host_memory());
}

}  // namespace
}  // namespace rushlight
