#include "src/data/gzip_inflater.h"

#include <isa-l/igzip_lib.h>

namespace rushlight {
namespace {

const char* reason_of(int code) {
  switch (code) {
    case ISAL_INVALID_BLOCK:
      return "an invalid block";
    case ISAL_INVALID_SYMBOL:
      return "an invalid code";
    case ISAL_INVALID_LOOKBACK:
      return "a copy from before the start";
    case ISAL_INVALID_WRAPPER:
      return "no gzip header";
    case ISAL_UNSUPPORTED_METHOD:
      return "an unknown compression method";
    case ISAL_INCORRECT_CHECKSUM:
      return "a wrong checksum";
    default:
      return "an invalid gzip stream";
  }
}

}  // namespace

GzipInflater::GzipInflater() : state_(std::make_unique<inflate_state>()) {
  isal_inflate_init(state_.get());
  begin_member();
}

GzipInflater::~GzipInflater() = default;

void GzipInflater::begin_member() {
  isal_inflate_reset(state_.get());
  state_->crc_flag = ISAL_GZIP;
  member_ended_ = false;
}

void GzipInflater::give(std::span<std::uint8_t> packed) {
  state_->next_in = packed.data();
  state_->avail_in = static_cast<std::uint32_t>(packed.size());
}

bool GzipInflater::hungry() const {
  return state_->avail_in == 0;
}

std::size_t GzipInflater::inflate(std::span<std::uint8_t> bytes) {
  state_->next_out = bytes.data();
  state_->avail_out = static_cast<std::uint32_t>(bytes.size());
  do {
    if (member_ended_) {
      if (hungry()) break;
      begin_member();
    }
    const int code = isal_inflate(state_.get());
    if (code < 0) throw GzipError{reason_of(code)};
    member_ended_ = state_->block_state == ISAL_BLOCK_FINISH;
  } while (state_->avail_out > 0 && !hungry());
  return bytes.size() - state_->avail_out;
}

}  // namespace rushlight
