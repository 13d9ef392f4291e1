#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rushlight/device.h>
#include <rushlight/error.h>

#include "src/backend/cuda_backend.h"
#include "tests/support/messages.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(DeviceTest, NamesAreParsed) {
  EXPECT_EQ(choose_device("cpu").device, Device::cpu());
  EXPECT_EQ(choose_device("cpu", 3).device, Device::cpu(3));
  EXPECT_EQ(choose_device("cuda").device, Device::cuda(0));
  EXPECT_EQ(choose_device("cuda:0").device, Device::cuda(0));
  EXPECT_EQ(choose_device("cuda:12").device, Device::cuda(12));
  EXPECT_NE(Device::cpu(), Device::cuda());
  EXPECT_NE(Device::cuda(0), Device::cuda(1));
}

TEST(DeviceTest, ReasonsNameTheDevice) {
  EXPECT_THAT(choose_device("cpu").reason, StartsWith("cpu, "));
  EXPECT_THAT(choose_device("cuda:12").reason, StartsWith("cuda:12, "));
}

TEST(DeviceTest, AutoTakesTheCpuWhereNoGpuIsUsableAndSaysWhy) {
  const DeviceChoice choice = choose_device("auto", 5);
  if (why_no_cuda().empty()) {
    EXPECT_EQ(choice.device, Device::cuda());
  } else {
    EXPECT_EQ(choice.device, Device::cpu(5));
    EXPECT_THAT(choice.reason, AllOf(StartsWith("cpu, "), HasSubstr(why_no_cuda())));
  }
  EXPECT_EQ(Device::best(), choose_device("auto").device);
}

TEST(DeviceTest, OtherNamesAreRefusedAndTheGoodOnesListed) {
  for (const char* name : {"", "CPU", "gpu", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda: 1", "cuda:1.0",
                           "cuda:99999999999", "cuda0", " cpu", "auto "}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] { choose_device(name); }),
                AllOf(HasSubstr("auto, cpu, cuda or cuda:<index>"), HasSubstr("\"" + std::string(name) + "\"")));
  }
}

TEST(DeviceTest, NegativeThreadsAreRefused) {
  for (const char* name : {"auto", "cpu", "cuda"}) {
    EXPECT_THAT(message_of<InvalidArgument>([&] { choose_device(name, -1); }), HasSubstr("-1"));
  }
}

TEST(DeviceTest, NamesAreWhatIsParsed) {
  for (const Device& device : {Device::cpu(), Device::cuda(0), Device::cuda(3)}) {
    EXPECT_EQ(choose_device(to_string(device)).device, device);
  }
  EXPECT_EQ(to_string(Device::cpu(8)), "cpu");
  EXPECT_EQ(to_string(Device::cuda(3)), "cuda:3");
}

TEST(DeviceTest, AGpuThatCannotBeUsedIsAnErrorWithAdvice) {
  if (why_no_cuda().empty()) GTEST_SKIP() << "a GPU is usable here";
  EXPECT_THAT(message_of<DeviceError>([] { open_backend(Device::cuda()); }),
              AllOf(HasSubstr("cuda:0"), HasSubstr(why_no_cuda()), HasSubstr("--device cpu")));
  EXPECT_THAT(message_of<DeviceError>([] { open_backend(Device::cuda(7)); }), HasSubstr("cuda:7"));
}

}  // namespace
}  // namespace rushlight
