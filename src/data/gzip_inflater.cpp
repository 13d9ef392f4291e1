#include "src/data/gzip_inflater.h"

#include <isa-l/igzip_lib.h>

namespace rushlight {
namespace {

constexpr std::uint32_t kReservedFlags = 0xE0;  // RFC 1952: an inflater refuses what it does not know.

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

// ISA-L keeps a header's flags while it reads the header in parts only if the header is the caller's.
struct GzipInflater::Stream {
  inflate_state state;
  isal_gzip_header header;
};

GzipInflater::GzipInflater() : stream_(std::make_unique<Stream>()) {
  isal_inflate_init(&stream_->state);
  begin_member();
}

GzipInflater::~GzipInflater() = default;

void GzipInflater::begin_member() {
  isal_inflate_reset(&stream_->state);
  isal_gzip_header_init(&stream_->header);
  stream_->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
  in_header_ = true;
  member_ended_ = false;
}

void GzipInflater::give(std::span<std::uint8_t> packed) {
  stream_->state.next_in = packed.data();
  stream_->state.avail_in = static_cast<std::uint32_t>(packed.size());
}

bool GzipInflater::hungry() const {
  return stream_->state.avail_in == 0;
}

// Whether it is whole; else all that was given is consumed.
bool GzipInflater::read_header() {
  const int code = isal_read_gzip_header(&stream_->state, &stream_->header);
  if (code < 0) throw GzipError{reason_of(code)};
  if (code != ISAL_DECOMP_OK) return false;
  if ((stream_->header.flags & kReservedFlags) != 0) throw GzipError{"unknown flags"};
  in_header_ = false;
  return true;
}

std::size_t GzipInflater::inflate(std::span<std::uint8_t> bytes) {
  inflate_state& state = stream_->state;
  state.next_out = bytes.data();
  state.avail_out = static_cast<std::uint32_t>(bytes.size());
  do {
    if (member_ended_) {
      if (hungry()) break;
      begin_member();
    }
    if (in_header_ && !read_header()) break;
    const int code = isal_inflate(&state);
    if (code < 0) throw GzipError{reason_of(code)};
    member_ended_ = state.block_state == ISAL_BLOCK_FINISH;
  } while (state.avail_out > 0 && !hungry());
  return bytes.size() - state.avail_out;
}

}  // namespace rushlight
