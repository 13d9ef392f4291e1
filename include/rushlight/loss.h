// Loss functions.
#pragma once

namespace rushlight {

/// Softmax cross-entropy of logits [batch, classes] against class indices, mean over the batch, as
/// torch.nn.CrossEntropyLoss. Each row's loss is log(sum_j exp(z_j)) - z_label, computed from the row's maximum.
struct CrossEntropyLoss {};

}  // namespace rushlight
