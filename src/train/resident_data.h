// A data set where the commands of a backend can read it.
#pragma once

#include <rushlight/dataset.h>

#include <cstdint>
#include <memory>

#include "src/backend/backend.h"

namespace rushlight {

/// Copies only where the backend cannot read the host's memory; there the copy is made once, when it is built.
class ResidentData {
 public:
  ResidentData(const std::shared_ptr<Backend>& backend, const Dataset& data);

  const Dataset& data() const { return data_; }
  const std::uint8_t* pixels() const { return pixels_; }
  const std::int32_t* labels() const { return labels_; }  ///< Null if there are none.

 private:
  Dataset data_;
  Buffer memory_;
  const std::uint8_t* pixels_;
  const std::int32_t* labels_;
};

}  // namespace rushlight
