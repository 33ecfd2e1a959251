"""Is a translation still the network it came from? Layer by layer, whole, in accuracy, and on this processor.

`layers.check_layers` cuts a QDQ file into single layers and gives every runtime the same int8 inputs, compared in LSB;
`whole.check_whole` compares whole networks by their error against float; `accuracy.accuracy` counts right answers on
labelled photos; `saturation.saturates` finds out whether a runtime's integer kernels overflow on this very processor,
so that a figure of wrong outputs is never shown. `golden.write_golden` writes what a board must reproduce. Callers
import from those files: nothing heavy is loaded here.
"""

__all__: list[str] = []
