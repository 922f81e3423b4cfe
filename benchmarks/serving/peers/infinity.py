"""infinity's own command line, unchanged.

optimum's exporter, which nothing here uses, is imported with its ONNX engine all the same, and
looks for names where PyTorch 2.13 has them no longer.
"""

import torch.onnx.symbolic_opset14
from torch.onnx._internal.torchscript_exporter import symbolic_opset14

for name in vars(symbolic_opset14).keys() - vars(torch.onnx.symbolic_opset14).keys():
    setattr(torch.onnx.symbolic_opset14, name, getattr(symbolic_opset14, name))

if __name__ == "__main__":
    from infinity_emb.cli import cli

    cli()
