// A data set where the commands of a backend can read it.
#pragma once

#include <rushlight/dataset.h>

#include <cstdint>
#include <memory>

#include "src/backend/backend.h"

namespace rushlight {

/// `if_needed`: where the backend cannot read the host's memory.
enum class DataCopy { if_needed, always };

/// Where there is a copy, it is made when this is built or when the data is replaced.
class ResidentData {
 public:
  ResidentData(std::shared_ptr<Backend> backend, const Dataset& data, DataCopy use = DataCopy::if_needed);

  /// Other data takes the place of this, and pointers stay as they are. False: there is no copy, or it has another
  /// size; nothing was changed then.
  bool replace(const Dataset& data);

  const Dataset& data() const { return data_; }
  const std::uint8_t* pixels() const { return pixels_; }
  const std::int32_t* labels() const { return labels_; }  ///< Null if there are none.

 private:
  void copy();

  std::shared_ptr<Backend> backend_;
  Dataset data_;
  Buffer memory_;  // Pixels, then labels. Empty: they are read where they lie.
  const std::uint8_t* pixels_;
  const std::int32_t* labels_;
};

}  // namespace rushlight
