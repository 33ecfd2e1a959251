"""Measure one file in one runtime on one machine, and print JSON.

Stands alone: Python ≥ 3.9, the standard library, the runtime and the NumPy that comes with it. It is copied to boards
as it is, so it imports nothing of Sepia.

    python bench.py --runtime onnxruntime --model model.onnx --threads 4 --seconds 3 --golden golden/
    python bench.py --runtime litert --model model.tflite --golden golden/ --counted 2
    python bench.py --runtime litert --list files.json --counted 2
    python bench.py --settle 6 --cool-to 50 --cool-within 120

One inference = inputs handed over, run, outputs fetched; timed on noise from a fixed seed. Every figure has its unit in
its name; null means that this machine or runtime does not tell. On failure: {"error": …} on standard output, the
traceback on standard error, exit 1.

golden/ holds inputs.npz (input name → array in the file's layout and dtype; several samples stacked along the batch),
outputs.npz (output name → what is right for them) and tolerance.json ({"rms": number} or {"rms": {output: number}},
the greatest root mean square error that is still right).

While it is timed, between the runs and once a second at most, clock, heat, throttling, swap and the processor time of
others are looked at ("watch"); what makes the latency none of the file's own is told in "disturbed". --settle waits
until no such thing is left, or its seconds are over.

--counted N is for an emulated core, which has no time: nothing is timed, and each of N inferences stands between two
system calls that only an observer of the processor sees, close(MARK + 2k) and close(MARK + 2k + 1) for interval k.

--list reads {"runs": [{"name", "model", "inputs", "outputs"}, …]}: files of one runtime, each run on its inputs.npz (as
in golden/), its outputs written to outputs.npz; then N inferences of the first sample, if counted: intervals r·N … of
run r. Paths are absolute, or from the list's folder. A run that fails keeps its reason and the others go on; which run
is under way is said on standard error, as a crash takes everything along.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import gc
import glob
import hashlib
import json
import math
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from typing import Any, Callable, Optional

SCHEMA = 1
WINDOW = 5
STABLE = 0.02
WARM_SECONDS = 0.3
LAYER_RUNS = 15
LOOK_SECONDS = 1.0
MOST_LOOKS = 60
SETTLED_MS = 100.0
"""A look at the machine leaves caches cold and the clock lower: one run goes untimed after it, if quicker than this."""
LEAST_WATCHED = 0.5
"""Shares of the processor are not told of a shorter time, in s: the kernel counts in steps of 10 ms."""
OTHERS_SHARE = 0.10
STOLEN_SHARE = 0.05
"""Of one core, what other processes and the hypervisor may take."""
CLOCK_SHARE = 0.95
"""Of the clock that the processor can hold, the least under load."""
FALL_C, FALL_SECONDS = 0.5, 20.0
"""What has not become so much cooler in so long is as cool as it gets."""
SWAPPED_BYTES = 1 << 20
READ_BACK_PAGES = 16
GOLDEN_FILES = ("inputs.npz", "outputs.npz", "tolerance.json")
MARK = 1_000_000_000
"""No file can have this number: Linux ends them at 2^20, unless told otherwise."""

Feeds = dict[str, Any]
"""Input name → array."""


# --- what the machine says of itself ------------------------------------------------------------------------------


def read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def read_number(path: str, scale: float = 1.0) -> Optional[float]:
    text = read(path)
    try:
        return None if text is None else float(text) * scale
    except ValueError:
        return None


def cpuinfo(key: str) -> str:
    for line in (read("/proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def on_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686")


def lacks_vnni() -> bool:
    """x86 whose 8-bit products are summed in 16 bits, which saturate in silence."""
    return on_x86() and not {"avx512_vnni", "avx_vnni"} & set(cpuinfo("flags").split())


def usable() -> set[int]:
    """Numbers of the cores that this process may run on; empty where the system does not tell."""
    return set(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else set()


def machine() -> dict[str, Any]:
    board = read("/proc/device-tree/model") or read("/sys/firmware/devicetree/base/model") or cpuinfo("Model")
    memory = dict(meminfo())
    return {
        "cpu": cpuinfo("model name") or "{} {}".format(cpuinfo("CPU implementer"), cpuinfo("CPU part")).strip(),
        "board": board.rstrip("\0"),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": len(usable()) or os.cpu_count(),
        "vnni": not lacks_vnni() if "flags" in (read("/proc/cpuinfo") or "") else None,
        "dotprod": "asimddp" in cpuinfo("Features").split(),
        "memory_bytes": memory.get("MemTotal"),
        "system": " ".join((platform.system(), platform.release())),
        "python": platform.python_version(),
    }


def meminfo() -> list[tuple[str, int]]:
    found = []
    for line in (read("/proc/meminfo") or "").splitlines():
        name, _, value = line.partition(":")
        if value.strip().endswith("kB"):
            found.append((name, int(value.split()[0]) * 1024))
    return found


def frequencies() -> list[dict[str, Any]]:
    """One for each group of cores that share a clock. A virtual machine may know its nominal clock alone.

    sustained_mhz: what it can hold under load, if cool and fed well: the base clock of x86, above which is turbo.
    """
    found = []
    for folder in sorted(glob.glob("/sys/devices/system/cpu/cpufreq/policy*")):
        found.append(
            {
                "cores": read(folder + "/affected_cpus"),
                "governor": read(folder + "/scaling_governor"),
                "now_mhz": read_number(folder + "/scaling_cur_freq", 1e-3),
                "min_mhz": read_number(folder + "/scaling_min_freq", 1e-3),
                "max_mhz": read_number(folder + "/scaling_max_freq", 1e-3),
                "sustained_mhz": read_number(folder + ("/base_frequency" if on_x86() else "/scaling_max_freq"), 1e-3),
            }
        )
    if not found and cpuinfo("cpu MHz"):
        unknown = dict.fromkeys(("cores", "governor", "min_mhz", "max_mhz", "sustained_mhz"))
        found.append({**unknown, "now_mhz": float(cpuinfo("cpu MHz"))})
    return found


def temperatures() -> list[dict[str, Any]]:
    found = []
    for folder in sorted(glob.glob("/sys/class/thermal/thermal_zone*")):
        celsius = read_number(folder + "/temp", 1e-3)
        if celsius is not None:
            found.append({"zone": read(folder + "/type"), "celsius": celsius})
    return found


# Bits of the Raspberry Pi firmware's "get_throttled": bits 16 and up say the same since the board was started.
THROTTLED = (
    "/sys/devices/platform/soc*/soc*:firmware/get_throttled",
    "/sys/devices/platform/soc*:firmware/get_throttled",
)
THROTTLE_BITS = {0: "under_voltage", 1: "frequency_capped", 2: "throttled", 3: "soft_temperature_limit"}


def throttling() -> dict[str, Any]:
    """now, since_boot: lists of causes, null where nothing tells. events: x86's count of thermal throttles."""
    bits: Optional[int] = None
    text = next((read(path) for pattern in THROTTLED for path in glob.glob(pattern)), None)
    if text is None and shutil.which("vcgencmd"):
        try:
            done = subprocess.run(["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=False)
            text = done.stdout.strip().partition("=")[2]
        except (OSError, subprocess.SubprocessError):
            text = None
    if text:
        try:
            bits = int(text, 16)
        except ValueError:
            bits = None
    counts = [read_number(path) for path in glob.glob("/sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count")]
    known = [count for count in counts if count is not None]
    return {
        "now": None if bits is None else [name for bit, name in THROTTLE_BITS.items() if bits >> bit & 1],
        "since_boot": None if bits is None else [name for bit, name in THROTTLE_BITS.items() if bits >> bit + 16 & 1],
        "events": int(sum(known)) if known else None,
    }


def conditions() -> dict[str, Any]:
    memory = dict(meminfo())
    total, free = memory.get("SwapTotal"), memory.get("SwapFree")
    return {
        "frequencies": frequencies(),
        "temperatures": temperatures(),
        "throttling": throttling(),
        "load_average": list(os.getloadavg()),  # over 1, 5 and 15 minutes
        "memory_available_bytes": memory.get("MemAvailable"),
        "swap_used_bytes": None if total is None or free is None else total - free,
    }


# --- what else happens while it is timed --------------------------------------------------------------------------


def processor_seconds() -> Optional[tuple[float, float]]:
    """Spent by all processes, and taken by the hypervisor, since the start, on the cores that we may use."""
    cores = {f"cpu{number}" for number in usable()}
    lines = [line.split() for line in (read("/proc/stat") or "").splitlines()]
    counts = [[int(word) for word in words[1:9]] for words in lines if words and words[0] in cores]
    if not counts or any(len(count) < 8 for count in counts):
        return None
    user, nice, system, _, _, irq, softirq, stolen = (sum(column) for column in zip(*counts))  # noqa: B905 - Python 3.10
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / ticks, stolen / ticks


def own_processor_seconds() -> float:
    """Of this process and of those that it has started and waited for."""
    return sum(os.times()[:4])


def swapped_bytes() -> Optional[tuple[int, int]]:
    """In and out since the start, of all processes."""
    pages = dict(line.split() for line in (read("/proc/vmstat") or "").splitlines() if line.startswith("pswp"))
    if not {"pswpin", "pswpout"} <= set(pages):
        return None
    return int(pages["pswpin"]) * resource.getpagesize(), int(pages["pswpout"]) * resource.getpagesize()


class Watch:
    """The machine from now on: a look now, at each `look`, and at the end."""

    def __init__(self, every: float = LOOK_SECONDS) -> None:
        self.every = every
        self.looks: list[dict[str, Any]] = []
        self.throttling: list[dict[str, Any]] = []
        self.start = time.perf_counter()
        self.counters = self._count()
        self.look()

    def _count(self) -> dict[str, Any]:
        return {
            "seconds": time.perf_counter(),
            "processor": processor_seconds(),
            "own": own_processor_seconds(),
            "swapped": swapped_bytes(),
            "read_back": resource.getrusage(resource.RUSAGE_SELF).ru_majflt,
        }

    def look(self) -> None:
        # The clock first: asking the firmware takes milliseconds, in which a core may slow down.
        clocks = [clock for clock in frequencies() if clock["now_mhz"]]
        # Of cores with clocks of their own, ours is the fastest: those that idle are slow.
        clock = max(clocks, key=lambda found: found["now_mhz"] / (found["sustained_mhz"] or math.inf), default={})
        told = throttling()
        self.throttling.append(told)
        self.looks.append(
            {
                "seconds": time.perf_counter() - self.start,
                "mhz": clock.get("now_mhz"),
                "sustained_mhz": clock.get("sustained_mhz"),
                "celsius": max((zone["celsius"] for zone in temperatures()), default=None),
                "throttled": told["now"],
            }
        )
        self.looked = time.perf_counter()

    def due(self) -> bool:
        return time.perf_counter() - self.looked >= self.every

    def end(self) -> dict[str, Any]:
        """slow: the look with the lowest clock, if that was too low for a core under load. others_share, stolen_share:
        of one core. null: this machine does not tell.
        """
        self.look()
        before, after = self.counters, self._count()
        took = after["seconds"] - before["seconds"]
        others = stolen = swapped = None
        if before["processor"] and after["processor"] and took >= LEAST_WATCHED:
            spent, taken = (now - then for now, then in zip(after["processor"], before["processor"]))  # noqa: B905
            others, stolen = max(spent - (after["own"] - before["own"]), 0.0) / took, taken / took
        if before["swapped"] and after["swapped"]:
            swapped = [now - then for now, then in zip(after["swapped"], before["swapped"])]  # noqa: B905
        return {
            "looks": self.looks,
            "seconds": took,
            "throttled": self._throttled(),
            "throttle_events": self._events(),
            "slow": self._slow(),
            "others_share": others,
            "stolen_share": stolen,
            "swapped_in_bytes": None if swapped is None else swapped[0],
            "swapped_out_bytes": None if swapped is None else swapped[1],
            "pages_read_back": after["read_back"] - before["read_back"],
        }

    def _throttled(self) -> Optional[list[str]]:
        """What held it back at a look, or between two: since its start at the end, and not yet at the beginning."""
        if self.throttling[-1]["now"] is None:
            return None
        found = {cause for told in self.throttling for cause in told["now"] or ()}
        found |= set(self.throttling[-1]["since_boot"]) - set(self.throttling[0]["since_boot"] or ())
        return [cause for cause in THROTTLE_BITS.values() if cause in found]

    def _slow(self) -> Optional[dict[str, Any]]:
        known = [look for look in self.looks if look["mhz"] and look["sustained_mhz"]]
        slow = [look for look in known if look["mhz"] < CLOCK_SHARE * look["sustained_mhz"]]
        return min(slow, key=lambda look: float(look["mhz"]), default=None)

    def _events(self) -> Optional[int]:
        first, last = self.throttling[0]["events"], self.throttling[-1]["events"]
        return None if first is None or last is None else last - first


def held_back(watch: dict[str, Any], loaded: bool) -> list[str]:
    found = []
    if watch["throttled"]:
        found.append("held back by the firmware: " + ", ".join(watch["throttled"]).replace("_", " "))
    if watch["throttle_events"]:
        found.append("throttled for heat {} times".format(watch["throttle_events"]))
    if watch["slow"] and loaded:
        found.append("clock at {mhz:.0f} of {sustained_mhz:.0f} MHz".format(**watch["slow"]))
    return found


def shared(watch: dict[str, Any]) -> list[str]:
    found = []
    if (watch["swapped_in_bytes"] or 0) + (watch["swapped_out_bytes"] or 0) > SWAPPED_BYTES:
        moved = watch["swapped_in_bytes"] / 1e6, watch["swapped_out_bytes"] / 1e6
        found.append("swapped {:.0f} MB in and {:.0f} MB out".format(*moved))
    elif watch["pages_read_back"] > READ_BACK_PAGES:
        found.append("too little memory: {} pages were read back from disk".format(watch["pages_read_back"]))
    if (watch["others_share"] or 0) > OTHERS_SHARE:
        found.append("other processes used {:.2f} of a core".format(watch["others_share"]))
    if (watch["stolen_share"] or 0) > STOLEN_SHARE:
        found.append("the hypervisor took {:.2f} of a core".format(watch["stolen_share"]))
    return found


def disturbances(watch: dict[str, Any], loaded: bool = True) -> list[str]:
    """Why a latency had meanwhile is none to rely on. loaded: all the time, so that a low clock means something."""
    return held_back(watch, loaded) + shared(watch)


class Cooling:
    """Whether it pays to wait for a temperature: above `goal`, and still falling."""

    def __init__(self, goal: Optional[float]) -> None:
        self.goal = math.inf if goal is None else goal
        self.lowest, self.fell = math.inf, time.perf_counter()

    def pays(self, celsius: Optional[float]) -> bool:
        now = time.perf_counter()
        if celsius is None:
            return False
        if celsius <= self.lowest - FALL_C:
            self.lowest, self.fell = celsius, now
        return celsius > self.goal and now - self.fell < FALL_SECONDS


def settle(options: argparse.Namespace) -> dict[str, Any]:
    """Wait, a look at a time, until nothing would disturb a run. disturbed: what still would.

    For heat `cool_within` seconds at most, as long as it gets cooler; for anything else `settle`.
    """
    start, cooling = time.perf_counter(), Cooling(options.cool_to)
    while True:
        watch = Watch()
        time.sleep(min(LOOK_SECONDS, options.settle))
        told = watch.end()
        celsius, heat, others = told["looks"][-1]["celsius"], held_back(told, loaded=False), shared(told)
        if cooling.pays(celsius):
            heat.append(f"at {celsius:.0f} °C, not yet at {options.cool_to:.0f}")
        seconds = time.perf_counter() - start
        patience = max(options.settle, options.cool_within or 0.0) if heat else options.settle
        if not heat + others or seconds + LOOK_SECONDS > patience:
            return {"settled": not heat + others, "seconds": seconds, "celsius": celsius, "disturbed": heat + others}


# --- memory by phase ----------------------------------------------------------------------------------------------


def kilobytes(path: str, key: str) -> Optional[int]:
    for line in (read(path) or "").splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    return None


class Memory:
    """RSS and PSS at the end of each phase, and the peak within it where the kernel lets the peak be reset."""

    def __init__(self) -> None:
        self.phases: list[dict[str, Any]] = []
        self.resets = self._reset()

    def _reset(self) -> bool:
        try:
            with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
                file.write("5")
        except OSError:
            return False
        return True

    def end(self, phase: str) -> None:
        self.phases.append(
            {
                "phase": phase,
                "rss_bytes": kilobytes("/proc/self/smaps_rollup", "Rss") or kilobytes("/proc/self/status", "VmRSS"),
                "pss_bytes": kilobytes("/proc/self/smaps_rollup", "Pss"),
                "peak_rss_bytes": kilobytes("/proc/self/status", "VmHWM"),
            }
        )
        self.resets = self._reset() and self.resets

    def told(self) -> dict[str, Any]:
        peaks = [phase["peak_rss_bytes"] for phase in self.phases if phase["peak_rss_bytes"] is not None]
        # Where it can't be reset, each phase's peak is the peak until then.
        return {"phases": self.phases, "peak_by_phase": self.resets, "peak_rss_bytes": max(peaks) if peaks else None}


# --- one class a runtime ------------------------------------------------------------------------------------------


class Engine:
    """import_library, then load, then run. inputs: (name, shape with −1 for a free dimension, dtype)."""

    version = ""
    arena_bytes: Optional[int] = None
    layers_note = ""
    inputs: list[tuple[str, list[int], str]]

    def __init__(self, model: str, threads: int, kernels: str) -> None:
        self.model, self.threads, self.kernels = model, threads, kernels

    def import_library(self) -> None:
        raise NotImplementedError

    def load(self) -> None:
        raise NotImplementedError

    def run(self, feeds: Feeds) -> dict[str, Any]:
        raise NotImplementedError

    def layers(self, feeds: Feeds) -> list[dict[str, Any]]:
        """Median time of each layer, from a second load with the runtime's own profiler on."""
        return []


class OnnxRuntime(Engine):
    def import_library(self) -> None:
        # It would keep a database of usage in the user's home, and send it, while we measure.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        self.library: Any = onnxruntime
        self.version = onnxruntime.__version__

    def options(self) -> Any:
        options = self.library.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if lacks_vnni():
            options.add_session_config_entry("session.x64quantprecision", "1")
        return options

    def load(self) -> None:
        self.session = self.open(self.options())
        kinds = {"float": "float32", "double": "float64"}
        self.inputs = []
        for value in self.session.get_inputs():
            kind = value.type[len("tensor(") : -1]
            shape = [size if isinstance(size, int) else -1 for size in value.shape]
            self.inputs.append((value.name, shape, kinds.get(kind, kind)))
        self.names = [value.name for value in self.session.get_outputs()]

    def open(self, options: Any) -> Any:
        return self.library.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])

    def run(self, feeds: Feeds) -> dict[str, Any]:
        return dict(zip(self.names, self.session.run(self.names, feeds)))  # noqa: B905 - strict= is Python 3.10

    def layers(self, feeds: Feeds) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            options = self.options()
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(folder, "profile")
            session = self.open(options)
            for _ in range(LAYER_RUNS):
                session.run(self.names, feeds)
            with open(session.end_profiling(), encoding="utf-8") as file:
                events = json.load(file)
        suffix = "_kernel_time"
        timed: dict[str, tuple[str, list[float]]] = {}
        for event in events:
            if event.get("cat") == "Node" and event["name"].endswith(suffix):
                told = event["args"]
                _, times = timed.setdefault(event["name"][: -len(suffix)], (told["op_name"], []))
                times.append(float(event["dur"]))
                if "mem_arena_held" in told:
                    self.arena_bytes = max(self.arena_bytes or 0, int(told["mem_arena_held"]))
        return [layer(name, op, times) for name, (op, times) in timed.items()]


class LiteRT(Engine):
    layers_note = "the Python interpreter does not tell times by layer"

    def import_library(self) -> None:
        from importlib.metadata import version

        from ai_edge_litert import interpreter

        self.library: Any = interpreter
        self.version = version("ai-edge-litert")

    def load(self) -> None:
        options: dict[str, Any] = {"model_path": self.model, "num_threads": self.threads}
        if self.kernels == "builtin":
            kinds = self.library.OpResolverType
            options["experimental_op_resolver_type"] = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.interpreter = self.library.Interpreter(**options)
        self.interpreter.allocate_tensors()
        self.inputs, self.slots = [], {}
        for detail in self.interpreter.get_input_details():
            shape = [int(size) for size in detail["shape"]]
            self.inputs.append((detail["name"], shape, detail["dtype"].__name__))
            self.slots[detail["name"]] = detail["index"]
        self.results = [(detail["name"], detail["index"]) for detail in self.interpreter.get_output_details()]

    def run(self, feeds: Feeds) -> dict[str, Any]:
        for name, index in self.slots.items():
            self.interpreter.set_tensor(index, feeds[name])
        self.interpreter.invoke()
        return {name: self.interpreter.get_tensor(index) for name, index in self.results}


class TFLiteRuntime(LiteRT):
    def import_library(self) -> None:
        from importlib.metadata import version

        from tflite_runtime import interpreter

        self.library = interpreter
        self.version = version("tflite-runtime")


class OpenVINO(Engine):
    def import_library(self) -> None:
        # Merely imported, it would send usage figures over the network from threads of its own, while we measure.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
        import openvino

        self.library: Any = openvino
        self.version = openvino.__version__.partition("-")[0]

    def load(self) -> None:
        self.core = self.library.Core()
        self.compiled = self.compile()
        self.request = self.compiled.create_infer_request()
        self.inputs = []
        for port in self.compiled.inputs:
            shape = [-1 if size.is_dynamic else size.get_length() for size in port.partial_shape]
            self.inputs.append((self.name(port), shape, port.element_type.to_dtype().name))
        self.names = [self.name(port) for port in self.compiled.outputs]

    def compile(self, **more: str) -> Any:
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        return self.core.compile_model(self.model, "CPU", {**settings, "INFERENCE_NUM_THREADS": self.threads, **more})

    def name(self, port: Any) -> str:
        friendly = port.node.get_friendly_name()
        for candidate in (friendly, friendly.partition("/sink_port_")[0]):
            if candidate in port.names:
                return str(candidate)
        return str(min(port.names)) if port.names else str(friendly)

    def run(self, feeds: Feeds) -> dict[str, Any]:
        results = self.request.infer([feeds[name] for name, _, _ in self.inputs], share_inputs=True)
        return {name: results[index] for index, name in enumerate(self.names)}

    def layers(self, feeds: Feeds) -> list[dict[str, Any]]:
        request = self.compile(PERF_COUNT="YES").create_infer_request()
        timed: dict[str, tuple[str, list[float]]] = {}
        for _ in range(LAYER_RUNS):
            request.infer([feeds[name] for name, _, _ in self.inputs])
            for told in request.get_profiling_info():
                if told.status == told.Status.EXECUTED:
                    _, times = timed.setdefault(told.node_name, (told.node_type, []))
                    times.append(told.real_time.total_seconds() * 1e6)
        return [layer(name, op, times) for name, (op, times) in timed.items()]


ENGINES: dict[str, type[Engine]] = {
    "onnxruntime": OnnxRuntime,
    "litert": LiteRT,
    "tflite-runtime": TFLiteRuntime,
    "openvino": OpenVINO,
}


# --- time ---------------------------------------------------------------------------------------------------------


def percentile(ordered: list[float], share: float) -> float:
    """Between the two nearest ranks, linearly."""
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


# What ONNX Runtime and OpenVINO add to the name of a node that they fuse, re-lay or split.
ADDED = re.compile(r"(_token_\d+|_nchwc|_nhwc|/WithoutBiases|/WithoutShift|/DequantizationMultiply)+$")


def layer(name: str, op: str, times: list[float]) -> dict[str, Any]:
    return {"name": ADDED.sub("", name), "op": op, "p50_us": percentile(sorted(times), 0.5)}


def timed_ms(action: Callable[[], Any]) -> float:
    start = time.perf_counter_ns()
    action()
    return (time.perf_counter_ns() - start) / 1e6


def warm_up(action: Callable[[], Any], most_seconds: float) -> dict[str, Any]:
    """Run until the last three medians of WINDOW runs lie within STABLE of one another, or the time is over.

    At least WARM_SECONDS: a clock that steps up needs some milliseconds, and a tiny network is stable before that.
    """
    start = time.perf_counter()
    medians: list[float] = []
    runs, stable = 0, False
    while runs == 0 or time.perf_counter() - start < (min(WARM_SECONDS, most_seconds) if stable else most_seconds):
        window = sorted(timed_ms(action) for _ in range(WINDOW))
        runs += WINDOW
        medians.append(percentile(window, 0.5))
        last = medians[-3:]
        stable = len(last) == 3 and max(last) - min(last) <= STABLE * min(last)
    return {
        "runs": runs,
        "seconds": time.perf_counter() - start,
        "stable": stable,
        "rule": f"{WARM_SECONDS:g} s and 3 medians of {WINDOW} runs within {STABLE:.0%}, or {most_seconds:g} s",
    }


def measure(
    action: Callable[[], Any], seconds: float, least_runs: int, watch: Optional[Watch] = None
) -> tuple[array.array[float], float, float]:
    """Times of each run in ms over at least `seconds` and `least_runs` runs, then wall and processor seconds in all.

    Looks of `watch` are between the runs, and in none of the times.
    """
    times = array.array("d")  # a list of floats would grow the steady phase by megabytes
    looked = looked_cpu = 0.0
    gc.collect()
    gc.disable()
    cpu_start, start = time.process_time(), time.perf_counter()
    while len(times) < least_runs or time.perf_counter() - start - looked < seconds:
        times.append(timed_ms(action))
        if watch is not None and watch.due():
            cpu_pause, pause = time.process_time(), time.perf_counter()
            watch.look()
            if times[-1] < SETTLED_MS:
                action()
            looked, looked_cpu = looked + time.perf_counter() - pause, looked_cpu + time.process_time() - cpu_pause
    took, cpu = time.perf_counter() - start - looked, time.process_time() - cpu_start - looked_cpu
    gc.enable()
    return times, took, cpu


def latency(times: array.array[float], took: float, cpu: float) -> dict[str, Any]:
    """std is of the runs, not of their mean. cpu_ms is of one run, over all threads."""
    ordered = sorted(times)
    mean = sum(ordered) / len(ordered)
    return {
        "p50_ms": percentile(ordered, 0.5),
        "p90_ms": percentile(ordered, 0.9),
        "p99_ms": percentile(ordered, 0.99),
        "min_ms": ordered[0],
        "max_ms": ordered[-1],
        "mean_ms": mean,
        "std_ms": math.sqrt(sum((value - mean) ** 2 for value in ordered) / len(ordered)),
        "cpu_ms": cpu / len(ordered) * 1e3,
        "count": len(ordered),
        "seconds": took,
    }


# --- inferences that an observer counts ---------------------------------------------------------------------------


def mark(number: int) -> None:
    with contextlib.suppress(OSError):
        os.close(MARK + number)


def counted(action: Callable[[], Any], count: int, first: int = 0) -> list[int]:
    """Run `action` `count` times between marks; gives the numbers of its intervals, from `first` on."""
    intervals = list(range(first, first + count))
    gc.collect()
    gc.disable()
    for interval in intervals:
        mark(2 * interval)
        action()
        mark(2 * interval + 1)
    gc.enable()
    return intervals


# --- inputs and golden outputs ------------------------------------------------------------------------------------


def drawn(engine: Engine) -> Feeds:
    """Normal noise, or any code of an integer input, from a fixed seed."""
    import numpy as np

    random = np.random.default_rng(0)
    feeds = {}
    for name, sizes, dtype in engine.inputs:
        shape = [max(size, 1) for size in sizes]
        if np.dtype(dtype).kind in "iu":
            info = np.iinfo(dtype)
            feeds[name] = random.integers(info.min, info.max, shape, dtype, endpoint=True)
        else:
            feeds[name] = random.standard_normal(shape).astype(dtype)
    return feeds


def samples(engine: Engine, given: Feeds) -> list[Feeds]:
    """Cut golden inputs into runs of the file's own batch. Refuses names, shapes and dtypes that are not the file's."""
    import numpy as np

    expected = {name for name, _, _ in engine.inputs}
    if set(given) != expected:
        raise ValueError(f"golden inputs are {sorted(given)}, the file's are {sorted(expected)}")
    runs: list[Feeds] = []
    for name, shape, dtype in engine.inputs:
        stacked = given[name]
        fits = stacked.ndim == len(shape) and all(
            shape[axis] in (-1, stacked.shape[axis]) for axis in range(1 if shape else 0, stacked.ndim)
        )
        batch = max(shape[0], 1) if shape else 1
        if not fits or stacked.dtype.name != dtype or (shape and stacked.shape[0] % batch):
            raise ValueError(
                f"golden input '{name}' is {stacked.dtype} {list(stacked.shape)}, the file's is {dtype} {shape}"
            )
        pieces = np.split(stacked, stacked.shape[0] // batch) if shape else [stacked]
        runs = runs or [{} for _ in pieces]
        if len(pieces) != len(runs):
            raise ValueError(f"golden input '{name}' has {len(pieces)} samples, the others {len(runs)}")
        for number, piece in enumerate(pieces):
            runs[number][name] = np.ascontiguousarray(piece)
    return runs


def compare(name: str, right: Any, got: Any, tolerance: float) -> dict[str, Any]:
    """right: int, or float of another width, is compared as float64. NaN is never right."""
    import numpy as np

    told = {"output": name, "tolerance_rms": tolerance, "ok": False, "reason": ""}
    if got is None:
        return {**told, "reason": "the file has no such output"}
    if got.shape != right.shape or got.dtype != right.dtype:
        return {**told, "reason": f"is {got.dtype} {list(got.shape)}, not {right.dtype} {list(right.shape)}"}
    error = got.astype(np.float64) - right.astype(np.float64)
    rms, most = float(np.sqrt(np.mean(error**2))), float(np.abs(error).max())
    finite = math.isfinite(rms)
    ok = finite and rms <= tolerance
    told["reason"] = "" if ok else ("rms error above the tolerance" if finite else "not finite")
    figures = {"rms": rms if finite else None, "max_abs": most if finite else None}
    return {**told, **figures, "equal_share": float(np.mean(got == right)), "ok": ok}


def arrays(path: str) -> Feeds:
    import numpy as np

    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def outputs_of(runs: list[Feeds], run: Callable[[Feeds], dict[str, Any]]) -> Feeds:
    """Output name → what each of `runs` gave, stacked along the batch; of an output without one, the first's."""
    import numpy as np

    got: dict[str, list[Any]] = {}
    for feeds in runs:
        for name, values in run(feeds).items():
            got.setdefault(name, []).append(np.array(values))
    return {name: np.concatenate(pieces) if pieces[0].ndim else pieces[0] for name, pieces in got.items()}


class Golden:
    def __init__(self, folder: str) -> None:
        self.inputs = arrays(os.path.join(folder, "inputs.npz"))
        self.outputs = arrays(os.path.join(folder, "outputs.npz"))
        with open(os.path.join(folder, "tolerance.json"), encoding="utf-8") as text:
            self.tolerance = json.load(text)["rms"]

    def check(self, runs: list[Feeds], run: Callable[[Feeds], dict[str, Any]]) -> dict[str, Any]:
        got = outputs_of(runs, run)
        outputs = []
        for name, right in self.outputs.items():
            tolerance = self.tolerance[name] if isinstance(self.tolerance, dict) else self.tolerance
            outputs.append(compare(name, right, got.get(name), float(tolerance)))
        return {"ok": bool(outputs) and all(told["ok"] for told in outputs), "samples": len(runs), "outputs": outputs}


def checked(engine: Engine, folder: str) -> dict[str, Any]:
    golden = Golden(folder)
    return golden.check(samples(engine, golden.inputs), engine.run)


# --- all of it ----------------------------------------------------------------------------------------------------


def sha256(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            found.update(piece)
    return found.hexdigest()


def described(options: argparse.Namespace) -> dict[str, Any]:
    """What is told before anything is loaded. A golden file that is missing fails here, before the time is spent."""
    for name in GOLDEN_FILES if options.golden else ():
        os.stat(os.path.join(options.golden, name))
    return {
        "schema": SCHEMA,
        "runtime": options.runtime,
        "model": os.path.basename(options.model),
        "model_bytes": os.path.getsize(options.model),
        "model_sha256": sha256(options.model),
        "threads": options.threads,
        "machine": machine(),
        "before": conditions(),
    }


def bench(options: argparse.Namespace) -> dict[str, Any]:
    result = described(options)
    engine = ENGINES[options.runtime](options.model, options.threads, options.kernels)
    memory = Memory()
    memory.end("baseline")
    result["import_ms"] = timed_ms(engine.import_library)
    memory.end("import")
    result["load_ms"] = timed_ms(engine.load)
    memory.end("load")
    feeds = drawn(engine)
    result["first_ms"] = timed_ms(lambda: engine.run(feeds))
    memory.end("first")
    result["warmup"] = warm_up(lambda: engine.run(feeds), options.warmup_seconds)
    watch = Watch(max(LOOK_SECONDS, options.seconds / MOST_LOOKS))
    measured = measure(lambda: engine.run(feeds), options.seconds, options.least_runs, watch)
    result["watch"] = watch.end()
    result["disturbed"] = disturbances(result["watch"])
    memory.end("steady")
    # Only now: the golden arrays are no part of what the file needs.
    result["latency"] = latency(*measured)
    result["golden"] = checked(engine, options.golden) if options.golden else None
    result["layers"] = engine.layers(feeds) if options.layers else []
    result["layers_note"] = engine.layers_note if options.layers else "not asked for"
    result["memory"] = memory.told()
    return finished(result, engine)


def bench_counted(options: argparse.Namespace) -> dict[str, Any]:
    """As `bench`, with null for every time and for memory, which an emulator spoils, and "counted": the intervals."""
    result = described(options)
    engine = ENGINES[options.runtime](options.model, options.threads, options.kernels)
    engine.import_library()
    engine.load()
    feeds = drawn(engine)
    engine.run(feeds)  # the first allocates
    result["counted"] = counted(lambda: engine.run(feeds), options.counted)
    result["golden"] = checked(engine, options.golden) if options.golden else None
    result.update(dict.fromkeys(("import_ms", "load_ms", "first_ms", "warmup", "latency", "watch", "memory")))
    result.update(disturbed=[], layers=[], layers_note="an emulated core has no time")
    return finished(result, engine)


def finished(result: dict[str, Any], engine: Engine) -> dict[str, Any]:
    result["runtime_version"] = engine.version
    result["arena_bytes"] = engine.arena_bytes
    result["inputs"] = [{"name": name, "shape": shape, "dtype": dtype} for name, shape, dtype in engine.inputs]
    result["after"] = conditions()
    return result


def run_list(options: argparse.Namespace) -> dict[str, Any]:
    with open(options.list, encoding="utf-8") as file:
        runs = json.load(file)["runs"]
    folder = os.path.dirname(os.path.abspath(options.list))
    library = ENGINES[options.runtime]("", options.threads, options.kernels)
    library.import_library()  # missing, it is every run's reason
    told = []
    for number, run in enumerate(runs):
        print("run {} of {}: {}".format(number + 1, len(runs), run["name"]), file=sys.stderr, flush=True)
        told.append({"name": run["name"], **run_one(options, folder, run, number)})
    return {
        "schema": SCHEMA,
        "runtime": options.runtime,
        "runtime_version": library.version,
        "threads": options.threads,
        "machine": machine(),
        "runs": told,
    }


def run_one(options: argparse.Namespace, folder: str, run: dict[str, str], number: int) -> dict[str, Any]:
    """samples: how many there were. counted: the intervals."""
    engine = ENGINES[options.runtime](os.path.join(folder, run["model"]), options.threads, options.kernels)
    try:
        engine.import_library()
        engine.load()
        feeds = samples(engine, arrays(os.path.join(folder, run["inputs"])))
        save(os.path.join(folder, run["outputs"]), outputs_of(feeds, engine.run))
        intervals = counted(lambda: engine.run(feeds[0]), options.counted or 0, number * (options.counted or 0))
    except Exception as error:  # noqa: BLE001 - whatever it was, the other runs go on
        traceback.print_exc()
        return {"error": reason(error)}
    return {"samples": len(feeds), "counted": intervals}


def save(path: str, found: Feeds) -> None:
    """Whole or not at all."""
    import numpy as np

    with open(path + ".partial", "wb") as file:
        np.savez(file, **found)
    os.replace(path + ".partial", path)


def reason(error: Exception) -> str:
    told = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "{}: {}".format(type(error).__name__, told[-1] if told else "no reason given")


def parsed(arguments: Optional[list[str]]) -> argparse.Namespace:
    def positive(text: str) -> float:
        value = float(text)
        if not value > 0 or math.isinf(value):
            raise argparse.ArgumentTypeError("must be above 0")
        return value

    def count(text: str) -> int:
        value = int(text)
        if value < 1:
            raise argparse.ArgumentTypeError("must be 1 or more")
        return value

    parser = argparse.ArgumentParser(prog="bench.py", description="Measure one file in one runtime. Prints JSON.")
    parser.add_argument("--runtime", choices=sorted(ENGINES))
    files = parser.add_mutually_exclusive_group(required=True)
    files.add_argument("--model", help="the file: .onnx, .tflite or .xml")
    files.add_argument("--list", metavar="FILE", help="run the files that FILE lists, and write their outputs")
    files.add_argument(
        "--settle", type=positive, metavar="SECONDS", help="wait until nothing disturbs, so long at most"
    )
    parser.add_argument("--cool-to", type=float, metavar="CELSIUS", help="with --settle: and until it is no hotter")
    parser.add_argument("--cool-within", type=positive, metavar="SECONDS", help="with --settle: longest wait for that")
    parser.add_argument("--threads", type=count, default=1, help="threads of the runtime (default 1)")
    parser.add_argument("--seconds", type=positive, default=3.0, help="time to measure over (default 3 s)")
    parser.add_argument("--least-runs", type=count, default=5, help="runs to measure even if slow (default 5)")
    parser.add_argument("--warmup-seconds", type=positive, default=5.0, help="longest warm-up (default 5 s)")
    parser.add_argument("--golden", help="folder with inputs.npz, outputs.npz and tolerance.json")
    parser.add_argument(
        "--kernels", choices=("xnnpack", "builtin"), default="xnnpack", help="of litert (default xnnpack)"
    )
    parser.add_argument("--counted", type=count, metavar="N", help="no timing; N inferences between marks")
    parser.add_argument("--no-layers", dest="layers", action="store_false", help="leave out the time by layer")
    parser.add_argument("--deadline", type=positive, metavar="SECONDS", help="end by SIGALRM then")
    options = parser.parse_args(arguments)
    if options.runtime is None and options.settle is None:
        parser.error("--runtime is needed")
    return options


def action(options: argparse.Namespace) -> Callable[[argparse.Namespace], dict[str, Any]]:
    if options.settle:
        return settle
    if options.list:
        return run_list
    return bench_counted if options.counted else bench


def main(arguments: Optional[list[str]] = None) -> int:
    options = parsed(arguments)
    if options.deadline:
        # Python's own handler would wait for the runtime to come back.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, options.deadline)
    # Libraries print, too: only our JSON may reach standard output.
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        result, code = action(options)(options), 0
    except Exception as error:  # noqa: BLE001 - whatever it was, whoever started this on a board reads JSON
        traceback.print_exc()
        result, code = {"error": reason(error)}, 1
    json.dump(result, answer, allow_nan=False)
    answer.write("\n")
    answer.close()
    return code


if __name__ == "__main__":
    # What lies beside this file must not stand for a library.
    if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
        del sys.path[0]
    sys.exit(main())
