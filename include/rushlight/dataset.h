// A labelled set of samples with 8-bit features, in host memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rushlight {

/// Samples of equal shape, one byte a feature (0 to 255), and a class index each, or no labels at all.
/// A Dataset is a view of shared, immutable storage: copying it and taking rows copies no sample. Thread-safe to read.
class Dataset {
 public:
  /// Takes ownership of both vectors. `shape` is a sample's, as {28, 28}; `features` holds [samples, shape...]
  /// row-major; `labels` is empty or holds a class index a sample. `name` stands for the data in messages.
  /// @throws InvalidArgument if sizes disagree, there is no sample, a shape is not positive, or a label is negative.
  Dataset(std::vector<std::uint8_t> features, std::vector<std::int32_t> labels, std::vector<std::int64_t> shape,
          std::string name = "memory");

  std::int64_t size() const { return count_; }
  std::int64_t features() const;                   ///< Features a sample: the product of `shape()`.
  const std::vector<std::int64_t>& shape() const;  ///< A sample's shape, without the leading extent.
  std::int64_t classes() const;  ///< The highest label of the whole storage plus one; 0 without labels.
  bool has_labels() const;
  const std::string& name() const;

  /// XXH3-64 of the files' decompressed bytes, images then labels; of features and labels for data from memory.
  std::uint64_t hash() const;

  /// The index of this view's first sample in its file.
  std::int64_t first() const { return first_; }

  std::span<const std::uint8_t> pixels() const;                ///< [size, features], row-major.
  std::span<const std::uint8_t> sample(std::int64_t i) const;  ///< [features]. @throws InvalidArgument out of range.
  std::span<const std::int32_t> labels() const;                ///< [size], or empty.

  /// A view of `count` samples from `first` on.
  /// @throws InvalidArgument if they are not all inside this view, or `count` is not positive.
  Dataset rows(std::int64_t first, std::int64_t count) const;

  /// Whether both look at the same samples of the same storage.
  bool same_view(const Dataset& other) const;

  /// What the views share. Defined in src/data.
  struct Storage;
  explicit Dataset(std::shared_ptr<const Storage> storage);

 private:
  std::shared_ptr<const Storage> storage_;
  std::int64_t first_ = 0;
  std::int64_t count_ = 0;
};

/// Reads IDX files of unsigned bytes (magic 0x08 0x0N), plain or gzip, recognised by content. Images have 2 dimensions
/// or more, the first being the sample. Every size is checked against the file's real length before memory is taken.
/// Source of the format: LeCun et al., the MNIST database.
/// @throws FormatError that names the file, the offset or row, what was expected and what to do.
Dataset load_idx(const std::filesystem::path& images, const std::filesystem::path& labels);

/// The same without labels, for `Sequential::predict`.
Dataset load_idx(const std::filesystem::path& images);

enum class Split { train, test };

/// Reads `{train,t10k}-{images-idx3,labels-idx1}-ubyte` from a folder, `.gz` or not; the plain file wins.
/// @throws FormatError if the folder or a file is missing; it names what was looked for.
Dataset load_idx_folder(const std::filesystem::path& folder, Split split);

/// Whether `folder` holds the four files that `load_idx_folder` reads.
bool is_idx_folder(const std::filesystem::path& folder);

}  // namespace rushlight
