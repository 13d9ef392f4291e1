// Modules guessed from the tensors of a file without our metadata: a PyTorch Sequential of Linears.
#pragma once

#include <rushlight/module.h>

#include "src/io/safetensors.h"

#include <string>
#include <vector>

namespace rushlight {

/// A parameter: its name in the model, and the tensor of the file that holds it, which the reader owns.
struct ParameterSource {
  std::string name;
  const TensorEntry* entry;
};

struct ForeignModel {
  std::vector<Module> modules;
  std::vector<ParameterSource> sources;  ///< In the order of `state_dict`.
  std::string inferred;                  ///< What was guessed, as one line.
};

/// A 2-D `N.weight` is a Linear, with `N.bias` where there is one; a name may stand in front (`net.0.weight`). Between
/// the Linears N and N + 2 stands ReLU; between N and N + 3 ReLU and Dropout. The first Linear becomes number 0.
/// @throws FormatError that names the tensor that does not fit.
ForeignModel infer_model(const SafetensorsReader& reader);

}  // namespace rushlight
