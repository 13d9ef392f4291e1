#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/error.h>

#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/backends.h"

namespace rushlight {
namespace {

using ::testing::HasSubstr;

bool is_aligned(const std::byte* data) {
  return reinterpret_cast<std::uintptr_t>(data) % kAlignment == 0;
}

class BufferTest : public OnEachBackend {};

TEST_P(BufferTest, MemoryIsAlignedAndCounted) {
  std::int64_t sum = 0;
  std::vector<Buffer> buffers;
  for (const std::int64_t bytes : {1, 3, 255, 256, 257, 4097, 1 << 20}) {
    buffers.emplace_back(backend_, bytes);
    sum += bytes;
    EXPECT_NE(buffers.back().data(), nullptr);
    EXPECT_TRUE(is_aligned(buffers.back().data())) << bytes;
    EXPECT_EQ(buffers.back().bytes(), bytes);
    EXPECT_EQ(backend_->allocated_bytes(), sum);
  }
  buffers.clear();
  EXPECT_EQ(backend_->allocated_bytes(), 0);
}

TEST_P(BufferTest, MovesHandTheMemoryOn) {
  Buffer first(backend_, 100);
  std::byte* const data = first.data();
  Buffer second(std::move(first));
  EXPECT_EQ(second.data(), data);
  EXPECT_EQ(second.bytes(), 100);
  EXPECT_EQ(first.data(), nullptr);  // NOLINT(bugprone-use-after-move): a moved-from Buffer is empty.
  EXPECT_EQ(first.bytes(), 0);
  EXPECT_EQ(backend_->allocated_bytes(), 100);

  Buffer third(backend_, 50);
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(backend_->allocated_bytes(), 100);
  Buffer& itself = third;
  third = std::move(itself);
  EXPECT_EQ(third.data(), data);
  third = Buffer();
  EXPECT_EQ(third.data(), nullptr);
  EXPECT_EQ(backend_->allocated_bytes(), 0);
}

TEST_P(BufferTest, KeepsItsBackendAlive) {
  std::weak_ptr<Backend> seen = backend_;
  {
    const Buffer buffer(backend_, 8);
    backend_.reset();
    EXPECT_FALSE(seen.expired());
    seen.lock()->fill_zero(buffer.data(), 8);
  }
  EXPECT_TRUE(seen.expired());
}

TEST_P(BufferTest, TooMuchMemoryIsADeviceErrorThatSaysHowMuch) {
  for (const std::int64_t bytes : {std::int64_t{1} << 50, std::int64_t{1} << 62}) {
    try {
      const Buffer buffer(backend_, bytes);
      FAIL() << "no machine has " << bytes << " bytes";
    } catch (const DeviceError& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::to_string(bytes)));
    }
    EXPECT_EQ(backend_->allocated_bytes(), 0);
  }
}

TEST_P(BufferTest, WhatGoesInComesOut) {
  std::vector<int> sent(1000), received(1000);
  std::iota(sent.begin(), sent.end(), -500);
  const Buffer buffer(backend_, 4000);
  int* const data = static_cast<int*>(static_cast<void*>(buffer.data()));
  const std::vector<int> copy = sent;
  upload_values(*backend_, data, sent.data(), 1000);
  sent.assign(1000, 0);  // The source may be reused at once.
  download_values(*backend_, received.data(), data, 1000);
  EXPECT_EQ(received, copy);
}

TEST_P(BufferTest, RowsLieDenseOnTheHostAndApartOnTheDevice) {
  constexpr std::int64_t kPitch = 17;
  const Buffer buffer(backend_, 5 * kPitch);
  std::vector<std::uint8_t> background(5 * kPitch, 0xEE);
  backend_->upload({buffer.data(), 5 * kPitch}, background.data());
  std::vector<std::uint8_t> rows(5 * 13);
  std::iota(rows.begin(), rows.end(), std::uint8_t{1});
  backend_->upload({buffer.data(), 13, 5, kPitch}, rows.data());

  for (std::size_t i = 0; i < rows.size(); ++i) background[i / 13 * kPitch + i % 13] = rows[i];
  std::vector<std::uint8_t> everything(5 * kPitch);
  backend_->download(everything.data(), {buffer.data(), 5 * kPitch});
  EXPECT_EQ(everything, background);

  std::vector<std::uint8_t> back(rows.size());
  backend_->download(back.data(), {buffer.data(), 13, 5, kPitch});
  EXPECT_EQ(back, rows);
}

TEST_P(BufferTest, FillZeroZeroesThoseBytesAlone) {
  const Buffer buffer(backend_, 300);
  std::vector<std::uint8_t> bytes(300, 0xEE);
  backend_->upload({buffer.data(), 300}, bytes.data());
  backend_->fill_zero(buffer.data() + 3, 129);
  std::fill_n(bytes.begin() + 3, 129, std::uint8_t{0});
  std::vector<std::uint8_t> back(300);
  backend_->download(back.data(), {buffer.data(), 300});
  EXPECT_EQ(back, bytes);
}

INSTANTIATE_TEST_SUITE_P(Backends, BufferTest, ::testing::ValuesIn(backend_cases()), backend_case_name);

}  // namespace
}  // namespace rushlight
