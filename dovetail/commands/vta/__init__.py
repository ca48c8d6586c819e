"""`dovetail vta`: streams of the VTA accelerator, without a compiler."""
