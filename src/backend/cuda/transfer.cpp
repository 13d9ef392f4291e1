#include "src/backend/cuda/transfer.h"

#include <algorithm>
#include <cstring>

namespace rushlight {
namespace {

constexpr std::int64_t kHalfBytes = std::int64_t{1} << 20;

/// A part of some rows that fits into a half: whole rows, or a piece of one.
struct Piece {
  std::byte* device;
  std::int64_t host_offset;
  std::int64_t row_bytes;
  std::int64_t rows;

  auto bytes() const { return static_cast<std::size_t>(row_bytes * rows); }
};

template <class Use>
void for_each_piece(const Rows& all, const Use& use) {
  auto* const data = static_cast<std::byte*>(all.data);
  const std::int64_t most = std::max<std::int64_t>(1, kHalfBytes / std::max<std::int64_t>(1, all.row_bytes));
  for (std::int64_t row = 0; row < all.count; row += most) {
    const std::int64_t rows = std::min(most, all.count - row);
    for (std::int64_t at = 0; at < all.row_bytes; at += kHalfBytes) {
      use(Piece{data + row * all.pitch + at, row * all.row_bytes + at, std::min(kHalfBytes, all.row_bytes - at), rows});
    }
  }
}

auto pitch_of(const Rows& rows, const Piece& piece) {
  return static_cast<std::size_t>(piece.rows == 1 ? piece.row_bytes : rows.pitch);
}

}  // namespace

Transfer::Transfer(cudaStream_t stream) : stream_(stream) {
  for (Half& half : halves_) half = {make_pinned(kHalfBytes), make_event()};
}

Transfer::Half& Transfer::take() {
  Half& half = halves_[next_];
  next_ = 1 - next_;
  check(cudaEventSynchronize(half.copied.get()), "waiting for a copy");
  return half;
}

void Transfer::upload(const Rows& to, const void* from) {
  for_each_piece(to, [&](const Piece& piece) {
    const Half& half = take();
    std::memcpy(half.memory.get(), static_cast<const std::byte*>(from) + piece.host_offset, piece.bytes());
    const auto row_bytes = static_cast<std::size_t>(piece.row_bytes);
    check(cudaMemcpy2DAsync(piece.device, pitch_of(to, piece), half.memory.get(), row_bytes, row_bytes,
                            static_cast<std::size_t>(piece.rows), cudaMemcpyHostToDevice, stream_),
          "copying to the GPU");
    check(cudaEventRecord(half.copied.get(), stream_), "recording an event");
  });
}

void Transfer::download(void* to, const Rows& from) {
  for_each_piece(from, [&](const Piece& piece) {
    const Half& half = take();
    const auto row_bytes = static_cast<std::size_t>(piece.row_bytes);
    check(cudaMemcpy2DAsync(half.memory.get(), row_bytes, piece.device, pitch_of(from, piece), row_bytes,
                            static_cast<std::size_t>(piece.rows), cudaMemcpyDeviceToHost, stream_),
          "copying from the GPU");
    check(cudaStreamSynchronize(stream_), "waiting for the GPU");
    std::memcpy(static_cast<std::byte*>(to) + piece.host_offset, half.memory.get(), piece.bytes());
  });
}

}  // namespace rushlight
