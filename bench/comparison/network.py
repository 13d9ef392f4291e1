"""The lab, as every peer trains it: 784-512-512-512-512-10, ReLU, dropout 0.3, Adam 1e-3, batches of 100 of 60,000 images."""

WIDTHS = [784, 512, 512, 512, 512, 10]
DROPOUT = 0.3
RATE = 1e-3
BATCH = 100
IMAGES = 60000
EPOCH_STEPS = IMAGES // BATCH
SEED = 777
