"""The lab in PyTorch, for a CPU and for a GPU. `torch` is an argument: importing this file takes no framework."""

from comparison.network import DROPOUT, RATE, WIDTHS


def build(torch, device):
    """The network in train mode, its weights Xavier-uniform."""
    modules = []
    for columns, rows in zip(WIDTHS, WIDTHS[1:]):
        linear = torch.nn.Linear(columns, rows)
        torch.nn.init.xavier_uniform_(linear.weight)
        modules += [linear, torch.nn.ReLU(), torch.nn.Dropout(DROPOUT)]
    return torch.nn.Sequential(*modules[:-2]).to(device).train()


def training_step(torch, images, labels, compiler=lambda loss_of: loss_of, before=lambda: None):
    """A function of the rows of a batch, which trains on them and returns their loss, on the device of `images`.

    `compiler` may replace the function from pixels and answers to the loss; `before` is called before each step.
    """
    model, criterion = build(torch, images.device), torch.nn.CrossEntropyLoss()
    adam = torch.optim.Adam(model.parameters(), lr=RATE, fused=True, capturable=images.is_cuda)
    loss_of = compiler(lambda pixels, answers: criterion(model(pixels.float() / 255), answers))

    def step(rows):
        before()
        adam.zero_grad(set_to_none=True)
        # Chosen out here, as a compiled function would copy all images into a place of its own.
        loss = loss_of(images[rows], labels[rows])
        loss.backward()
        adam.step()
        return loss.detach()

    return step
