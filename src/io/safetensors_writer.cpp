#include "src/io/durable_file.h"
#include "src/io/safetensors.h"
#include "src/io/safetensors_header.h"

namespace rushlight {

// Tensors go to the file from where they are: no copy of the whole in memory.
void write_safetensors(const std::filesystem::path& file, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string header = make_safetensors_header(tensors, metadata);
  const std::uint64_t length = header.size();
  DurableFile durable(file);
  durable.write(std::as_bytes(std::span(&length, 1)));
  durable.write(std::as_bytes(std::span(header)));
  for (const TensorView& tensor : tensors) durable.write(std::as_bytes(tensor.values));
  durable.commit();
}

}  // namespace rushlight
