"""``minigrad.autograd.anomaly_mode``, PyTorch's path to the detection of anomalies: see ``graph/anomaly.py``."""

from minigrad.graph.anomaly import detect_anomaly, set_detect_anomaly

__all__ = ["detect_anomaly", "set_detect_anomaly"]
